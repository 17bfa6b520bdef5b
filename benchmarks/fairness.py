"""What a healthy endpoint feels of bad ones beside it.

    python -m benchmarks.fairness [--quick] [--events N] [--rate N] [--backlog N] [--beside NAME]

Four healthy endpoints, each at a host of its own, are sent an event five times a second. The time is that from the
return of the event's commit to its first byte at the receiver. It is taken with nobody else there, and then with each
kind of others, who are sent the same events and were made between the first two and the last two of the healthy ones:

| name | others |
|---|---|
| ``good`` | 100 that answer at once, for comparison: nobody is to be faster than beside them |
| ``slow`` | 100 that take a second |
| ``drip`` | 100 that answer 200 at once and never end the body |
| ``never`` | 100 that never answer |
| ``handshake`` | 30 that take the connection and never answer the TLS handshake |
| ``refusing`` | 100 that refuse the connection |
| ``nameless`` | 24 whose names do not resolve (``.invalid``, RFC 6761), as fast as this machine's name server says so |
| ``backlog`` | one that takes a second, with 5,000 events waiting for it (``--backlog 400000``: a long outage) |

Each has a database and a process of its own. Results are the 50th and the 99th percentile, their ratios to those
without others, and the share of a core that the service used. Of events that had not come when the time for it was
over, that time is taken: the ratio is then at least this.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks._measuring import measured, options, quantiles
from benchmarks._peers import Peer, peer
from benchmarks._receivers import Arrival, Ports, host
from benchmarks._service import Service, installation, service

HEALTHY = 4
PATIENCE = 20.0
"""Seconds that are waited for events after the last was committed."""

MARKED, FANNED_OUT = 120.0, 0.005
"""Seconds for the first event, which comes once the log before it was gone through, and for each event there."""

PIECE = 5_000


class Felt(NamedTuple):
    """Percentiles in milliseconds, how many events had not come, and CPU seconds by seconds that passed."""

    half: float
    most: float
    missing: int
    share: float


def others(ports: Ports, few: bool) -> dict[str, list[str]]:
    """The URLs of each kind."""

    def urls(count: int, scheme: str, port: int, path: str) -> list[str]:
        number = min(count, 5) if few else count
        return [f"{scheme}://{host(3, one)}:{port}/{path}" for one in range(number)]

    return {
        "good": urls(100, "http", ports.plain, "fast"),
        "slow": urls(100, "http", ports.plain, "slow"),
        "drip": urls(100, "http", ports.plain, "drip"),
        "never": urls(100, "http", ports.plain, "never"),
        "handshake": urls(30, "https", ports.silent, "fast"),
        "refusing": urls(100, "http", ports.refusing, "fast"),
        "nameless": [f"https://nobody-{one}.invalid/hook" for one in range(2 if few else 24)],
        "backlog": urls(1, "http", ports.plain, "slow"),
    }


async def felt(running: Service, receivers: Peer, rate: float, events: int) -> Felt:
    """Send the events, and wait for them no longer than there is patience."""
    await running.prepare("healthy", events)
    await receivers.call("arrivals")
    began, before = time.monotonic(), await running.cpu()
    appended = await running.pace(rate)
    arrivals: list[Arrival] = []
    until = time.monotonic() + PATIENCE
    while len(arrivals) < events * HEALTHY and time.monotonic() < until:
        await asyncio.sleep(0.2)
        arrivals += [Arrival(*one) for one in await receivers.call("arrivals")]
    now = time.monotonic()
    share = (await running.cpu() - before) / (now - began)
    waited = [one.at - appended.committed[one.event] for one in arrivals]
    missing = events * HEALTHY - len(arrivals)
    return Felt(*quantiles(waited + [PATIENCE] * missing), missing, share)


async def beside(
    folder: Path, receivers: Peer, ports: Ports, bad: list[str], rate: float, events: int, backlog: int
) -> Felt:
    """What the healthy ones feel beside these; with a backlog, those have that to themselves."""
    well = [f"http://{host(2, one)}:{ports.plain}/fast/watched" for one in range(HEALTHY)]
    half = HEALTHY // 2
    beside_them = [*well[:half], *([] if backlog else bad), *well[half:]]
    groups = {"healthy": beside_them, **({"backlog": bad} if backlog else {})}
    async with installation(folder, groups) as made, service(made) as running:
        if backlog:
            for at in range(0, backlog, PIECE):
                await running.prepare("backlog", min(PIECE, backlog - at), "observation")
                await running.append()
        await running.prepare("healthy", 1)
        await running.append()
        await receivers.call("watched", HEALTHY, MARKED + backlog * FANNED_OUT)
        return await felt(running, receivers, rate, events)


async def measure(kinds: list[str], few: bool, rate: float, events: int, backlog: int) -> None:
    """Print a line without others, and one for each kind of them."""
    print(f"fairness: {events} events at {rate:.0f} a second, to {HEALTHY} healthy endpoints")
    with tempfile.TemporaryDirectory() as folder:
        async with peer("_receivers") as receivers:
            ports = Ports(*await receivers.call("ports"))
            alone = await beside(Path(folder), receivers, ports, [], rate, events, 0)
            _tell("alone", alone, None)
            found = others(ports, few)
            for name in kinds or found:
                waiting = backlog if name == "backlog" else 0
                _tell(name, await beside(Path(folder), receivers, ports, found[name], rate, events, waiting), alone)


def _tell(name: str, one: Felt, alone: Felt | None) -> None:
    ratio = f"   ×{one.half / alone.half:5.1f} and ×{one.most / alone.most:5.1f} of alone" if alone else ""
    missing = f"   {one.missing} not within {PATIENCE:.0f} s" if one.missing else ""
    said = f"p50 {one.half:8.1f} ms   p99 {one.most:8.1f} ms   {one.share:4.0%} of a core"
    print(f"  {name:10} {said}{ratio}{missing}", flush=True)


def main() -> None:
    parser = options(__doc__, "five that take a second, five events")
    parser.add_argument("--events", type=int, default=50)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--backlog", type=int, default=5_000)
    parser.add_argument("--beside", action="append", default=[], choices=list(others(Ports(0, 0, 0), True)))
    given = parser.parse_args()
    if given.quick:
        measured(measure(given.beside or ["slow"], True, 50.0, 5, 50))
    else:
        measured(measure(given.beside, False, given.rate, given.events, given.backlog))


if __name__ == "__main__":
    main()
