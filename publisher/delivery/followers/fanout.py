"""Fan-out, the part that decides: follows the log and judges each event once for each distinct filter.

Judging is plain Python and happens before any transaction; writing is ``storage/fanout.py``'s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from publisher import telemetry
from publisher.delivery.unbroken import unbroken
from publisher.errors import told
from publisher.model import Event
from publisher.selection import Judge
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import fanout
from publisher.storage.subscriptions.fanout import Followed, Judged, Page

log = telemetry.logger(__name__)

PAGE = 100
"""Events judged before they are written; each holds its item, so this bounds the memory."""

POLL_SECONDS = 1.0
"""How often the log is looked at for events of other processes."""


class FanOut:
    """Turns events into deliveries. ``made`` is called after each transaction, for whoever sends."""

    def __init__(
        self,
        db: Database,
        *,
        made: Callable[[], None] = lambda: None,
        chunk: int = fanout.CHUNK,
    ) -> None:
        self._db = db
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
                if not told(error):
                    log.error("fanout.failed", error=str(error)[:300])
                await asyncio.sleep(POLL_SECONDS)

    async def step(self) -> bool:
        """Do one page of events; returns whether there was one."""
        page = await self._db.read(fanout.page, PAGE, self._page)
        if page.events:
            self._page = replace(page, events=page.events[:1], filters=())
        judge = Judge(page.feeds, page.standing.removed, page.standing.closed, page.standing.opened)
        judged = [await self._judge(event, page.filters, judge) for event in page.events]
        followers = {one.id: one.followers for one in page.filters}
        cursor = page.cursor
        while judged:
            moved = await self._db.write(fanout.advance, cursor, judged, followers, self._chunk)
            if moved is None:
                break
            judged = [one for one in judged if one.seq > moved.seq]
            cursor = moved
            self.moved_at = time.monotonic()
            self._made()
        return bool(page.events)

    async def _judge(self, event: Event, filters: tuple[Followed, ...], judge: Judge) -> Judged:
        await asyncio.sleep(0)  # a page under many filters is long; let others run in between
        if event.quiet:
            return Judged(event.seq, {})
        followed = ((one.id, judge.follow(one.filter, event, public=one.public)) for one in filters)
        return Judged(event.seq, {id_: match for id_, match in followed if match is not None})

    async def _more_than(self, seen: int) -> None:
        try:
            await asyncio.wait_for(self._db.grown(seen), POLL_SECONDS)
        except TimeoutError:
            await unbroken(self._db.refresh(POLL_SECONDS))  # unless someone else in this process has looked
