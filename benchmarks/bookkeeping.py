"""What a delivery costs besides HTTP: CPU and bytes, with one in a hundred failing.

    python -m benchmarks.bookkeeping [--quick] [--subscribers N]

One event goes to 100,000 subscribers whose endpoints are simulated: in the service's process, the client's way to POST
is replaced by one that answers in the next turn of the event loop, every hundredth time with a 500. The rest is whole:
append, fan-out, claims, signing, settling. CPU is that from the append until every delivery has an outcome; the share
of the database is that of the process's other threads, in which SQLite works. Bytes are those by which the SQLite file
grew. The subscribers are made before; that takes a minute.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from benchmarks._measuring import measured, options
from benchmarks._service import installation, service
from benchmarks._simulated import Simulation

FAILING = 100


async def measure(subscribers: int) -> None:
    """Print the CPU, the database's share of it, and the bytes."""
    urls = [f"https://simulated.example/{number}" for number in range(subscribers)]
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        made = await stack.enter_async_context(installation(Path(folder), {"news": urls}))
        running = await stack.enter_async_context(service(made, simulation=Simulation(failing=FAILING)))
        await running.prepare("news", 1)
        size, idle = made.size(), running.process.memory()
        before, threads = await running.cpu(), await running.process.call("cpu_of_threads")
        running.process.forget_peak()
        appended = await running.append()
        await running.until(appended.seqs, subscribers, "delivered", "retrying", "dead", look=0.2)
        spent = (await running.cpu() - before) / subscribers * 1e6
        database = (await running.process.call("cpu_of_threads") - threads) / subscribers * 1e6
        grown, peak = (made.size() - size) / subscribers, running.process.memory("VmHWM")
    print(f"bookkeeping: one event to {subscribers:,} simulated subscribers on SQLite, 1 in {FAILING} failing")
    print(f"  {spent:6.2f} µs of CPU each, {database:.2f} of them in the database's threads; {grown:.1f} bytes each")
    print(f"  {peak - idle:.0f} MB above the {idle:.0f} MB of idle")


def main() -> None:
    parser = options(__doc__, "1,000 subscribers")
    parser.add_argument("--subscribers", type=int, default=100_000)
    given = parser.parse_args()
    measured(measure(1_000 if given.quick else given.subscribers))


if __name__ == "__main__":
    main()
