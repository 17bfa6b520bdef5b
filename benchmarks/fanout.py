"""One event and a million subscriptions: the start of a process, what it holds, and the fan-out.

    python -m benchmarks.fanout [--quick] [--subscriptions N]

The endpoints are simulated and never answer, so that nothing but the fan-out goes on. CPU is that from the append until
all that is to be sent stands in the database: until the event's accounts count every subscription as matched, and as
pending or sending. The start is that of `publisher run` until it is ready: the first one, which adopts the definitions,
and another. The subscriptions are made before; a million take some minutes.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks._measuring import measured, options
from benchmarks._service import Service, installation, service
from benchmarks._simulated import Simulation


async def measure(subscriptions: int) -> None:
    """Print the start, the memory and the fan-out."""
    urls = [f"https://simulated.example/{number}" for number in range(subscriptions)]
    print(f"fanout: one event, {subscriptions:,} subscriptions on SQLite")
    with tempfile.TemporaryDirectory() as folder:
        async with installation(Path(folder), {"news": urls}) as made:
            for name in ("first start", "start"):
                began = time.perf_counter()
                async with service(made, simulation=Simulation(silent=True)) as running:
                    took, cpu, idle = time.perf_counter() - began, await running.cpu(), running.process.memory()
                    print(f"  {name} {took:.1f} s, {cpu:.1f} s of CPU; {idle:.0f} MB idle", flush=True)
                    if name == "start":
                        await fan_out(running, subscriptions)


async def fan_out(running: Service, subscriptions: int) -> None:
    """Print what one event costs."""
    idle = running.process.memory()
    await running.prepare("news", 1)
    running.process.forget_peak()
    before, wall = await running.cpu(), time.perf_counter()
    appended = await running.append()
    await running.until(appended.seqs, subscriptions, "pending", "sending", look=0.1)
    spent, wall = await running.cpu() - before, time.perf_counter() - wall
    each, more = spent / subscriptions * 1e6, running.process.memory("VmHWM") - idle
    print(f"  fan-out {spent:.2f} s of CPU ({each:.2f} µs each) in {wall:.1f} s; {more:.0f} MB above idle at most")


def main() -> None:
    parser = options(__doc__, "1,000 subscriptions")
    parser.add_argument("--subscriptions", type=int, default=1_000_000)
    given = parser.parse_args()
    measured(measure(1_000 if given.quick else given.subscriptions))


if __name__ == "__main__":
    main()
