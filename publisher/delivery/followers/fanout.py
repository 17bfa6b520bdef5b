"""Fan-out, the part that decides: follows the log and judges each event once for each distinct filter.

Judging is plain Python and happens before any transaction; writing is ``storage/subscriptions/fanout.py``'s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from publisher import telemetry
from publisher.errors import NotAdopted, told
from publisher.model import Event
from publisher.selection import Followers, Judge
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import fanout, rosters, stretches
from publisher.storage.subscriptions.fanout import Cursor, Followed, Judged, Page
from publisher.unbroken import unbroken

log = telemetry.logger(__name__)

PAGE = 100
"""Events judged before they are written; each holds its item, so this bounds the memory."""

POLL_SECONDS = 1.0
"""How often the log is looked at for events of other processes."""


class FanOut:
    """Turns events into deliveries. After each transaction ``made`` is called, for whoever sends, with the events that
    someone is to be told of, and the epoch of the log that they were read in.

    ``check`` is called in each transaction, and raises where this process does not go by the definitions in force:
    then it judges nothing.
    """

    def __init__(
        self,
        db: Database,
        *,
        made: Callable[[Sequence[Event], int], None] = lambda _events, _epoch: None,
        check: Callable[[Tx], None] = lambda _tx: None,
        chunk: int = fanout.CHUNK,
    ) -> None:
        self._db = db
        self._check = check
        self._made = made
        self._chunk = chunk
        self._page: Page | None = None
        self.moved_at = time.monotonic()
        """When it last came to the log's end or a step further, by the monotonic clock."""

    async def run(self) -> None:
        """Follow the log until cancelled. A fault is logged and tried again: no event is ever passed over."""
        while True:
            try:
                seen = self._db.last_seq
                while await unbroken(self.step()):
                    pass
                self.moved_at = time.monotonic()
                await self._more_than(seen)
            except Exception as error:
                if isinstance(error, NotAdopted):  # as it should: another process does the work
                    self.moved_at = time.monotonic()
                if not told(error):
                    log.error("fanout.failed", error=str(error)[:300])
                await asyncio.sleep(POLL_SECONDS)

    async def step(self) -> bool:
        """Do one page of events; returns whether there was one."""
        epoch = self._db.epoch
        page = await self._db.read(self._next_page)
        if page.unseated:
            await self._db.write_loosely(_fill)
        if page.events:
            self._page = replace(page, events=page.events[:1], filters=())
        judge = Judge(page.feeds, page.standing.removed, page.standing.closed, page.standing.opened)
        filters = Followers((one.id, one.filter, one.public) for one in page.filters)
        judged = [await self._judge(event, filters, judge) for event in page.events]
        followed = {one.id: one for one in page.filters}
        cursor = page.cursor
        while judged:
            moved = await self._db.write_loosely(self._advance, cursor, judged, followed)
            if moved is None:
                break
            told = {one.seq for one in judged if one.matches and one.seq <= moved.seq}
            judged = [one for one in judged if one.seq > moved.seq]
            cursor = moved
            self.moved_at = time.monotonic()
            self._made([event for event in page.events if event.seq in told], epoch)
        return bool(page.events) or page.unseated

    def _next_page(self, tx: Tx) -> Page:
        self._check(tx)
        return fanout.page(tx, PAGE, self._page)

    def _advance(self, tx: Tx, at: Cursor, judged: list[Judged], followed: Mapping[int, Followed]) -> Cursor | None:
        # What was judged by other definitions than those in force is thrown away: the cursor's access is another then.
        self._check(tx)
        return fanout.advance(tx, at, judged, followed, self._chunk)

    async def _judge(self, event: Event, filters: Followers, judge: Judge) -> Judged:
        await asyncio.sleep(0)  # a page under many filters is long; let others run in between
        faults: dict[int, str] = {}
        return Judged(event.seq, {} if event.quiet else judge.matches(event, filters, faults), faults)

    async def _more_than(self, seen: int) -> None:
        try:
            await asyncio.wait_for(self._db.grown(seen), POLL_SECONDS)
        except TimeoutError:
            await unbroken(self._db.refresh(POLL_SECONDS))  # unless someone else in this process has looked


def _fill(tx: Tx) -> int:
    stretches.hold(tx)
    return rosters.fill(tx)
