"""The terminal that the service was started from, and with which it ends.

SIGHUP has two meanings: it tells a daemon to read its configuration again, and a program on a terminal that the
terminal was closed. It means the latter if there was a terminal at the start that is gone.
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
    """The handler of SIGHUP: it calls ``stop`` if the terminal of the start has gone by then, else ``reload``.

    To be called before SIGHUP gets a handler: a process started with ``nohup`` must outlive its terminal.
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
    """Replace the closed terminal with /dev/null: output written during the stop would fail there."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in STREAMS:
        with contextlib.suppress(OSError):
            if _was_terminal(stream):
                os.dup2(nowhere, stream)
    os.close(nowhere)


def _was_terminal(stream: int) -> bool:
    # isatty() is false for a closed terminal, but it still is a character device (and /dev/null may be replaced too).
    return stat.S_ISCHR(os.fstat(stream).st_mode)
