"""How long a request waits for something to tell: for its time, and no longer than anyone is there to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType


class Patience:
    """The time that one request has to wait, which is over too once any of ``ends`` is set. With 0 there is none.

    Use it in an ``async with``. An event wakes thousands, so a wait costs a timer and no task.
    """

    def __init__(self, seconds: float, *ends: asyncio.Event) -> None:
        self._until = asyncio.get_running_loop().time() + seconds
        self._ends = ends
        self._watching: list[asyncio.Task[None]] = []
        self._limit: asyncio.Timeout | None = None
        self._over = seconds <= 0

    async def __aenter__(self) -> Patience:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._watching:
            task.cancel()

    async def awaits(self, something: Callable[[], Awaitable[object]]) -> bool:
        """Wait for what it returns; False once the time is up or over."""
        if self._over:
            return False
        if not self._watching:
            self._watching = [asyncio.create_task(self._watch(one), name="end of patience") for one in self._ends]
        try:
            async with asyncio.timeout_at(self._until) as self._limit:
                await something()
        except TimeoutError:
            return False
        finally:
            self._limit = None
        return not self._over

    async def _watch(self, end: asyncio.Event) -> None:
        await end.wait()
        self._over = True
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(0.0)
