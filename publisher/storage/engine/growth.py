"""What a process knows of the log without querying the database; it wakes callers that wait for the log to grow.

It learns from this process's commits, from notifications, and from :meth:`Database.refresh`. So the database is queried
once, however many wait.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, text

_STANDING = (
    "SELECT seq, (SELECT coalesce(sum(version), 0) FROM feed_states), "
    "(SELECT seq FROM cursors WHERE name = 'erasures'), "
    "(SELECT seq FROM cursors WHERE name = 'changes'), "
    "(SELECT generation FROM installation WHERE n = 1), (SELECT earlier FROM installation WHERE n = 1) "
    "FROM cursors WHERE name = 'log'"
)


@dataclass(frozen=True, slots=True)
class Generation:
    """Which log it is that numbers belong to; ``id`` is random, and another one once numbers may be given out anew.

    ``earlier`` are those before it, oldest first, each with the last event that it has in common with the next.
    """

    id: str = ""
    earlier: tuple[tuple[str, int], ...] = ()

    @classmethod
    def read(cls, id: str | None, earlier: str | None) -> Generation:
        """From the columns of ``installation``; both are None where there is no row."""
        return cls(id or "", tuple((name, seq) for name, seq in orjson.loads(earlier or "[]")))

    def renewed(self, id: str, last: int) -> Generation:
        """The next one, which has the events up to ``last`` in common with this one."""
        return Generation(id, (*self.earlier, (self.id, last)))

    def reset_to(self, id: str | None, seq: int) -> int | None:
        """Where a reader that has come to ``seq`` in the generation ``id`` must begin; None where it can just go on.

        A number alone (``id`` None) is enough only where there was never another generation. The reader of an unknown
        generation, as after restoring a copy from before it began, begins at 0.
        """
        if id == self.id or (id is None and not self.earlier):
            return None
        known = [name for name, _ in self.earlier]
        if id is not None and id not in known:
            return 0
        since = self.earlier if id is None else self.earlier[known.index(id) :]
        return min(seq, *(last for _, last in since))


@dataclass(frozen=True, slots=True)
class Standing:
    """How the log stands in one transaction: its last number, the sum of the feeds' versions, how often something was
    erased from it, how often what is being sent may have changed, and its generation.
    """

    seq: int
    versions: int
    erasures: int
    changes: int
    generation: Generation


def standing(conn: Connection) -> Standing:
    """Read it; one statement."""
    seq, versions, erasures, changes, id, earlier = conn.execute(text(_STANDING)).one()
    return Standing(int(seq), int(versions), int(erasures or 0), int(changes or 0), Generation.read(id, earlier))


class Growth:
    """The log as this process knows it.

    ``edition`` is another number once any feed may have another state; ``epoch`` once anything that was read of the log
    may be void: its content erased, or the log another one; ``changes`` once what is being sent may be stopped.
    """

    def __init__(self) -> None:
        self.last_seq = 0
        self.edition = 0
        self.epoch = 0
        self.changes = 0
        self.generation = Generation()
        self._versions = 0
        self._erasures = 0
        self._news = asyncio.Event()

    async def beyond(self, after: int) -> int:
        """Wait until the log holds more than ``after``, or is another one; returns its last sequence number."""
        began = self.generation
        while self.last_seq <= after and self.generation == began:
            await self._news.wait()
        return self.last_seq

    def advance(self, seq: int) -> None:
        """Note that the log holds events up to ``seq``."""
        if seq > self.last_seq:
            self.last_seq = seq
            self._wake()

    def forget(self) -> None:
        """Note that what was read of the log so far may be void."""
        self.epoch += 1

    def seen(self, found: Standing, begun: int) -> None:
        """Note how the log stood in a transaction that began when ``epoch`` was ``begun``."""
        if found.generation != self.generation:
            if begun != self.epoch:
                return  # it may be the older one of the two; the next look will tell
            self.generation, self.last_seq, self._erasures = found.generation, found.seq, found.erasures
            self.changes = found.changes
            self.forget()
            self._wake()
        if found.erasures > self._erasures:
            self._erasures = found.erasures
            self.forget()
        if found.versions != self._versions:
            self._versions = found.versions
            self.edition += 1
        self.changes = max(self.changes, found.changes)
        self.advance(found.seq)

    def _wake(self) -> None:
        self.edition += 1
        news, self._news = self._news, asyncio.Event()
        news.set()
