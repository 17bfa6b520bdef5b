"""How the two processes speak: frames of one letter, four bytes of length, and so many bytes."""

from __future__ import annotations

import struct

HEAD = struct.Struct(">cI")

READY, PIECE, DONE, REFUSED, TOO_MUCH, FAILED = b"!", b"+", b".", b"-", b"*", b"x"
"""The worker's frames: it is ready; one piece of JSON; that was all; the reason why the document is refused; it took
more memory than it may, and the process ends; a traceback of what should not have happened."""

JOB, BODY = b"j", b"b"
"""The service's frames: a job's name and options as JSON; the document."""

MAX_PIECE = 16_000_000
"""Bytes of one frame of the worker."""

MAX_ANSWER = 64_000_000
"""Bytes of all pieces of one document."""

MAX_TRACEBACK = 4_000
"""Bytes of a traceback, counted from its end."""


def frame(kind: bytes, content: bytes = b"") -> bytes:
    """One frame."""
    return HEAD.pack(kind, len(content)) + content
