"""Backing off while this machine itself cannot send: no descriptor or memory is left to connect with.

Trying again at full speed would keep it so, and deliveries would be claimed and handed back for nothing.
"""

from __future__ import annotations

import asyncio

from publisher import telemetry

log = telemetry.logger(__name__)

FIRST_REST = 0.1
LONGEST_REST = 5.0


class Backoff:
    """How long to rest: twice as long each time, until something could be sent again. In seconds, monotonic."""

    def __init__(self) -> None:
        self._next = FIRST_REST
        self._until = 0.0

    def failed(self, reason: str | None) -> float:
        """Descriptors or memory ran out; returns for how many seconds from now nothing need be tried."""
        now = asyncio.get_running_loop().time()
        if now >= self._until:  # what was under way at the same time is the same trouble
            self._until = now + self._next
            log.error("delivery.held_back", error=reason, retry_in=self._next)
            self._next = min(self._next * 2, LONGEST_REST)
        return self._until - now

    def succeeded(self) -> None:
        """Something was sent."""
        self._next = FIRST_REST

    @property
    def resting(self) -> bool:
        """Whether nothing need be tried now."""
        return self._until > asyncio.get_running_loop().time()

    async def wait(self) -> None:
        """Until it may be tried again."""
        wait = self._until - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)
