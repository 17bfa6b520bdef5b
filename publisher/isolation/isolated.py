"""The service's side: a process that is started when needed, watched, killed when late, and let go when idle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from publisher import telemetry
from publisher.errors import Overrun, ReadError, Unready
from publisher.isolation import worker
from publisher.isolation.confinement import CPU_SECONDS
from publisher.isolation.frames import BODY, DONE, HEAD, JOB, MAX_ANSWER, MAX_PIECE, PIECE, READY, REFUSED, frame

log = telemetry.logger(__name__)

DEADLINE = 30.0
"""Seconds that a document may take in all; on a machine that has more to do than it can, that is more than those of
the processor."""

START_DEADLINE = 60.0
"""Seconds until the process must be ready."""

IDLE_SECONDS = 300.0
"""Seconds without a document after which the process is let go."""

MOST_NEEDS = 40
"""Locales and time zones that are kept ready at once; beyond them only those of the document at hand."""

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

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(
        self, job: str, body: bytes, options: Mapping[str, Any], *, needs: Sequence[str] = ()
    ) -> Sequence[bytes]:
        """See :class:`~publisher.isolation.jobs.Runner`."""
        asked = frame(JOB, json.dumps({"job": job, "options": options}, ensure_ascii=False).encode("utf-8", "replace"))
        async with self._turn:
            self._rest(False)
            process = await self._ready(frozenset(needs))
            try:
                async with asyncio.timeout(self._deadline):
                    pieces = await _exchange(process, asked, frame(BODY, body))
            except ReadError:
                self._rest(True)
                raise
            except TimeoutError as error:
                await self._kill()
                raise Overrun(f"was not read within {self._deadline:g} s; it is too much to be read") from error
            except (OSError, EOFError) as error:
                code = await self._kill()
                log.warning("isolation.ended", job=job, code=code)
                message = f"took over {self._seconds} s of the processor, or too much memory; it is too much to be read"
                raise Overrun(message) from error
            except BaseException:
                await self._kill()  # it is in the middle of a document that nobody wants any more
                raise
            self._rest(True)
        return pieces

    async def close(self) -> None:
        """End the process at once, whatever it is doing."""
        self._rest(False)
        await self._kill()
        if self._leaving is not None:
            await self._leaving

    async def _ready(self, needs: frozenset[str]) -> Process:
        """The process, started anew where it has ended, or lacks something that is needed."""
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
        self._process = process
        try:
            async with asyncio.timeout(START_DEADLINE):
                kind, _ = await _frame(process)
        except (TimeoutError, OSError, EOFError) as error:
            code = await self._kill()
            log.error("isolation.unready", code=code)
            raise Unready from error
        except BaseException:
            await self._kill()
            raise
        if kind != READY:
            await self._kill()
            raise Unready
        return process

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


async def _end(process: Process) -> int:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
    return await process.wait()


async def _exchange(process: Process, *sent: bytes) -> list[bytes]:
    """Hand over a document, and take what it comes to. Raises ReadError where it is refused, EOFError at an end."""
    assert process.stdin is not None
    process.stdin.writelines(sent)
    pieces: list[bytes] = []
    total = 0
    while True:
        kind, content = await _frame(process)
        if kind == DONE:
            return pieces
        if kind == REFUSED:
            raise ReadError(content.decode("utf-8", "replace"))
        total += len(content)
        if kind != PIECE or total > MAX_ANSWER or len(pieces) >= _PIECES:
            raise EOFError
        pieces.append(content)


async def _frame(process: Process) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    kind, length = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
    if length > MAX_PIECE:
        raise EOFError
    return kind, await process.stdout.readexactly(length)
