"""Durable deliveries against a bare aiohttp loop that keeps nothing.

    python -m benchmarks.deliveries [--quick] [--deliveries N] [--rounds N] [--database NAME] [--shape NAME]

Both send signed bodies of 2 KB to receivers in another process and take turns in one run, since the machine's own pace
varies more than what is measured. The durable side is `publisher run`: it begins with the append of the events and
ends when the last outcome is committed, with fan-out, claims, the address guard, the attempt log and all. Ten thousand
deliveries have three shapes:

* ``endpoints``: one event to 10,000 endpoints of one host;
* ``hosts``: ten events to 1,000 hosts;
* ``single``: 10,000 events to one endpoint. What it costs to append them is told besides: the baseline has none.

Results are the ratios of the best wall time and of the median CPU time, bare by durable: over 1 is better than bare.
A round of each goes before, uncounted. ``--quick`` is small, and fails only if a delivery is missing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks._measuring import Cost, measured, micros, options, rate
from benchmarks._peers import Peer, peer
from benchmarks._receivers import Ports, host
from benchmarks._service import Service, databases, installation, service

WORKERS = 256
PATIENCE = 600.0


class Shape(NamedTuple):
    """So many deliveries: ``events`` to each of ``urls``; ``workers`` is how many the bare loop sends at once."""

    title: str
    events: int
    urls: Sequence[str]
    workers: int = WORKERS

    @property
    def count(self) -> int:
        return self.events * len(self.urls)


def shapes(port: int, count: int) -> dict[str, Shape]:
    """The three."""
    few = count // 10
    return {
        "endpoints": Shape(
            f"one event to {count:,} endpoints of one host",
            1,
            [f"http://127.0.0.1:{port}/fast/{number}" for number in range(count)],
        ),
        "hosts": Shape(
            f"ten events to {few:,} hosts",
            10,
            [f"http://{host(1, number)}:{port}/fast" for number in range(few)],
        ),
        "single": Shape(f"{count:,} events to one endpoint", count, [f"http://127.0.0.1:{port}/fast"], 10),
    }


async def durable(running: Service, receivers: Peer, name: str, shape: Shape) -> tuple[Cost, float]:
    """What one round costs, and how much of its CPU the append took."""
    await running.prepare(name, shape.events)
    await receivers.call("expect", shape.count)
    wall, cpu = time.perf_counter(), await running.cpu()
    appended = await running.append(shape.events)  # at once, so that nothing is sent while its cost is taken
    await receivers.call("reached", PATIENCE)
    await running.until(appended.seqs, shape.count, "delivered")
    return Cost(time.perf_counter() - wall, await running.cpu() - cpu), appended.cpu


async def compare(running: Service, bare: Peer, receivers: Peer, name: str, shape: Shape, rounds: int) -> None:
    """Measure one shape and print it; raises SystemExit if a delivery is missing."""
    ours, theirs, appending = [], [], []
    if rounds > 1:  # the first of each is another matter: connections are made, caches are empty
        await bare.call("post", shape.urls, shape.events, shape.workers)
        await durable(running, receivers, name, shape)
    before = sum((await receivers.call("counts")).values())
    for _ in range(rounds):
        theirs.append(Cost(*await bare.call("post", shape.urls, shape.events, shape.workers)))
        cost, append = await durable(running, receivers, name, shape)
        ours.append(cost)
        appending.append(Cost(0.0, append))
    print(f"  {shape.title}")
    for side, costs in (("bare", theirs), ("durable", ours)):
        more = f", {micros(appending, shape.count):.0f} of them to append" if side == "durable" else ""
        speed, each = rate(costs, shape.count), micros(costs, shape.count)
        print(f"    {side:8} {speed:7,.0f} deliveries/s, {each:5.0f} µs of CPU each{more}")
    wall, cpu = rate(ours, shape.count) / rate(theirs, shape.count), micros(theirs, 1) / micros(ours, 1)
    print(f"    durable / bare: {wall:.2f} by wall time, {cpu:.2f} by CPU time", flush=True)
    received = sum((await receivers.call("counts")).values()) - before
    if received != 2 * rounds * shape.count:
        raise SystemExit(f"received {received} of {2 * rounds * shape.count}")


async def measure(database: str, count: int, rounds: int, names: Sequence[str]) -> None:
    """Print a block for each shape."""
    print(f"deliveries: {database}, medians of {rounds}")
    with tempfile.TemporaryDirectory() as folder:
        async with peer("_receivers") as receivers, peer("_bare") as bare:
            found = shapes(Ports(*await receivers.call("ports")).plain, count)
            asked = {name: found[name] for name in names or found}
            groups = {name: shape.urls for name, shape in asked.items()}
            async with installation(Path(folder), groups, database) as made, service(made) as running:
                for name, shape in asked.items():
                    await compare(running, bare, receivers, name, shape, rounds)


def main() -> None:
    parser = options(__doc__, "300 deliveries, one round, SQLite")
    parser.add_argument("--database", action="append", choices=databases(), help="by default all there are")
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shape", action="append", default=[], choices=list(shapes(0, 10)))
    given = parser.parse_args()
    count, rounds = (300, 1) if given.quick else (given.deliveries, given.rounds)
    for database in given.database or (["sqlite"] if given.quick else databases()):
        measured(measure(database, count, rounds, given.shape))


if __name__ == "__main__":
    main()
