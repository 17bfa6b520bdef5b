"""Telling the service manager how the service is doing: sd_notify(3) in a few lines.

The protocol is one datagram of ``KEY=value`` lines to the socket that the manager names in ``NOTIFY_SOCKET``. Its
address comes in as a value; without one, nothing is sent and everything returns False.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

SEND_SECONDS = 1.0
"""How long a manager that does not read may hold us up."""


class Manager:
    """The service manager at ``address``: a path, or ``@name`` in Linux's abstract namespace; None for none.

    Each method returns whether the datagram was handed over. A manager that is gone is no reason to fail.
    """

    def __init__(self, address: str | None) -> None:
        self._address = _socket_address(address) if address else None

    @property
    def listens(self) -> bool:
        """Whether there is anyone to tell."""
        return self._address is not None

    def ready(self, status: str | None = None) -> bool:
        """Started, or done with reloading."""
        return self._send("READY=1", *_status(status))

    def reloading(self, status: str | None = None) -> bool:
        """Reading the configuration again; :meth:`ready` must follow."""
        # The manager matches the reload by this clock, so it must be CLOCK_MONOTONIC, which this is on Linux.
        return self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", *_status(status))

    def stopping(self, status: str | None = None) -> bool:
        """On the way out."""
        return self._send("STOPPING=1", *_status(status))

    def alive(self) -> bool:
        """Keep the watchdog quiet for another interval."""
        return self._send("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """One line for people, shown by ``systemctl status``."""
        return self._send(*_status(text))

    def _send(self, *assignments: str) -> bool:
        if self._address is None:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.settimeout(SEND_SECONDS)
                channel.sendto("\n".join(assignments).encode(), self._address)
        except OSError:
            return False
        return True


def watchdog_interval(usec: int | None) -> float | None:
    """Seconds between two signs of life, given ``WATCHDOG_USEC``: half of it, as sd_watchdog_enabled(3) advises."""
    return usec / 2_000_000 if usec and usec > 0 else None


async def watch(
    manager: Manager,
    interval: float,
    healthy: Callable[[], bool],
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Give a sign of life every ``interval`` seconds while ``healthy()``; runs until cancelled.

    That this runs at all shows that the event loop turns. When ``healthy`` says no, the sign is left out, and the
    manager restarts the service if none comes in time.
    """
    while True:
        if healthy():
            manager.alive()
        await sleep(interval)


def _status(text: str | None) -> tuple[str, ...]:
    # A line break would begin another assignment.
    return () if text is None else (f"STATUS={' '.join(text.split())}",)


def _socket_address(address: str) -> str | bytes | None:
    if address.startswith("@"):
        return b"\0" + address[1:].encode()
    # What else the manager may name (vsock) reaches no service on this machine.
    return address if address.startswith("/") else None
