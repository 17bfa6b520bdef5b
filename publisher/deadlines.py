"""Limits on how long something may take, with one timer for all of them.

``asyncio.timeout`` makes a timer for each, and cancels it again where nothing is late: a twentieth of what a delivery
costs. Here limits of one length stand in one queue: they end in the order in which they began, so that beginning and
ending one is an entry of a dictionary, and the timer looks at the first of each queue.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Protocol


class Expiring(Protocol):
    """Something with a limit. It is told by identity, and has one limit of a length at a time."""

    def expire(self) -> None:
        """The limit is reached."""


class Deadlines:
    """The limits that run at present. Belongs to one event loop; end it with :meth:`close`."""

    def __init__(self) -> None:
        self._ends: dict[float, dict[Expiring, float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def within(self, seconds: float) -> _Limit:
        """A context whose body is cancelled after ``seconds``, and which then raises TimeoutError."""
        return _Limit(self, seconds)

    def close(self) -> None:
        """Let no timer run on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def begin(self, limit: Expiring, seconds: float) -> None:
        """Count from now: it expires after ``seconds``, from the event loop, unless it is ended before."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        ends = self._ends.get(seconds)
        if ends is None:
            ends = self._ends[seconds] = {}
        ends[limit] = end
        # With limits of one length the timer is behind all but the first of them, and is hardly ever set.
        if self._timer is None or end < self._timer.when():
            self.close()
            self._timer = loop.call_at(end, self._look, loop)

    def end(self, limit: Expiring, seconds: float) -> None:
        """Count no further; ``seconds`` as it began."""
        ends = self._ends.get(seconds)
        if ends is not None:
            ends.pop(limit, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        reached: list[tuple[dict[Expiring, float], Expiring, float]] = []
        for ends in self._ends.values():
            for limit, end in ends.items():
                if end > now:
                    break
                reached.append((ends, limit, end))
        for ends, limit, end in reached:
            if ends.get(limit) == end:  # else one before it has ended it
                del ends[limit]
                limit.expire()
        self._ends = {seconds: ends for seconds, ends in self._ends.items() if ends}
        if self._ends:
            first = min(next(iter(ends.values())) for ends in self._ends.values())
            if self._timer is None or first < self._timer.when():
                self.close()
                self._timer = loop.call_at(first, self._look, loop)


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
        self._all.end(self, self._seconds)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the body."""
        self._expired = True
        self._task.cancel()
