"""What a delivery costs as the number of subscribers grows.

    python -m benchmarks.subscribers [--quick] [--few N] [--many N] [--deliveries N]

As many deliveries go to 1,000 subscribers, a hundred events to each, as to 100,000, one event to each; all are at one
host and answer at once. Both services run from the start to the end of the run and are measured one after the other.
Results are the CPU of each delivery, its ratio, and what the service of the many holds above that of the few: idle, and
at its peak. The subscribers are made before; that takes a minute.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks._measuring import measured, options
from benchmarks._peers import Peer, peer
from benchmarks._receivers import Ports
from benchmarks._service import installation, service

PATIENCE = 1200.0


class Figures(NamedTuple):
    """CPU seconds of a delivery, and MB that the service held: idle and at most."""

    cpu: float
    idle: float
    peak: float


async def one(folder: Path, receivers: Peer, urls: Sequence[str], events: int) -> Figures:
    """So many events to each of these."""
    count = len(urls) * events
    async with installation(folder, {"news": urls}) as made, service(made) as running:
        idle, before = running.process.memory(), await running.cpu()
        running.process.forget_peak()
        for _ in range(events):  # one after the other: 100 at once would be another shape, and not only more followers
            await running.prepare("news", 1)
            await receivers.call("expect", len(urls))
            appended = await running.append()
            await receivers.call("reached", PATIENCE)
        await running.until(appended.seqs, len(urls), "delivered")
        cpu = (await running.cpu() - before) / count
        return Figures(cpu, idle, running.process.memory("VmHWM"))


async def measure(few: int, many: int, deliveries: int) -> None:
    """Print a line for each, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        async with peer("_receivers") as receivers:
            port = Ports(*await receivers.call("ports")).plain
            found = []
            print(f"subscribers: {deliveries:,} deliveries, or one event to each where that is more")
            for number in (few, many):
                urls = [f"http://127.0.0.1:{port}/fast/{one}" for one in range(number)]
                found.append(await one(Path(folder), receivers, urls, max(1, deliveries // number)))
                each, idle, peak = found[-1]
                said = f"{each * 1e6:5.0f} µs of CPU each   {idle:4.0f} MB idle, {peak:4.0f} MB at most"
                print(f"  {number:9,} subscribers   {said}", flush=True)
    less, more = found
    idle, peak = more.idle - less.idle, more.peak - less.peak
    print(f"  ×{more.cpu / less.cpu:.2f} in CPU, {idle:+.0f} MB idle, {peak:+.0f} MB at most")


def main() -> None:
    parser = options(__doc__, "50 and 500 subscribers, 500 deliveries")
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--deliveries", type=int, default=100_000)
    given = parser.parse_args()
    measured(measure(50, 500, 500) if given.quick else measure(given.few, given.many, given.deliveries))


if __name__ == "__main__":
    main()
