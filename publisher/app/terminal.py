"""The terminal that the service was started from, and that it goes away with.

SIGHUP has two meanings: a daemon is asked by it to read its configuration again, and a program on a terminal is told
by it that the terminal was closed. Which is meant shows in whether there was a terminal that is there no more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from collections.abc import Callable

STREAMS = (0, 1, 2)


def attached() -> bool:
    """Whether this process has a controlling terminal; after that was closed, it has none (tty(4))."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def on_hangup(stop: Callable[[], None], reload: Callable[[], None]) -> Callable[[], None]:
    """What SIGHUP is to do: ``stop`` where the terminal that there is now has gone by then, ``reload`` otherwise.

    To be called before SIGHUP gets a handler: what was started with ``nohup`` is to outlive its terminal.
    """
    leaves = attached() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN

    def hung_up() -> None:
        if not leaves or attached():
            reload()
            return
        _let_go()
        stop()

    return hung_up


def _let_go() -> None:
    """Put /dev/null in the place of the closed terminal: what is still written on the way out would fail there."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in STREAMS:
        with contextlib.suppress(OSError):
            if _was_terminal(stream):
                os.dup2(nowhere, stream)
    os.close(nowhere)


def _was_terminal(stream: int) -> bool:
    # isatty() says no of one that was closed, but it still is a character device (and /dev/null may be replaced too).
    return stat.S_ISCHR(os.fstat(stream).st_mode)
