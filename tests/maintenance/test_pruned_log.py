"""The log's oldest events go, with all that belongs to them and never before whoever still needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from maintenance.kept import (
    DAY,
    KEPT,
    MONTH,
    YEAR,
    Cut,
    batches,
    count,
    cut_off,
    dated,
    removed,
    settle_all,
    settled,
    states,
)
from sqlalchemy import select, update
from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, fan_out_once, subscribe
from support.items import an_article, an_event, article_change
from support.rights import a_feed, adds_up, define

from publisher.clock import to_micros
from publisher.maintenance.keeping import Kept, Pruning, fold, prune
from publisher.model import Change, DeliveryState, EventType
from publisher.model.change import FeedTouch, Outcome
from publisher.publish.items import TOMBSTONES_SHOWN, chosen
from publisher.storage.configuration import feeds, tombstones
from publisher.storage.configuration.in_force import KEPT_SECONDS
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import folded, matches
from publisher.storage.engine.tables import tombstones as graves
from publisher.storage.items.record import record
from publisher.storage.log import events, pruning
from publisher.storage.subscriptions import deliveries, folding

OpenDatabase = Callable[[], Awaitable[Database]]
OF_EVENTS = ("events", "deliveries", "attempts", "matches", "folded")


async def kept(db: Database) -> list[int]:
    return [event.seq for event in await db.read(events.after, 0, 10_000)]


async def test_old_events_go_with_all_that_belongs_to_them(db: Database, clock: ManualClock) -> None:
    for _ in range(3):
        await db.write(subscribe)
    await settled(db, clock, "delivered", "cancelled", "dead", events=3)
    clock.advance(YEAR - MONTH)
    await settled(db, clock, "delivered", "dead", "dead", events=2)
    await db.write(dated, clock, 4, 5)
    await fold(batches(db), KEPT)
    clock.advance(MONTH)

    done = await prune(batches(db), KEPT)

    assert done == Pruning(events=3, deliveries=3, attempts=3, matches=3, begins_after=3)
    assert await kept(db) == [4, 5]
    assert await states(db, 1, 2, 3, 4, 5) == [{DeliveryState.DELIVERED: 1, DeliveryState.DEAD: 2}] * 2
    assert await db.read(count, "deliveries", "attempts", "matches") == 6 + 6 + 2
    assert await db.read(count, "folded") == 0
    assert await prune(batches(db), KEPT) == Pruning(begins_after=3)


async def test_new_events_get_the_next_number_and_reach_their_followers(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await settled(db, clock, "delivered", events=2)
    clock.advance(YEAR)
    await prune(batches(db), KEPT)
    assert await kept(db) == []

    (event,) = await append(db)
    await fan_out(db)

    assert event.seq == 3
    assert await settle_all(db, "delivered") == [3]
    assert await states(db, 3) == [{DeliveryState.DELIVERED: 1}]


async def test_events_of_a_clock_that_was_put_back_go_with_their_neighbours(db: Database, clock: ManualClock) -> None:
    await append(db, 4)
    await fan_out(db)
    clock.advance(1000 * DAY)
    await db.write(dated, clock, 2, 4)
    clock.advance(-1000 * DAY + YEAR)
    assert await prune(batches(db), KEPT) == Pruning(events=3, begins_after=3)
    assert await kept(db) == [4]


async def test_events_of_a_clock_that_was_ahead_for_long_hold_up_no_others(db: Database, clock: ManualClock) -> None:
    await append(db, 40)
    await fan_out(db)
    await db.write(dated, clock)
    clock.advance(10 * YEAR)
    await db.write(dated, clock, *range(2, 36))  # more than are looked at at once
    clock.advance(-8 * YEAR)
    done = await prune(batches(db, 40), KEPT)
    assert (done.begins_after, await kept(db)) == (40, [])


async def test_an_event_that_is_not_fanned_out_stays(db: Database, clock: ManualClock) -> None:
    for _ in range(3):
        await db.write(subscribe)
    await append(db, 2)
    await fan_out_once(db, chunk=3)
    await fan_out_once(db, chunk=2)  # two of the three followers of the second
    await settle_all(db, "delivered")
    clock.advance(2 * YEAR)

    assert await fold(batches(db), KEPT)
    done = await prune(batches(db), KEPT)

    assert (done.held, done.begins_after, await kept(db)) == ("fan-out", 1, [2])
    await fan_out(db)
    assert await settle_all(db, "delivered") == [2]
    assert await states(db, 2) == [{DeliveryState.DELIVERED: 3}]


@pytest.mark.parametrize("state", ["pending", "retrying", "sending"])
async def test_an_open_delivery_holds_its_event_and_those_after_it(
    db: Database, clock: ManualClock, state: str
) -> None:
    for _ in range(2):
        await db.write(subscribe)
    await settled(db, clock, "delivered", "dead")
    if state == "retrying":
        await settled(db, clock, "delivered", "retrying")
    else:
        await append(db)
        await fan_out(db)
    if state == "sending":
        await claim(db, limit=2, lease_seconds=3 * YEAR)
    if state != "pending":
        await settled(db, clock, "delivered", "dead")
    else:
        await append(db)
    await db.write(dated, clock)
    clock.advance(YEAR)

    done = await prune(batches(db), KEPT)

    assert (done.events, done.held, done.begins_after, (await kept(db))[0]) == (1, "deliveries", 1, 2)
    await adds_up(db)


async def test_what_stands_still_with_a_paused_webhook_holds_its_event(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await append(db)
    await fan_out(db)
    await db.write(_park)
    clock.advance(2 * YEAR)
    assert (await prune(batches(db), KEPT)).held == "deliveries"
    assert await kept(db) == [1]


async def test_what_is_held_for_a_removed_feed_stays(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await settled(db, clock, "delivered", events=2)
    await db.write(_hold, 2)
    clock.advance(2 * YEAR)
    done = await prune(batches(db), KEPT)
    assert (done.held, await kept(db)) == ("feed", [2])


async def test_feeds_show_the_same_before_and_after(db: Database, clock: ManualClock) -> None:
    operations = a_feed("operations", items="operations", limit=3)
    of_wire = a_feed("wire", items="operations", limit=2, select={"sources": ["wire"]})
    await define(db, a_feed("news"), operations, of_wire)
    for source in ("wire", "desk", "desk", "desk", "wire", "wire", "desk"):
        for type_ in (EventType.SOURCE_FAILING, EventType.SOURCE_RECOVERED):
            await db.write(events.append, [an_event(type_, source, source=source, data={"error": "no"})])
        await db.write(_published, f"about-{source}-{clock().timestamp()}")
        clock.advance(1)
    await fan_out(db, feeds=())

    async def shown() -> Any:
        feeds_ = [await db.read(chosen, feed, 1_000) for feed in (a_feed("news"),)]
        named = {feed.name: (await db.read(chosen, feed, feed.limit)) for feed in (operations, of_wire)}
        return feeds_, named, await db.read(feeds.states)

    clock.advance(2 * YEAR)
    before = await shown()
    done = await prune(batches(db, 3), KEPT)

    assert await shown() == before
    # Of each source and type the newest three, which is what the longest of these feeds shows.
    assert len(await kept(db)) == 12
    assert (done.events, done.begins_after) == (9, 21)
    await define(db, a_feed("news"))
    clock.advance(KEPT_SECONDS)
    assert (await prune(batches(db, 3), KEPT)).events == 12


async def test_a_feed_of_operations_whose_file_was_gone_for_a_while_shows_what_it_showed(
    db: Database, clock: ManualClock
) -> None:
    operations = a_feed("operations", items="operations", limit=3)
    await define(db, a_feed("news"), operations)
    await db.write(events.append, [an_event(EventType.SOURCE_FAILING, data={"id": f"x{n}"}) for n in range(3)])
    await fan_out(db, feeds=())
    clock.advance(2 * YEAR)
    before = await db.read(chosen, operations, operations.limit)
    await define(db, a_feed("news"))
    clock.advance(KEPT_SECONDS - 1)

    await prune(batches(db), KEPT)

    await define(db, a_feed("news"), operations)
    assert await db.read(chosen, operations, operations.limit) == before
    assert len(before) == 3


async def test_events_that_a_feed_shows_go_once_newer_ones_take_their_place(db: Database, clock: ManualClock) -> None:
    await define(db, a_feed("operations", items="operations", limit=2))
    failing = EventType.SOURCE_FAILING
    for expected in ([1], [1, 2], [2, 3], [3, 4]):
        await db.write(events.append, [an_event(failing, "desk", data={})])
        await fan_out(db, feeds=())
        clock.advance(2 * YEAR)
        await prune(batches(db), KEPT)
        assert await kept(db) == expected


async def test_tombstones_go_with_the_events_and_no_document_loses_one(db: Database, clock: ManualClock) -> None:
    await define(db, a_feed("news"), a_feed("other"))
    names = [f"a{n}" for n in range(TOMBSTONES_SHOWN + 20)]
    for start in range(0, len(names), 40):
        await db.write(_left, names[start : start + 40], "news")
        clock.advance(60)
    await db.write(_left, names[:3], "other")
    await db.write(_erased, "a1")
    await db.write(_published, "a2")
    clock.advance(YEAR / 2)
    await fan_out(db, feeds=())
    before = [await db.read(feeds.tombstones, name, TOMBSTONES_SHOWN) for name in ("news", "other")]
    assert (await prune(batches(db), KEPT)).tombstones == 0
    clock.advance(YEAR / 2)

    done = await prune(batches(db, 7), Kept(MONTH, YEAR - 60))

    assert [await db.read(feeds.tombstones, name, TOMBSTONES_SHOWN) for name in ("news", "other")] == before
    # The oldest twenty; but of an erased article it stays, since it tells who may know of that.
    gone = set(names) - set(await db.read(_buried, "news"))
    assert gone == set(sorted(names[:40])[:20]) - {"a1"}
    assert done.tombstones == 19


async def test_the_tombstone_of_an_article_stays_as_long_as_its_events(db: Database, clock: ManualClock) -> None:
    names = [f"a{n}" for n in range(TOMBSTONES_SHOWN + 2)]
    await db.write(_left, names, "news")
    clock.advance(YEAR)
    await db.write(_published, names[0])
    assert (await prune(batches(db), KEPT)).tombstones == 1
    assert set(names) - set(await db.read(_buried, "news")) == {names[1]}


async def test_a_tombstone_that_is_needed_since_it_was_looked_for_stays(db: Database, clock: ManualClock) -> None:
    names = [f"a{n}" for n in range(TOMBSTONES_SHOWN + 3)]
    await db.write(_left, names, "news")
    clock.advance(YEAR)
    before = to_micros(clock())
    shown, begin = TOMBSTONES_SHOWN, tombstones.BEGIN
    found, _ = await db.read(tombstones.old, "news", before, shown=shown, after=begin, limit=100)
    published, erased, other = found
    await db.write(_published, published)
    await db.write(_erased, erased)

    assert await db.write(tombstones.drop, "news", found, before) == 1

    assert set(names) - set(await db.read(_buried, "news")) == {other}


async def test_however_often_it_is_cut_off_the_log_adds_up(db: Database, clock: ManualClock) -> None:
    for _ in range(3):
        await db.write(subscribe)
    await settled(db, clock, "delivered", "cancelled", "dead", events=4)
    clock.advance(YEAR)
    cuts = 0
    while True:
        try:
            with cut_off(db, 1 + cuts):
                await prune(batches(db, 5), KEPT)
            break
        except Cut:
            cuts += 1
            await adds_up(db)
            begins = await db.read(pruning.pruned)
            assert await kept(db) == list(range(begins + 1, 5))
    assert cuts > 9
    assert await db.read(count, *OF_EVENTS) == 0


async def test_two_processes_may_prune_at_once(open_database: OpenDatabase, clock: ManualClock) -> None:
    one, other = await open_database(), await open_database()
    for _ in range(2):
        await one.write(subscribe)
    await settled(one, clock, "delivered", "dead", events=40)
    clock.advance(YEAR)
    for _ in range(40):  # one of them stands back where the other was faster
        await asyncio.gather(prune(batches(one, 7), KEPT), prune(batches(other, 7), KEPT))
    assert await one.read(count, *OF_EVENTS) == 0
    assert await one.read(pruning.pruned) == 40


async def test_a_transaction_takes_no_more_rows_than_it_may(db: Database, clock: ManualClock) -> None:
    for _ in range(4):
        await db.write(subscribe)
    await settled(db, clock, "delivered", "dead", "dead", "cancelled", events=60)
    clock.advance(YEAR)
    with removed(db, "events", "deliveries", "attempts", "matches") as rows:
        await prune(batches(db, 20), KEPT)
    assert sum(rows) == 60 + 240 + 180 + 60
    assert max(rows) == 20


async def test_folded_counts_hold_nothing_of_an_item(db: Database) -> None:
    assert {column.name for column in folded.columns} == {"seq", "state", "count"}
    assert await db.read(folding.counts, [1]) == {}


def _park(tx: Tx) -> None:
    tx.conn.execute(update(deliveries.table).values(due_at=deliveries.PARKED))


def _hold(tx: Tx, seq: int) -> None:
    tx.conn.execute(update(matches).where(matches.c.seq == seq).values(held="news"))


def _published(tx: Tx, id: str) -> None:
    event = an_event(subject=id, timestamp=_time(tx))
    record(tx, articles=[article_change(an_article(id), event=EventType.ARTICLE_PUBLISHED)], events=[event])


def _left(tx: Tx, ids: list[str], feed: str) -> None:
    feeds.sync(tx, {feed: "d"})
    feeds.touch(tx, [FeedTouch(feed, Change.LEFT, id) for id in ids])


def _erased(tx: Tx, id: str) -> None:
    record(tx, articles=[article_change(an_article(id), Outcome.WITHDRAWN, fingerprint="")])


def _buried(tx: Tx, feed: str) -> list[str]:
    return list(tx.conn.execute(select(graves.c.article_id).where(graves.c.feed == feed)).scalars())


def _time(tx: Tx) -> Any:
    from publisher.clock import from_micros

    return from_micros(tx.now)
