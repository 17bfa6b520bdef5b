"""Limits on how long tasks may take over something, with one timer for all of them.

``asyncio.timeout`` makes a timer for each, and cancels it again where nothing is late: a twentieth of what a delivery
costs.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadlines:
    """The limits that run at present. Belongs to one event loop; end it with :meth:`close`."""

    def __init__(self) -> None:
        self._ends: dict[_Limit, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> _Limit:
        """A context whose body is cancelled after ``seconds``, and which then raises TimeoutError."""
        return _Limit(self, seconds)

    def close(self) -> None:
        """Let no timer run on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def begin(self, limit: _Limit, seconds: float) -> None:
        """Count from now."""
        loop = asyncio.get_running_loop()
        self._ends[limit] = end = loop.time() + seconds
        # With limits of one length the timer is behind all but the first of them, and is hardly ever set.
        if self._timer is None or end < self._timer.when():
            self.close()
            self._timer = loop.call_at(end, self._look, loop)

    def end(self, limit: _Limit) -> None:
        """Count no further."""
        self._ends.pop(limit, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for limit in [limit for limit, end in self._ends.items() if end <= now]:
            del self._ends[limit]
            limit.expire()
        if self._ends:
            self._timer = loop.call_at(min(self._ends.values()), self._look, loop)


class _Limit:
    """As asyncio.Timeout: a cancellation from elsewhere stays one."""

    __slots__ = ("_all", "_cancelling", "_expired", "_seconds", "_task")

    def __init__(self, all_: Deadlines, seconds: float) -> None:
        self._all = all_
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a limit needs a task that it can cancel")
        self._task = task
        self._cancelling = task.cancelling()
        self._all.begin(self, self._seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._all.end(self)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the body."""
        self._expired = True
        self._task.cancel()
