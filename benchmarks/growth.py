"""By how much the database grows in an hour of a busy market, beyond the log's own rows.

    python -m benchmarks.growth [--quick] [--events N] [--webhooks N]

36,000 events of ten indicators, as many as an hour has at ten a second, go to 100 webhooks whose endpoints are
simulated and answer at once. Ten events are appended in one transaction, as one reading of a market does, and a hundred
may be on their way at once: the hour is accelerated, and what would be written once in a while in it is written less
often here. The same events go into another database that nobody follows: the difference of both is what the deliveries
need. Free pages are not counted.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks._measuring import measured, options
from benchmarks._service import Installation, installation, service
from benchmarks._simulated import Simulation

READING = 10
PIECE = 100
"""Events that may be on their way at once: ten seconds of the hour."""


async def grown(made: Installation, events: int, webhooks: int) -> tuple[int, float]:
    """The bytes by which the file grew, and the CPU seconds that it took."""
    async with service(made, simulation=Simulation()) as running:
        size, cpu = made.size(), await running.cpu()
        for at in range(0, events, PIECE):
            piece = min(PIECE, events - at)
            await running.prepare("market", piece, "observation")
            appended = await running.append(READING)
            if webhooks:
                await running.until(appended.seqs, piece * webhooks, "delivered")
        return made.size() - size, await running.cpu() - cpu


async def measure(events: int, webhooks: int) -> None:
    """Print both growths, and their difference for each event."""
    urls = [f"https://simulated.example/{number}" for number in range(webhooks)]
    with tempfile.TemporaryDirectory() as folder:
        async with installation(Path(folder), {"market": []}) as made:
            log, appending = await grown(made, events, 0)
        async with installation(Path(folder), {"market": urls}) as made:
            both, all_of_it = await grown(made, events, webhooks)
    each, beyond = log / events, (both - log) / events
    spent = [cpu / events * 1e6 for cpu in (appending, all_of_it)]
    print(f"growth: {events:,} events to {webhooks} simulated webhooks on SQLite")
    print(f"  {each:.0f} bytes an event in the log, {beyond:.0f} beyond it")
    print(f"  {spent[0]:.0f} µs of CPU an event to append, {spent[1]:.0f} with its deliveries")


def main() -> None:
    parser = options(__doc__, "360 events, ten webhooks")
    parser.add_argument("--events", type=int, default=36_000)
    parser.add_argument("--webhooks", type=int, default=100)
    given = parser.parse_args()
    measured(measure(360, 10) if given.quick else measure(given.events, given.webhooks))


if __name__ == "__main__":
    main()
