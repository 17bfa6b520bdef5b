"""The process that works on what strangers wrote: ``python -I worker.py ROOT MODULE SECONDS NEED …``.

It is started with an empty environment and three pipes. It imports the module, makes ready what is needed, gives up
all it can do besides, and then does one job after the other until its input ends.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from typing import Any, BinaryIO

if __name__ == "__main__":
    sys.path.append(sys.argv[1])  # where this program is, should it not be installed

import json

from publisher.errors import PublisherError
from publisher.isolation import confinement, frames
from publisher.isolation.frames import frame

_ENDING = frame(frames.TOO_MUCH)


def main(module: str, seconds: int, needs: list[str]) -> None:
    """Do jobs until the input ends."""
    confinement.follow_parent()
    received, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    gc.disable()  # what is loaded stays: a collector going over it again and again is a fifth of the start
    jobs = importlib.import_module(module)
    jobs.prepare(needs)
    gc.freeze()
    gc.enable()
    os.closerange(told.fileno() + 1, 64)
    confinement.confine()
    told.write(frame(frames.READY))
    told.flush()
    while (asked := _frame(received, frames.JOB)) is not None:
        body = _frame(received, frames.BODY)
        confinement.allow_seconds(seconds)
        _answer(told, jobs.JOBS, json.loads(asked), body or b"")
        told.flush()


def _answer(told: BinaryIO, jobs: Any, asked: Any, body: bytes) -> None:
    written = 0
    try:
        for piece in jobs[asked["job"]](body, asked["options"]):
            written += len(piece)
            if len(piece) > frames.MAX_PIECE or written > frames.MAX_ANSWER:
                raise PublisherError(
                    f"comes to more than {frames.MAX_PIECE:,} bytes an item, or {frames.MAX_ANSWER:,} in all"
                )
            told.write(frame(frames.PIECE, piece))
    except PublisherError as error:
        told.write(frame(frames.REFUSED, str(error).encode("utf-8", "replace")[:2_000]))
    except MemoryError:
        told.write(_ENDING)
        told.flush()
        os._exit(0)  # what memory is left may be in pieces, and what a library was about may be half done
    except RecursionError:
        told.write(frame(frames.REFUSED, b"is nested too deeply"))
    except Exception:
        told.write(frame(frames.FAILED, traceback.format_exc().encode("utf-8", "replace")[-frames.MAX_TRACEBACK :]))
    else:
        told.write(frame(frames.DONE))


def _frame(source: BinaryIO, kind: bytes) -> bytes | None:
    head = source.read(frames.HEAD.size)
    if len(head) < frames.HEAD.size:
        return None
    found, length = frames.HEAD.unpack(head)
    if found != kind:
        raise SystemExit(f"a frame {found!r} where {kind!r} was due")
    return source.read(length)


if __name__ == "__main__":
    main(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
