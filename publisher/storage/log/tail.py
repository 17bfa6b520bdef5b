"""The newest events of the log in memory, read once for all followers in this process.

However many wait, new events are read once; a follower that is further behind than what is held reads the database.
Everything held is dropped as soon as this process learns that content was erased, by whichever process, or that the log
is another one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from publisher.errors import LogPruned
from publisher.model import Event, EventType
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.growth import Generation
from publisher.storage.log import events, pruning

RING_BYTES = 16 * 1024 * 1024
RING_EVENTS = 4_096

STEP_EVENTS, STEP_BYTES = 500, 256 * 1024
"""What is read at once: some milliseconds in which the event loop does nothing else. One event may be larger."""

COPIES = 3
"""An event counts as so many times its JSON: as it is held, and as it is encoded for most callers, in two ways."""

OVERHEAD = 1_024
"""Bytes that an event takes besides."""

VIEWS = 4
"""Encodings kept of one event: what it means differs between followers, as does whether they see its full text."""

_ALL = tuple(EventType)

T = TypeVar("T")


class Entry:
    """An event, what it was judged to be and its encodings, shared by all followers that read it."""

    __slots__ = ("_encoded", "_judged", "event", "length")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._encoded: dict[Hashable, bytes] = {}
        self._judged: tuple[object, Any] = (None, None)
        self.length = sum(len(orjson.dumps(item)) for item in (event.data, event.before) if item is not None)

    @property
    def seq(self) -> int:
        """Its sequence number."""
        return self.event.seq

    @property
    def size(self) -> int:
        """The bytes that it counts for."""
        return OVERHEAD + COPIES * self.length

    def judged(self, by: object, judge: Callable[[Event], T]) -> T:
        """What ``judge`` says of it, asked once for all followers by the same object: definitions, of which the last
        are kept in mind.
        """
        if self._judged[0] is not by:
            self._judged = (by, judge(self.event))
        found: T = self._judged[1]
        return found

    def encoded(self, view: Hashable, encode: Callable[[Event], bytes]) -> bytes:
        """What ``encode`` makes of it, made once for all followers who are told the same."""
        if view not in self._encoded:
            if len(self._encoded) >= VIEWS:
                self._encoded.clear()
            self._encoded[view] = encode(self.event)
        return self._encoded[view]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the log, in order, searched up to ``reached``.

    ``ends``: no event comes after that.
    """

    entries: list[Entry]
    reached: int
    ends: bool

    @property
    def length(self) -> int:
        """The bytes of its events as JSON."""
        return sum(entry.length for entry in self.entries)


class Tail:
    """The end of the log, as this process holds it; made once for a process.

    It holds at most ``capacity`` bytes and ``most`` events, and nothing before the first call.
    """

    def __init__(self, db: Database, *, capacity: int = RING_BYTES, most: int = RING_EVENTS) -> None:
        self._db = db
        self._capacity = capacity
        self._most = most
        self._ring: deque[Entry] = deque()
        self._bytes = 0
        self._begin = self._end = db.last_seq  # the ring holds every event above the one, up to the other
        self._epoch = db.epoch
        self._reading: asyncio.Task[None] | None = None

    @property
    def last_seq(self) -> int:
        """The last sequence number known to be in the log."""
        return self._db.last_seq

    @property
    def generation(self) -> Generation:
        """Which log it is."""
        return self._db.generation

    @property
    def held(self) -> tuple[int, int]:
        """How many events are held, and the bytes they count for."""
        return len(self._ring), self._bytes

    async def grown(self, after: int) -> int:
        """Wait until the log holds more than ``after``, or is another one; returns its last sequence number."""
        return await self._db.grown(after)

    async def after(
        self, seq: int, *, limit: int, size: int = STEP_BYTES, types: Collection[EventType] = _ALL
    ) -> Stretch:
        """Up to ``limit`` events of these types above ``seq``, and no more once they hold ``size`` bytes.

        They come from memory where that reaches back to ``seq``, else from the database. Raises LogPruned where events
        above ``seq`` are not kept any more.
        """
        self._db.listen()
        self._valid()
        while self._begin <= seq and self._end <= seq < self._db.last_seq:
            await self._read_on()
            self._valid()
        if self._begin <= seq:
            return self._from_ring(seq, limit, size, types)
        last = self._db.last_seq
        found, more = await self._db.read(_kept, seq, limit=limit, size=size, types=types)
        reached = found[-1].seq if found else seq
        return Stretch([Entry(event) for event in found], reached if more else max(reached, last), more is None)

    def _from_ring(self, seq: int, limit: int, size: int, types: Collection[EventType]) -> Stretch:
        newer: list[Entry] = []
        for entry in reversed(self._ring):
            if entry.seq <= seq:
                break
            newer.append(entry)
        found: list[Entry] = []
        length = 0
        for entry in reversed(newer):
            if len(found) >= limit or length >= size:
                return Stretch(found, found[-1].seq, ends=False)
            if entry.event.type in types:
                found.append(entry)
                length += entry.length
        reached = max(seq, self._end)
        return Stretch(found, reached, reached >= self._db.last_seq)

    def _valid(self) -> None:
        """Begin anew at the log's end where what is held may be void, or so much came that it would be pushed out."""
        if self._epoch != self._db.epoch or self._db.last_seq - self._end > self._most:
            self._epoch = self._db.epoch
            self._begin = self._end = self._db.last_seq
            self._ring.clear()
            self._bytes = 0

    async def _read_on(self) -> None:
        """Wait for one more step of reading, which all followers share."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), name="tail")
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        epoch, end, last = self._epoch, self._end, self._db.last_seq
        found, more = await self._db.read(events.stretch, end, limit=STEP_EVENTS, size=STEP_BYTES, types=_ALL)
        if epoch != self._db.epoch or end != self._end:
            return  # what was read may be void already
        reached = found[-1].seq if found else end
        self._end = reached if more else max(reached, last)
        for event in found:
            entry = Entry(event)
            self._ring.append(entry)
            self._bytes += entry.size
        while self._bytes > self._capacity or len(self._ring) > self._most:
            gone = self._ring.popleft()
            self._bytes -= gone.size
            self._begin = gone.seq


def _kept(tx: Tx, seq: int, *, limit: int, size: int, types: Collection[EventType]) -> tuple[list[Event], int | None]:
    """The next events, unless some before them are gone; judged in the transaction that reads them."""
    if (begin := pruning.pruned(tx)) > seq:
        raise LogPruned(begin)
    return events.stretch(tx, seq, limit=limit, size=size, types=types)
