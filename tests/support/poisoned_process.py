"""A deliverer that ends itself without a word as it sends certain events, begun again and again.

``python poisoned_process.py URL DATA LANES WAITS POISON…``: each line of its standard input begins the deliverer in a
process of its own, forked from this one, which has imported everything. It prints that process's id and, once it has
ended, how. SIGTERM has it stop with grace. A poison is ``PATH:SEQ``: it is killed as it begins to send this event to
this path, with ``*`` for either any; ``PATH:SEQ@N`` only at its N-th attempt and later. LANES says whether it is
``alone``, and WAITS are the deliverer's ``alone_after``.

:class:`Poisoned` is the other end, for tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from publisher import telemetry
from publisher.delivery import Deliverer, suspects
from publisher.delivery.sender import Sender
from publisher.outbound import Outbound
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database
from support.deliverer_process import define


class Poisons:
    """Which deliveries end the process."""

    def __init__(self, poisons: Sequence[str]) -> None:
        self._poisons = [self._parsed(one) for one in poisons]

    @staticmethod
    def _parsed(one: str) -> tuple[str, str, int]:
        where, _, attempt = one.partition("@")
        path, _, seq = where.partition(":")
        return path, seq, int(attempt or 1)

    def met(self, url: str, seq: int, number: int) -> bool:
        """Whether this attempt is one."""
        path = urlsplit(url).path
        return any(
            one in ("*", path) and event in ("*", str(seq)) and number >= least for one, event, least in self._poisons
        )


async def main(url: str, data: Path, alone: bool, poisons: Poisons, waits: Sequence[float]) -> None:
    """Deliver until told to stop, or killed."""
    db = await Database.open(url, data)
    await db.write(define)
    outbound = Outbound(allow_private=["127.0.0.0/8:*"])
    deliverer = Deliverer(
        db, outbound, Sealer.open(data), schedule=[0.0] * 30, timeout=30.0, lease_margin=30.0, alone=alone,
        alone_after=waits,
    )  # fmt: skip
    begin = Sender._begin

    def poisoned(sender: Sender, item: Any) -> None:
        if poisons.met(item.one.url, item.one.seq, item.one.number):
            os.kill(os.getpid(), signal.SIGKILL)
        begin(sender, item)

    Sender._begin = poisoned  # type: ignore[method-assign]
    # What was given to others before is bound already.
    for part in (deliverer._sender._turns, deliverer._sender._probing, deliverer._sender._suspects):
        part._begin = deliverer._sender._begin
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    running = asyncio.create_task(deliverer.run())
    await stop.wait()
    await deliverer.stop(30)
    await running
    await outbound.close()
    await db.close()


class Poisoned:
    """The process that begins them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._pid = 0
        self._end: asyncio.Task[int] | None = None

    async def begin(self) -> asyncio.Task[int]:
        """Begin one; the task is its end: its exit code, or the negative number of a signal."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"begin\n")
        self._pid = await self._number()
        self._end = asyncio.create_task(self._number())
        return self._end

    async def close(self) -> None:
        """End it, and who begins it."""
        if self._end is not None and not self._end.done():
            self.send(signal.SIGKILL)
            await self._end
        await self._process.communicate(b"")  # ends its standard input

    def send(self, number: int) -> None:
        """Send a signal to the one that was begun."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, number)

    async def _number(self) -> int:
        assert self._process.stdout is not None
        return int(await self._process.stdout.readline())


@contextlib.asynccontextmanager
async def poisoned(
    url: str, data: Path, *poisons: str, alone: bool, waits: Sequence[float] = suspects.ALONE_AFTER
) -> AsyncIterator[Poisoned]:
    """Deliverers with these poisons, to be begun one after the other."""
    arguments = [url, str(data), "alone" if alone else "shared", ",".join(map(str, waits)), *poisons]
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    one = Poisoned(process)
    try:
        yield one
    finally:
        await one.close()


def _begun(arguments: Sequence[str]) -> None:
    url, data, lanes, waits, *poisons = arguments
    telemetry.configure(json=True)
    asyncio.run(main(url, Path(data), lanes == "alone", Poisons(poisons), [float(one) for one in waits.split(",")]))


if __name__ == "__main__":
    import sqlalchemy.dialects.postgresql.asyncpg
    import sqlalchemy.dialects.sqlite.aiosqlite  # noqa: F401 -- before the fork, not in each

    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _begun(sys.argv[1:])
            os._exit(0)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
