"""The service's side: a process that is started when needed, watched, killed when late, and let go when idle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from publisher import telemetry
from publisher.errors import Faulty, Overdue, Overrun, ReadError, Unready
from publisher.isolation import frames, worker
from publisher.isolation.confinement import CPU_SECONDS
from publisher.isolation.frames import frame

log = telemetry.logger(__name__)

DEADLINE = 30.0
"""Seconds that a document may take in all; on a machine that has more to do than it can, that is more than those of
the processor."""

START_DEADLINE = 60.0
"""Seconds until the process must be ready."""

IDLE_SECONDS = 300.0
"""Seconds without a document after which the process is let go."""

MOST_NEEDS = 80
"""Locales and time zones that are kept ready at once; beyond them only those of the document at hand."""

BUSY_WAIT = 300.0
"""Seconds that a source is left alone whose document the machine had no time for."""

TELL_SECONDS = 60.0
"""An event of each kind is logged once in so many seconds."""

OUT_OF_SECONDS = -getattr(signal, "SIGXCPU", 24)
"""How a process ends that took more of the processor than it may; it has no other limit that ends it."""

ROOT = Path(__file__).resolve().parents[2]
_PIECES = 50_000


class Isolated:
    """Does the jobs of one module, one at a time, in a process of its own. End it with :meth:`close`.

    ``module`` has ``JOBS`` and ``prepare(needs)``; it is named, since this process need not import it. ``root`` is
    where it is found, should it not be installed.
    """

    def __init__(
        self,
        module: str,
        *,
        seconds: int = CPU_SECONDS,
        deadline: float = DEADLINE,
        idle: float = IDLE_SECONDS,
        root: Path = ROOT,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._module = module
        self._root = root
        self._seconds = seconds
        self._deadline = deadline
        self._idle = idle
        self._needs: frozenset[str] = frozenset()
        self._process: Process | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()
        self._leaving: asyncio.Task[int] | None = None
        self._closed = False
        self._now = now
        self._told: dict[str, tuple[float, int]] = {}

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(
        self, job: str, body: bytes, options: Mapping[str, Any], *, needs: Sequence[str] = ()
    ) -> Sequence[bytes]:
        """See :class:`~publisher.isolation.runner.Runner`."""
        named = json.dumps({"job": job, "options": options}, ensure_ascii=False)
        sent = (frame(frames.JOB, named.encode("utf-8", "replace")), frame(frames.BODY, body))
        async with self._turn:
            self._rest(False)
            try:
                pieces = await self._attempt(job, sent, frozenset(needs))
                if pieces is None:  # it ended for a reason that may have nothing to do with the document
                    pieces = await self._attempt(job, sent, frozenset(needs))
            finally:
                self._rest(True)
        if pieces is None:
            raise Unready("the process that reads documents ended unexpectedly, twice; its end is in the log")
        return pieces

    async def close(self) -> None:
        """End the process at once, whatever it is doing. None is started any more."""
        self._closed = True
        self._rest(False)
        await self._kill()
        if self._leaving is not None:
            await self._leaving

    async def _attempt(self, job: str, sent: Sequence[bytes], needs: frozenset[str]) -> list[bytes] | None:
        """What a document comes to; None where the process ended, or its answer made no sense."""
        process = await self._ready(needs)
        try:
            async with asyncio.timeout(self._deadline):
                return await _exchange(process, *sent)
        except ReadError as error:
            if isinstance(error, Overrun):
                await self._kill()
            raise
        except _Failed as error:
            self._tell("isolation.failed", job=job, traceback=error.traceback)
            raise Faulty(f"was not read: the program that reads documents has a fault: {error.reason}") from None
        except TimeoutError as error:
            await self._kill()
            # One that only takes long has had its seconds of the processor before, and was ended for that.
            message = f"was not read within {self._deadline:g} s; see whether the machine has more to do than it can"
            raise Overdue(message, retry_after=BUSY_WAIT) from error
        except (OSError, EOFError) as error:
            code = await self._kill()
            if code == OUT_OF_SECONDS:
                message = f"took over {self._seconds} s of the processor; it is too much to be read"
                raise Overrun(message) from error
            self._tell("isolation.ended", job=job, code=code)
            return None
        except BaseException:
            await self._kill()  # it is in the middle of a document that nobody wants any more
            raise

    async def _ready(self, needs: frozenset[str]) -> Process:
        """The process, restarted where it has ended, or lacks something that is needed."""
        if self._process is not None and (self._process.returncode is not None or not needs <= self._needs):
            await self._kill()
        if self._process is None:
            together = self._needs | needs
            self._needs = together if len(together) <= MOST_NEEDS else needs
            self._process = await self._start()
        return self._process

    async def _start(self) -> Process:
        program = (sys.executable, "-I", "-X", "utf8", worker.__file__)
        given = (str(self._root), self._module, str(self._seconds), *sorted(self._needs))
        if self._closed:
            raise Unready("no document is read any more: the publisher is being stopped")
        try:
            process = await asyncio.create_subprocess_exec(
                *program,
                *given,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,  # what a terminal tells the service is not for it
            )
        except OSError as error:  # too many files are open, or too many processes run, or no memory is left
            self._tell("isolation.unready", error=str(error))
            said = error.strerror or error
            raise Unready(f"the process that reads documents could not be started: {said}") from error
        self._process = process
        try:
            async with asyncio.timeout(START_DEADLINE):
                kind, _ = await _frame(process)
        except (TimeoutError, OSError, EOFError) as error:
            code = await self._kill()
            self._tell("isolation.unready", code=code)
            raise Unready from error
        except BaseException:
            await self._kill()
            raise
        if kind != frames.READY or self._closed:
            await self._kill()
            raise Unready
        return process

    def _tell(self, event: str, **said: Any) -> None:
        """Log it, unless the like was logged in the last minute; then it is counted, and the next line has the number.

        A stranger may cause it as often as documents are read.
        """
        now = self._now()
        until, untold = self._told.get(event, (now, 0))
        if now < until:
            self._told[event] = until, untold + 1
            return
        self._told[event] = now + TELL_SECONDS, 0
        log.error(event, **said, **({"untold": untold} if untold else {}))

    async def _kill(self) -> int | None:
        process, self._process = self._process, None
        return None if process is None else await _end(process)

    def _rest(self, begins: bool) -> None:
        """Let the process go after a time without work."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if begins and self._process is not None:
            self._timer = asyncio.get_running_loop().call_later(self._idle, self._let_go)

    def _let_go(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._leaving = asyncio.create_task(_end(process))


class _Failed(Exception):
    """What a job did not mean to raise. A process that is taken over chooses the text: it is kept to what prints."""

    def __init__(self, text: str) -> None:
        self.traceback = "".join(
            one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text
        )
        self.reason = (self.traceback.strip().splitlines() or ["nothing was said of it"])[-1][:300]


async def _end(process: Process) -> int:
    if process.returncode is None:
        # Not Process.kill(), which looks first and so takes the way it ended from whoever waits for it: that is then
        # reported as 255 (ThreadedChildWatcher).
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()
    return await process.wait()


async def _exchange(process: Process, *sent: bytes) -> list[bytes]:
    """Hand over a document, and take what it comes to.

    Raises ReadError where it is refused, Overrun where it took too much memory, _Failed where the reader has a fault,
    and EOFError where it ends or answers nonsense.
    """
    assert process.stdin is not None
    process.stdin.writelines(sent)
    pieces: list[bytes] = []
    total = 0
    while True:
        kind, content = await _frame(process)
        if kind == frames.DONE:
            return pieces
        if kind == frames.REFUSED:
            raise ReadError(content.decode("utf-8", "replace"))
        if kind == frames.TOO_MUCH:
            raise Overrun("takes more memory than a document may; it is too much to be read")
        if kind == frames.FAILED:
            raise _Failed(content.decode("utf-8", "replace"))
        total += len(content)
        if kind != frames.PIECE or total > frames.MAX_ANSWER or len(pieces) >= _PIECES:
            raise EOFError
        pieces.append(content)


async def _frame(process: Process) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    kind, length = frames.HEAD.unpack(await process.stdout.readexactly(frames.HEAD.size))
    if length > frames.MAX_PIECE:
        raise EOFError
    return kind, await process.stdout.readexactly(length)
