"""Jobs that do to their process what hostile documents might."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from publisher.errors import ReadError

READY: list[str] = []


def prepare(needs: Sequence[str]) -> None:
    READY.extend(needs)


def echo(body: bytes, options: Any) -> Iterator[bytes]:
    yield orjson.dumps(options)
    yield orjson.dumps(list(body))


def surroundings(body: bytes, options: Any) -> Iterator[bytes]:
    import resource

    refused = []
    for name, attempt in {
        "file": lambda: os.open(options["path"], os.O_RDONLY),
        "socket": lambda: socket.socket(),
        "program": lambda: subprocess.Popen(["/bin/true"]),
    }.items():
        try:
            attempt()
        except OSError:
            refused.append(name)
    found = {
        "environment": list(os.environ),
        "folder": os.getcwd(),
        "descriptors": sum(_is_open(number) for number in range(64)),
        "refused": refused,
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0] > 0,
    }
    yield orjson.dumps(found)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def spin(body: bytes, options: Any) -> Iterator[bytes]:
    while True:
        pass


def swell(body: bytes, options: Any) -> Iterator[bytes]:
    yield b"x" * 10_000_000_000


def refuse(body: bytes, options: Any) -> Iterator[bytes]:
    raise ReadError("is no page")


def fail(body: bytes, options: Any) -> Iterator[bytes]:
    raise KeyError("x")


def recurse(body: bytes, options: Any) -> Iterator[bytes]:
    return recurse(body, options)


def paint(body: bytes, options: Any) -> Iterator[bytes]:
    raise KeyError("\x1b[31mred")


def crash(body: bytes, options: Any) -> Iterator[bytes]:
    os.abort()


def killed(body: bytes, options: Any) -> Iterator[bytes]:
    os.kill(os.getpid(), signal.SIGKILL)
    yield b"1"


def much(body: bytes, options: Any) -> Iterator[bytes]:
    yield b"x" * 16_000_001


def lie(body: bytes, options: Any) -> Iterator[bytes]:
    os.write(3, b"?\x00\x00\x00\x01x")
    yield b"1"


def leave(body: bytes, options: Any) -> Iterator[bytes]:
    os._exit(3)


def said(body: bytes, options: Any) -> Iterator[bytes]:
    print("not an answer")
    sys.stdout.flush()
    yield b"1"


def ready(body: bytes, options: Any) -> Iterator[bytes]:
    yield orjson.dumps(sorted(READY))


JOBS = {
    "echo": echo, "surroundings": surroundings, "spin": spin, "swell": swell, "refuse": refuse, "fail": fail,
    "recurse": recurse, "paint": paint, "crash": crash, "killed": killed,
    "much": much, "lie": lie, "leave": leave, "print": said, "ready": ready,
}  # fmt: skip
