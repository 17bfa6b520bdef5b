"""How soon an event reaches an endpoint, beside a bare request.

    python -m benchmarks.latency [--quick] [--rate N] [--events N]

100 events a second are appended one by one and go to one endpoint. The time is that from the return of the commit to
the first byte at the receiver, by the one monotonic clock of the machine; for the bare request, that from the call of
aiohttp. Results are the 50th and the 99th percentile of both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks._measuring import measured, options, quantiles
from benchmarks._peers import Peer, peer
from benchmarks._receivers import Arrival, Ports, host
from benchmarks._service import installation, service

PATIENCE = 60.0


async def waits(receivers: Peer, began: Mapping[str, float]) -> list[float]:
    """Seconds from each beginning to its arrival; raises SystemExit if one did not arrive."""
    await receivers.call("reached", PATIENCE)
    arrived = {one.event: one.at for one in (Arrival(*found) for found in await receivers.call("arrivals"))}
    if missing := began.keys() - arrived.keys():
        raise SystemExit(f"{len(missing)} of {len(began)} did not arrive")
    return [arrived[id] - at for id, at in began.items()]


async def measure(rate: float, count: int) -> None:
    """Print a line for each of the two."""
    with tempfile.TemporaryDirectory() as folder:
        async with peer("_receivers") as receivers, peer("_bare") as bare:
            port = Ports(*await receivers.call("ports")).plain
            groups = {"watched": [f"http://{host(1, 0)}:{port}/fast/watched"]}
            async with installation(Path(folder), groups) as made, service(made) as running:
                print(f"latency: {count} events at {rate:.0f} a second, to one endpoint")
                await receivers.call("expect", count)
                posted = await bare.call("pace", f"http://{host(2, 0)}:{port}/fast/watched", count, rate)
                theirs = quantiles(await waits(receivers, posted))
                await running.prepare("watched", count)
                await receivers.call("expect", count)
                appended = await running.pace(rate)
                ours = quantiles(await waits(receivers, appended.committed))
    for name, (half, most) in (("bare, called to first byte", theirs), ("committed to first byte", ours)):
        print(f"  {name:28} p50 {half:6.1f} ms   p99 {most:6.1f} ms")


def main() -> None:
    parser = options(__doc__, "50 events")
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--events", type=int, default=1000)
    given = parser.parse_args()
    measured(measure(given.rate, 50 if given.quick else given.events))


if __name__ == "__main__":
    main()
