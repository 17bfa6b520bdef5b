"""Programs of the publisher without the cost of their start: a process imports it and forks.

Most of what a short test of a real process costs is to import the program. Here that is done once: this file, run as a
program, imports it and then forks for each request. Its child is a process like any other, with files, directory,
arguments and environment of its own, and begins where ``python -m publisher`` is when it has imported itself.

What is claimed of the start itself must not use it: what is loaded, what an interpreter reads from its environment, how
service managers and terminals begin it (``tests/e2e/test_service_manager.py``, ``test_hangup.py``, ``test_readme.py``,
``tests/footprint``). Where a variable of the environment is for the interpreter, :func:`start` begins a new one.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from typing import Any

IMPORTED = (
    "publisher.cli.main",
    "publisher.app.serving",
    "publisher.app.installation",
    "publisher.schedule",
    "publisher.storage.engine.listening",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "asyncpg",
    "uvloop",
)
"""What nearly every start imports; not alembic, with which a service would start anew."""

OF_AN_INTERPRETER = ("LD_", "LC_", "PYTHON", "LANG", "TZ", "MALLOC_")
"""How the variables begin that a program reads before its first line."""

MOST = 1 << 20
"""Bytes of a request: arguments and environment."""


def _interpreted(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(OF_AN_INTERPRETER)}


_BEGUN_WITH = _interpreted(os.environ)
"""As the tests began; a test may change it for itself."""


class Preloaded:
    """A program that was forked, with what tests use of :class:`asyncio.subprocess.Process`."""

    def __init__(self, pid: int, status: socket.socket, out: asyncio.StreamReader | None, err: asyncio.StreamReader):
        self.pid = pid
        self.returncode: int | None = None
        self.stdout = out
        self.stderr = err
        self._ended = asyncio.create_task(self._end(status))

    async def _end(self, status: socket.socket) -> int:
        with status:
            said = await asyncio.get_running_loop().sock_recv(status, 64)
        self.returncode = int(said)
        return self.returncode

    async def wait(self) -> int:
        """Its exit code, or the negative number of the signal that ended it."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """As ``kill`` does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def communicate(self) -> tuple[bytes, bytes]:
        """Read what it prints, to its end."""
        out = self.stdout.read() if self.stdout else asyncio.sleep(0, b"")
        said, told = await asyncio.gather(out, self.stderr.read())
        await self.wait()
        return said, told


async def start(
    arguments: Sequence[str], *, cwd: os.PathLike[str], env: Mapping[str, str], output: bool = False
) -> Preloaded | Process:
    """Begin ``python -m publisher`` with these arguments; its standard error, and its ``output``, are to be read."""
    if sys.platform != "linux" or _interpreted(env) != _BEGUN_WITH:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "publisher", *arguments, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if output else subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
    request = {"arguments": list(arguments), "cwd": os.fspath(cwd), "env": dict(env)}
    status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    status.setblocking(False)
    null = os.open(os.devnull, os.O_RDWR)
    read_err, err = os.pipe()
    read_out, out = os.pipe() if output else (None, os.dup(null))
    try:
        socket.send_fds(_parent(), [json.dumps(request).encode()], [theirs.fileno(), null, out, err])
    finally:
        theirs.close()
        for one in (null, out, err):
            os.close(one)
    readers = (await _reader(read_out) if read_out is not None else None, await _reader(read_err))
    return Preloaded(int(await asyncio.get_running_loop().sock_recv(status, 64)), status, *readers)


@functools.cache
def _parent() -> socket.socket:
    """The way to the process that has imported the publisher, which ends with this one."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, __file__, str(theirs.fileno())]
        own = {name: value for name, value in os.environ.items() if not name.startswith(OF_AN_INTERPRETER)}
        environment = own | _BEGUN_WITH
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment)

    def end() -> None:
        control.close()
        process.wait()

    atexit.register(end)
    return control


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb", 0))
    return reader


def _serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork for each request: returns it in the child that is to be the program, and None in the end."""
    while True:
        asked, descriptors, _, _ = socket.recv_fds(control, MOST, 4)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not asked:
            break
        request: dict[str, Any] = json.loads(asked)
        if os.fork() == 0:
            control.close()
            if _watched(descriptors):
                return request
            os._exit(0)
        for one in descriptors:
            os.close(one)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    return None


def _watched(descriptors: list[int]) -> bool:
    """Fork the program, tell who asked for it its id and, in the end, its exit code. True in the program itself."""
    status, *standard = descriptors
    pid = os.fork()
    if pid == 0:
        os.close(status)
        for number, one in enumerate(standard):
            os.dup2(one, number)
            os.close(one)
        return True
    for one in standard:
        os.close(one)
    with socket.socket(fileno=status) as asker, contextlib.suppress(BrokenPipeError):
        asker.send(str(pid).encode())
        ends = os.pidfd_open(pid)
        waiting = select.poll()
        waiting.register(ends, select.POLLIN)
        waiting.register(asker, select.POLLIN)
        if ends not in dict(waiting.poll()):
            os.kill(pid, signal.SIGKILL)  # nobody waits for it any more: the tests were ended
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        asker.send(str(code).encode())
    return False


def _be(request: Mapping[str, Any]) -> None:
    """Be the program that was asked for."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.path[0] = request["cwd"]
    sys.orig_argv[:] = [sys.executable, "-m", "publisher", *request["arguments"]]
    sys.argv[1:] = request["arguments"]
    runpy.run_module("publisher", run_name="__main__", alter_sys=True)


def main(descriptor: int) -> None:
    """Import the program, and be it as often as is asked."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    if (request := _serve(socket.socket(fileno=descriptor))) is not None:
        _be(request)


if __name__ == "__main__":
    sys.path.pop(0)  # where this file is
    sys.path.insert(0, os.getcwd())
    main(int(sys.argv[1]))
