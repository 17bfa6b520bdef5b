"""What a process gives up before it looks at what strangers wrote; on Linux all of it, elsewhere what there is."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import time

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

MEMORY = 1_500_000_000
"""Bytes of address space, of which the parsers themselves take some 300 million."""

CPU_SECONDS = 10
"""Seconds of the processor that one document may take."""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def follow_parent() -> None:
    """End when the service ends, however it ends."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def confine() -> None:
    """Open no file and no connection, start no program and take no more memory than a document needs, from now on."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            libc = ctypes.CDLL(None)
            libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            # A network of its own, with nothing in it. Not every machine lets a process have one; it could open no
            # socket in any case, for want of a descriptor.
            if libc.unshare(_CLONE_NEWNET) != 0:
                libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    if resource is None:
        return
    for name, limit in (("AS", MEMORY), ("CORE", 0), ("FSIZE", 0), ("NPROC", 0), ("NOFILE", 3)):
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is not None:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(number, (limit, limit))


def allow_seconds(seconds: int) -> None:
    """Be killed after so many more seconds of the processor."""
    if resource is not None:
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds + 1, hard))
