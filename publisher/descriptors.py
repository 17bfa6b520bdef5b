"""How many files and sockets this process may have open at once (setrlimit(2), RLIMIT_NOFILE).

Many systems start a process with 1,024, for the sake of programs that use select(2), and let it raise that itself.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

WANTED = 65_536
FEW = 4096
"""Below it fewer than a thousand are sent to at once, and fewer connections are kept; it is told at the start."""

UNKNOWN = 1024
"""What is taken to hold where it cannot be found out."""


def raise_limit(wanted: int = WANTED) -> int:
    """Raise the soft limit as far as the hard one lets it, up to ``wanted``; returns what holds then."""
    try:
        import resource
    except ImportError:  # there is none on Windows, nor such a limit
        return wanted
    with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it; then what it set holds
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        aim = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < aim:
            resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
    return limit()


def limit() -> int:
    """The soft limit."""
    try:
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    except (ImportError, OSError):
        return UNKNOWN
    return WANTED if soft == resource.RLIM_INFINITY else soft


@dataclass(frozen=True, slots=True)
class Shares:
    """What each part may take of so many descriptors, so that some are always left for clients and the database."""

    sending: int
    connections: int
    """Open for sending in all, whether used, kept or in the making."""

    kept_by_sender: int
    kept_by_fetcher: int


def shares(held: int) -> Shares:
    """A quarter for deliveries under way, an eighth for connections kept to receivers, a sixteenth to sites."""
    return Shares(
        sending=max(1, min(4096, held // 4)),
        connections=max(1, held // 4 + held // 8),
        kept_by_sender=max(1, min(1024, held // 8)),
        kept_by_fetcher=max(1, min(128, held // 16)),
    )
