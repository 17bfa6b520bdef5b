"""Events of articles and indicators, fanned out as what they are, for webhooks that asked for something."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson

from publisher.model import Change, Event, EventType, Match
from publisher.storage.engine.database import Database
from publisher.storage.log import events
from publisher.storage.subscriptions import fanout
from publisher.storage.subscriptions.fanout import Judged
from support.answering import Sent
from support.items import an_event

UPDATED, ALERT = EventType.INDICATOR_UPDATED, EventType.INDICATOR_HELD
PUBLISHED, CHANGED, WITHDRAWN = EventType.ARTICLE_PUBLISHED, EventType.ARTICLE_UPDATED, EventType.ARTICLE_WITHDRAWN

_CHANGES = {PUBLISHED: Change.ENTERED, WITHDRAWN: Change.LEFT}


async def happen(db: Database, *some: tuple[EventType, str], only: Collection[int] = ()) -> list[Event]:
    """These events, each of an item, in the log and fanned out to every filter, or to these (their ids)."""
    appended = await db.write(events.append, [an_event(type_, subject) for type_, subject in some])
    while (page := await db.read(fanout.page, 100)).events:
        judged = [
            Judged(
                event.seq,
                {
                    one.id: Match(event.type, _CHANGES.get(event.type, Change.STAYED))
                    for one in page.filters
                    if not only or one.id in only
                },
            )
            for event in page.events
        ]
        await db.write(fanout.advance, page.cursor, judged, {one.id: one for one in page.filters})
    return appended


def numbers(some: Sequence[Sent]) -> list[list[int]]:
    """The ``seq`` of each event in each of these requests."""
    bodies = [orjson.loads(one.body) for one in some]
    return [[each["seq"] for each in body] if isinstance(body, list) else [body["seq"]] for body in bodies]
