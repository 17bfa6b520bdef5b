"""An installation with rows in every table, and all rows of a database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Integer, LargeBinary, Table, func, select

from publisher.model import Change, EventType, Role
from publisher.model.change import FeedTouch
from publisher.storage.access import keys
from publisher.storage.configuration import feeds, installation, sources
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import lanes, metadata, senders
from publisher.storage.items.record import record
from publisher.storage.subscriptions.deliveries import Outcome
from support.deliveries import append, claim, fan_out, settle, subscribe
from support.items import an_article, an_event, an_indicator, article_change, indicator_change
from support.parcelled import sent

Rows = dict[str, list[tuple[Any, ...]]]

TABLES = [table for table in metadata.sorted_tables if table not in (lanes, senders)]
"""All but those of processes that run, which belong to no installation."""


async def fill(db: Database, *, events: int = 30, subscriptions: int = 5) -> None:
    """Everything that an installation comes to hold: articles, deliveries in every open and settled state, and so on.

    Tables that nothing here reaches get rows made up from their columns, so that a new one is never left out.
    """
    await db.write(installation.claim, b"proof")
    await db.write(_newsroom)
    for _ in range(subscriptions):
        await db.write(subscribe)
    await append(db, events)
    await fan_out(db)
    for state, wait in (("delivered", None), ("dead", None), ("retrying", 0.0), ("pending", 0.0)):
        taken = (await claim(db, lease=state, limit=subscriptions)).deliveries
        settled = [
            Outcome(one.id, one.lease, state, wait, one.number, status=500, error="no", response="–") for one in taken
        ]
        await db.write(settle, settled)
    await claim(db, lease="of one that was killed", limit=subscriptions)
    for _ in range(3):
        await db.write(subscribe, together=True)
    for seats in (3, 1):  # a parcel that is closed, and one of which a part is in the journal
        await append(db)
        await fan_out(db)
        await sent(db, seats)
    await append(db, 2)  # not fanned out yet
    await db.write(_made_up)


async def rows(db: Database) -> Rows:
    """Every row of every table, by the table's name."""
    return await db.read(_rows)


def _newsroom(tx: Tx) -> None:
    # Sorted otherwise where the server's locale does not go by bytes.
    names = [f"{'Ba'[n % 2]}{n}" for n in range(1, 26)]
    made = [an_article(name, title="“Żółw” – ß", topics=[f"{name} É", "z", "Z"]) for name in names]
    articles = [article_change(one, event=EventType.ARTICLE_PUBLISHED) for one in made]
    record(
        tx,
        articles=articles,
        indicators=[indicator_change(an_indicator(value=f"{15_600 + n}"), f"2026-03-{n:02}") for n in range(1, 10)],
        events=[an_event(subject=one.article.id, quiet=True) for one in articles],
    )
    feeds.sync(tx, {"news": "d1", "Russia": "d2", "élan": "d3"})
    feeds.touch(tx, [FeedTouch("news", Change.LEFT, articles[0].article.id)])
    sources.claim(tx, "desk", "lease", 60)
    sources.failed(tx, "wire", "answered 403", None)
    keys.create(tx, Role.OPERATOR, "desk")


def _made_up(tx: Tx) -> None:
    for table in TABLES:
        if not tx.conn.execute(select(func.count()).select_from(table)).scalar_one():
            tx.conn.execute(table.insert(), [_made_up_row(table, n) for n in range(1, 8)])


def _made_up_row(table: Table, number: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        if isinstance(column.type, Boolean):
            row[column.name] = bool(number % 2)
        elif isinstance(column.type, Integer):  # BigInteger is one
            row[column.name] = number
        elif isinstance(column.type, LargeBinary):
            row[column.name] = bytes(range(number))
        else:
            row[column.name] = f"{column.name} {number}"
        if column.nullable and number % 3 == 0:
            row[column.name] = None
    return row


def _rows(tx: Tx) -> Rows:
    return {table.name: sorted((tuple(row) for row in tx.conn.execute(select(table))), key=repr) for table in TABLES}
