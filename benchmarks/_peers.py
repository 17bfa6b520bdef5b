"""Processes that a benchmark starts and calls: what is measured has one of its own, and so has what only helps."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import multiprocessing
import os
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


class Peer:
    """The process of a module of this package: its ``main(pipe, *arguments)``. Close it when done.

    It is started like any program and not by ``multiprocessing``, which would have it import what the benchmark does.
    """

    def __init__(self, module: str, *arguments: Any) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        descriptor = theirs.fileno()
        command = [sys.executable, "-m", "benchmarks._peers", module, str(descriptor)]
        self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[descriptor])
        theirs.close()
        self._pipe.send(arguments)

    async def call(self, name: str, *arguments: Any) -> Any:
        """What the method of that name returns there; a fault there ends the benchmark."""
        self._pipe.send((name, arguments))
        return await self.said()

    async def said(self) -> Any:
        """What it says next."""
        try:
            good, result = await asyncio.to_thread(self._pipe.recv)
        except EOFError:
            raise SystemExit("a process of the benchmark ended") from None
        if not good:
            raise SystemExit(result)
        return result

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def memory(self, line: str = "VmRSS") -> float:
        """MB that it holds (``VmRSS``), or held at most since :meth:`forget_peak` (``VmHWM``)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition(f"{line}:")[2].split()[0]) / 1024

    def forget_peak(self) -> None:
        """Let the peak begin at what it holds now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # proc_pid_clear_refs(5)

    def close(self) -> None:
        """Let it end by itself; kill it if it does not within 15 s."""
        self._pipe.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.asynccontextmanager
async def peer(module: str, *arguments: Any) -> AsyncIterator[Peer]:
    """A process that has said that it is ready."""
    made = Peer(module, *arguments)
    try:
        await made.said()
        yield made
    finally:
        await asyncio.to_thread(made.close)


async def answer(pipe: Connection, commands: object, stop: asyncio.Event | None = None) -> None:
    """Say that this process is ready, and answer calls by the methods of ``commands`` until the other end is closed."""
    loop, stop, tasks = asyncio.get_running_loop(), stop or asyncio.Event(), set()

    async def answered(name: str, arguments: tuple[Any, ...]) -> None:
        try:
            said = True, await getattr(commands, name)(*arguments)
        except Exception:
            said = False, traceback.format_exc()
        pipe.send(said)

    def called() -> None:
        try:
            name, arguments = pipe.recv()
        except (EOFError, ConnectionError):
            loop.remove_reader(pipe.fileno())
            stop.set()
            return
        task = loop.create_task(answered(name, arguments))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop.add_reader(pipe.fileno(), called)
    os.set_blocking(pipe.fileno(), True)  # libuv's polls take that away, and messages are longer than a socket holds
    pipe.send((True, None))
    await stop.wait()


class Metered:
    """What every process answers."""

    async def cpu(self) -> float:
        """Seconds of the processor that all its threads have used."""
        return time.process_time()

    async def cpu_of_threads(self) -> float:
        """Those of its other threads: on SQLite, mostly the database's own."""
        return time.process_time() - time.thread_time()


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables for the processes that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _begin(module: str, descriptor: str) -> None:
    pipe = Connection(int(descriptor))
    importlib.import_module(f"benchmarks.{module}").main(pipe, *pipe.recv())


if __name__ == "__main__":
    _begin(*sys.argv[1:])
