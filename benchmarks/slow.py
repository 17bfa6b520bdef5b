"""Endpoints that take a second each: how many deliveries a second, and what they hold in memory.

    python -m benchmarks.slow [--quick] [--endpoints N] [--events N]

Ten events go to 1,000 endpoints, each at a host of its own, which answer after a second. The rate is that from the
first append until the last outcome is committed: how many requests may wait for their answers at once decides it.
Memory is the service's own, at its peak, above what it held before the first event.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks._measuring import measured, options
from benchmarks._peers import peer
from benchmarks._receivers import SLOW_SECONDS, Ports, host
from benchmarks._service import installation, service

PATIENCE = 600.0


async def measure(endpoints: int, number: int) -> None:
    """Print the rate, the memory and the CPU."""
    count = endpoints * number
    with tempfile.TemporaryDirectory() as folder:
        async with peer("_receivers") as receivers:
            port = Ports(*await receivers.call("ports")).plain
            urls = [f"http://{host(1, one)}:{port}/slow" for one in range(endpoints)]
            async with installation(Path(folder), {"slow": urls}) as made, service(made) as running:
                await running.prepare("slow", number)
                idle, before = running.process.memory(), await running.cpu()
                running.process.forget_peak()
                await receivers.call("expect", count)
                began = time.monotonic()
                appended = await running.append()
                await receivers.call("reached", PATIENCE)
                await running.until(appended.seqs, count, "delivered")
                spent = time.monotonic() - began
                cpu, peak = await running.cpu() - before, running.process.memory("VmHWM")
    print(f"slow: {number} events to {endpoints:,} endpoints that take {SLOW_SECONDS:.0f} s each")
    print(
        f"  {count / spent:7,.0f} deliveries/s, {cpu / count * 1e6:.0f} µs of CPU each,"
        f" {peak - idle:.0f} MB above the {idle:.0f} MB of idle"
    )


def main() -> None:
    parser = options(__doc__, "20 endpoints, two events")
    parser.add_argument("--endpoints", type=int, default=1000)
    parser.add_argument("--events", type=int, default=10)
    given = parser.parse_args()
    measured(measure(20, 2) if given.quick else measure(given.endpoints, given.events))


if __name__ == "__main__":
    main()
