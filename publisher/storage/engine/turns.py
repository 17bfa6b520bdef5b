"""The order in which the transactions of a process write: by who waits for them.

SQLite has one writer. On PostgreSQL whoever appends queues for the log's row, in the order of arrival and across all
processes. So that nobody stands there behind a crowd of readings, they queue here first, in front of the connections,
and of those for whom nobody waits only a few are let through at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from enum import IntEnum

from publisher.errors import StorageError

PATIENCE = 8
"""How many turns a class may lose in a row to more urgent ones while it waits; the next is its own."""


class Urgency(IntEnum):
    """Who waits for a transaction, the most urgent first. What says nothing is an answer.

    ``ANSWER``: somebody, for the answer: a push, a registration, a reload, a command. ``PROMISE``: nobody, but there is
    a time by which it should be done: deliveries, embargoes, heartbeats, leases. ``READING``: what sources brought.
    ``UPKEEP``: what is done beside the work, and what begins a reading, since one that is under way ends before another
    begins.
    """

    ANSWER = 0
    PROMISE = 1
    READING = 2
    UPKEEP = 3

    @property
    def patient(self) -> bool:
        """Whether nothing depends on when it is done."""
        return self >= Urgency.READING


_present: ContextVar[Urgency] = ContextVar("urgency", default=Urgency.ANSWER)


@contextlib.contextmanager
def writing_as(urgency: Urgency) -> Iterator[None]:
    """What is written in this block, and by the tasks that are made in it, is of this urgency."""
    token = _present.set(urgency)
    try:
        yield
    finally:
        _present.reset(token)


class Turns:
    """A queue for each :class:`Urgency` in front of so many ``places``.

    The most urgent is let in first, and within one class who came first. A class that lost :data:`PATIENCE` turns in a
    row is let in before all others, so that none waits for ever. Of the places, ``patient`` at most are held by those
    classes that have time. ``within``: after how many seconds of waiting the others give up (None: never).
    """

    def __init__(self, places: int, *, patient: int, within: float | None = None) -> None:
        self._free = places
        self._free_for_patient = patient
        self._within = within
        self._queues: dict[Urgency, deque[asyncio.Future[None]]] = {urgency: deque() for urgency in Urgency}
        self._lost = dict.fromkeys(Urgency, 0)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place, and hold it. Raises StorageError after ``within`` seconds."""
        urgency = _present.get()
        await self._taken(urgency)
        try:
            yield
        finally:
            self._give_back(urgency)

    def waiting(self, urgency: Urgency) -> int:
        """How many of a class wait."""
        return sum(not one.done() for one in self._queues[urgency])

    async def _taken(self, urgency: Urgency) -> None:
        place = asyncio.get_running_loop().create_future()
        self._queues[urgency].append(place)
        self._let_in()
        if place.done():
            return
        try:
            async with asyncio.timeout(None if urgency.patient else self._within):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():  # it was let in at the moment at which it gave up
                self._give_back(urgency)
            if isinstance(error, TimeoutError):
                raise StorageError(f"no connection to the database was free for {self._within:g} s") from None
            raise

    def _give_back(self, urgency: Urgency) -> None:
        self._free += 1
        self._free_for_patient += urgency.patient
        self._let_in()

    def _let_in(self) -> None:
        while (urgency := self._next()) is not None:
            self._free -= 1
            self._free_for_patient -= urgency.patient
            self._queues[urgency].popleft().set_result(None)

    def _next(self) -> Urgency | None:
        """The class that is let in next, None if none is waiting or there is no place for it."""
        waiting = [urgency for urgency in Urgency if self._has_place(urgency) and self._waits(urgency)]
        if not waiting:
            return None
        longest = max(waiting, key=lambda urgency: self._lost[urgency])
        chosen = longest if self._lost[longest] >= PATIENCE else waiting[0]
        for urgency in waiting:
            self._lost[urgency] += urgency > chosen
        self._lost[chosen] = 0
        return chosen

    def _has_place(self, urgency: Urgency) -> bool:
        return self._free > 0 and (not urgency.patient or self._free_for_patient > 0)

    def _waits(self, urgency: Urgency) -> bool:
        queue = self._queues[urgency]
        while queue and queue[0].done():  # its task was cancelled
            queue.popleft()
        if not queue:
            self._lost[urgency] = 0
        return bool(queue)
