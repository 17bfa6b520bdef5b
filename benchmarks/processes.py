"""Four processes that send, on PostgreSQL, against one.

    python -m benchmarks.processes [--quick] [--endpoints N] [--events N] [--processes N]

Ten events go to 1,000 endpoints, each at a host of its own that answers at once: first with one process that has every
role, then with three more that only send (`publisher run --role deliver`), each with a folder of its own on the same
database. Results are the CPU of each delivery, summed over the processes, and its ratio. The server's own CPU is not
counted. It needs the server that ``PUBLISHER_TEST_POSTGRES`` names.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks._measuring import Cost, measured, options
from benchmarks._peers import Peer, peer
from benchmarks._receivers import Ports, host
from benchmarks._service import POSTGRES, Service, installation, service

PATIENCE = 600.0


async def cost(running: Sequence[Service], receivers: Peer, endpoints: int, events: int) -> Cost:
    """What these events cost all of them together."""
    first, count = running[0], endpoints * events
    await first.prepare("news", events)
    await receivers.call("expect", count)
    wall, cpu = time.perf_counter(), sum([await one.cpu() for one in running])
    appended = await first.append()
    await receivers.call("reached", PATIENCE)
    await first.until(appended.seqs, count, "delivered")
    return Cost(time.perf_counter() - wall, sum([await one.cpu() for one in running]) - cpu)


async def measure(endpoints: int, events: int, processes: int) -> None:
    """Print a line for one, a line for all, and the ratio."""
    count, found = endpoints * events, []
    print(f"processes: {events} events to {endpoints:,} hosts on PostgreSQL")
    with tempfile.TemporaryDirectory() as folder:
        async with peer("_receivers") as receivers, contextlib.AsyncExitStack() as stack:
            port = Ports(*await receivers.call("ports")).plain
            urls = [f"http://{host(1, one)}:{port}/fast" for one in range(endpoints)]
            made = await stack.enter_async_context(installation(Path(folder), {"news": urls}, "postgresql"))
            running = [await stack.enter_async_context(service(made))]
            for number in (1, processes):
                while len(running) < number:
                    node = made.another(f"node-{len(running)}")
                    running.append(await stack.enter_async_context(service(node, role="deliver")))
                await cost(running, receivers, endpoints, 1)  # connections are made, plans are cached
                found.append(await cost(running, receivers, endpoints, events))
                rate, each = count / found[-1].wall, found[-1].cpu / count * 1e6
                print(f"  {number} sending   {rate:7,.0f} deliveries/s, {each:5.0f} µs of CPU each", flush=True)
    print(f"  ×{found[1].cpu / found[0].cpu:.2f} in CPU")


def main() -> None:
    parser = options(__doc__, "50 endpoints, four events")
    parser.add_argument("--endpoints", type=int, default=1000)
    parser.add_argument("--events", type=int, default=10)
    parser.add_argument("--processes", type=int, default=4)
    given = parser.parse_args()
    if not POSTGRES:
        print("processes: not measured, since PUBLISHER_TEST_POSTGRES names no server")
    elif given.quick:
        measured(measure(50, 4, 2))
    else:
        measured(measure(given.endpoints, given.events, given.processes))


if __name__ == "__main__":
    main()
