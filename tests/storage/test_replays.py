"""Replays take what they should, once, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select, update
from support.again import as_it_is, driver, replay, runs, settled
from support.clock import ManualClock
from support.deliveries import subscribe
from support.parcels import Killed, killing
from support.rights import a_feed, adds_up, define, judge, publish

from publisher.clock import to_micros
from publisher.delivery.followers import resending
from publisher.errors import Conflict, NotFound
from publisher.model import Role, Subscription
from publisher.model.replay import ReplayState
from publisher.storage.access import keys
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import again, folding, listing, replays, subscriptions

OpenDatabase = Callable[[], Awaitable[Database]]
NEWS, SPORT = a_feed("news", "news"), a_feed("sport", "sport")
EVENTS = 6


async def followed(db: Database, feed: str = "news", **fields: object) -> Subscription:
    """A webhook of an operator with a delivery of each of six events, and these feeds."""
    await define(db, NEWS, SPORT)
    webhook = await db.write(lambda tx: subscribe(tx, feed, **fields))
    for _ in range(EVENTS):
        await publish(db, "news")
    await judge(db)
    return webhook


async def through(db: Database, steps: int = 60) -> None:
    """Go on with replays until none is open, with everything taken by its receiver."""
    driven = driver(db)
    for _ in range(steps):
        await driven.step(1.0)
        await settled(db, "delivered")
        if not await db.read(lambda tx: replays.open_in(tx, range(8))):
            return
    raise AssertionError("it has no end")


async def test_all_since_an_event_is_sent_again_in_a_run_of_its_own(db: Database) -> None:
    webhook = await followed(db)
    await settled(db, "delivered")
    made = await replay(db, webhook, since=3)
    assert (made.state, made.counted, made.matched) == (ReplayState.RUNNING, False, 0)
    await through(db)
    assert await runs(db) == [(seq, 1, "delivered") for seq in range(3, EVENTS + 1)]
    done = await as_it_is(db, made)
    assert (done.state, done.counted, done.matched, done.sent, done.delivered, done.remaining) == (
        "done", True, 4, 4, 4, 0
    )  # fmt: skip
    await adds_up(db)


async def test_a_second_replay_is_another_run(db: Database) -> None:
    webhook = await followed(db)
    await settled(db, "delivered")
    for number in (1, 2):
        made = await replay(db, webhook, since=EVENTS)
        assert made.run == number
        await through(db)
    assert await runs(db) == [(EVENTS, 1, "delivered"), (EVENTS, 2, "delivered")]


async def test_failed_takes_what_is_dead_and_has_not_arrived_since(db: Database) -> None:
    webhook = await followed(db)
    await settled(db, "dead", {2, 4, 5})
    await settled(db, "delivered", {1, 3})
    await db.write(resending.retry, webhook.id, "4.0")
    await settled(db, "delivered", {4})
    made = await replay(db, webhook, "failed")
    await through(db)
    assert [seq for seq, run, _ in await runs(db) if run == made.run] == [2, 5]
    assert (await as_it_is(db, made)).matched == 2


async def test_what_arrived_in_a_later_run_that_is_folded_is_not_sent_again(db: Database, clock: ManualClock) -> None:
    webhook = await followed(db)
    await settled(db, "dead", {2, 4})
    await settled(db, "delivered")
    await db.write(resending.retry, webhook.id, "4.0")
    await settled(db, "delivered")
    clock.advance(60)
    ids = await db.read(lambda tx: folding.find(tx, 0, to_micros(clock()), 100).ids)
    await db.write(folding.fold, ids, to_micros(clock()))
    assert await runs(db) == []
    found = {one.id: (one.state, one.reason) for one in await db.read(listing.page, webhook.id, limit=99)}
    assert found == {"4.0": ("dead", again.RESENT), "2.0": ("dead", None)}
    made = await replay(db, webhook, "failed")
    await through(db)
    assert [seq for seq, run, _ in await runs(db) if run == made.run] == [2]
    await adds_up(db)


async def test_its_numbers_stay_when_its_deliveries_are_folded(db: Database, clock: ManualClock) -> None:
    webhook = await followed(db)
    await settled(db, "delivered")
    made = await replay(db, webhook)
    await through(db)
    before = await as_it_is(db, made)
    clock.advance(60)
    ids = await db.read(lambda tx: folding.find(tx, 0, to_micros(clock()), 100).ids)
    assert (await db.write(folding.fold, ids, to_micros(clock()))).deliveries == 2 * EVENTS
    assert await as_it_is(db, made) == before
    [(_, matched, states)] = await db.read(replays.accounts)
    assert matched == sum(states.values()) == EVENTS
    await adds_up(db)


async def test_it_keeps_to_its_feeds_and_types(db: Database) -> None:
    webhook = await followed(db, filter=subscriptions.Filter(feeds=("news", "sport")))
    await publish(db, "sport")
    await judge(db)
    await settled(db, "delivered")
    made = await replay(db, webhook, feeds=("sport",))
    other = await replay(db, webhook, types=("article.withdrawn",))
    await through(db)
    assert await runs(db, made.run) == [(EVENTS + 1, 1, "delivered")]
    assert (await as_it_is(db, other)).matched == 0


async def test_what_a_webhook_missed_while_it_was_disabled_is_judged_then(db: Database) -> None:
    webhook = await followed(db)
    await settled(db, "delivered")
    await db.write(subscriptions.disable, webhook.id)
    missed = [await publish(db, "news"), await publish(db, "sport"), await publish(db, "news")]
    await judge(db)
    with pytest.raises(Conflict, match="enable it first"):
        await replay(db, webhook)
    await db.write(subscriptions.enable, webhook.id)
    await replay(db, webhook, since=missed[0])
    await through(db)
    assert [seq for seq, _, _ in await runs(db)] == [missed[0], missed[2]]


async def test_what_lay_in_a_time_without_right_is_not_sent(db: Database, clock: ManualClock) -> None:
    await define(db, NEWS)
    key, _ = await db.write(keys.create, Role.SUBSCRIBER, "reader")
    webhook = await db.write(lambda tx: subscribe(tx, granted=None))

    async def at_once(*topics: str) -> int:
        seq = await publish(db, *topics)
        own = update(tables.events).where(tables.events.c.seq == seq).values(at=to_micros(clock()))
        await db.write(lambda tx: tx.conn.execute(own))
        clock.advance(1)
        return seq

    first = await at_once("news")
    await db.write(keys.revoke, key.id)
    clock.advance(1)
    await at_once("news")
    await db.write(keys.create, Role.SUBSCRIBER, "reader")
    clock.advance(1)
    last = await at_once("news")
    await judge(db)
    await settled(db, "delivered")
    await replay(db, webhook)
    await through(db)
    assert [seq for seq, _, _ in await runs(db)] == [first, last]


async def test_what_only_private_feeds_show_is_not_sent_to_who_lost_the_right_to_them(db: Database) -> None:
    await define(db, a_feed("news", "news", private=True))
    key, _ = await db.write(keys.create, Role.OPERATOR, "reader")
    webhook = await db.write(lambda tx: subscribe(tx, granted=None))
    await publish(db, "news")
    await judge(db)
    await settled(db, "dead")
    await db.write(keys.create, Role.SUBSCRIBER, "reader")
    await db.write(keys.revoke, key.id)
    made = await replay(db, webhook, "failed")
    await through(db)
    assert (await as_it_is(db, made)).matched == 0
    with pytest.raises(Conflict, match="not for this webhook any more"):
        await db.write(resending.retry, webhook.id, "1.0")


async def test_erased_and_pruned_events_are_not_sent(db: Database) -> None:
    webhook = await followed(db)
    await settled(db, "dead")
    subject = await db.read(lambda tx: events.among(tx, [2])[0].subject)
    await db.write(
        lambda tx: tx.conn.execute(update(tables.events).where(tables.events.c.seq == 2).values(subject="b"))
    )
    assert subject
    await db.write(events.erase, "b")
    made = await replay(db, webhook, "failed")
    driven = driver(db)
    await driven._judge((await db.read(replays.open_in, range(8)))[0])

    def prune(tx: Tx) -> None:
        for table in (tables.deliveries, tables.matches, tables.events):
            tx.conn.execute(table.delete().where(table.c.seq == 1))

    await db.write(prune)
    await through(db)
    assert [seq for seq, _, _ in await runs(db)] == [3, 4, 5, 6]
    done = await as_it_is(db, made)
    assert (done.matched, done.delivered, done.cancelled, done.remaining) == (5, 4, 1, 0)
    with pytest.raises(Conflict, match="erased"):
        await db.write(resending.retry, webhook.id, "2.0")
    with pytest.raises(NotFound):
        await db.write(resending.retry, webhook.id, "1.0")


async def test_no_more_are_made_than_its_rate_and_its_bound_allow(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await followed(db)
    await settled(db, "delivered")
    await replay(db, webhook, rate=2)
    driven = driver(db)
    await driven.step(0.0)
    assert len(await runs(db)) == 1
    await driven.step(0.5)
    assert len(await runs(db)) == 2
    await driven.step(60.0)
    assert len(await runs(db)) == 4
    monkeypatch.setattr(replays, "OPEN", 5)
    await driven.step(60.0)
    await driven.step(60.0)
    assert len(await runs(db)) == 5
    await settled(db, "delivered")
    await driven.step(60.0)
    assert len(await runs(db)) == 6


async def test_it_is_paused_resumed_and_cancelled(db: Database) -> None:
    webhook = await followed(db)
    await settled(db, "delivered")
    made = await replay(db, webhook, rate=2)
    driven = driver(db)
    await driven.step(1.0)
    await db.write(replays.pause, webhook.id, made.id)
    await driven.step(60.0)
    assert len(await runs(db)) == 2
    await db.write(replays.resume, webhook.id, made.id)
    await driven.step(60.0)
    assert len(await runs(db)) == 4
    over = await db.write(replays.cancel, webhook.id, made.id)
    assert (over.state, over.matched, over.sent, over.cancelled, over.remaining) == ("cancelled", 6, 4, 6, 0)
    assert {(state) for _, _, state in await runs(db)} == {"cancelled"}
    with pytest.raises(Conflict, match="cancelled; make another"):
        await db.write(replays.resume, webhook.id, made.id)
    [(_, matched, states)] = await db.read(replays.accounts)
    assert matched == sum(states.values())


@pytest.mark.parametrize(("end", "reason"), [(subscriptions.disable, "disabled"), (subscriptions.delete, "deleted")])
async def test_it_ends_with_its_webhook(db: Database, end: Callable[[Tx, str], object], reason: str) -> None:
    webhook = await followed(db)
    await settled(db, "delivered")
    made = await replay(db, webhook, rate=2)
    driven = driver(db)
    await driven.step(1.0)
    await db.write(end, webhook.id)
    await driven.step(1.0)
    left = await db.read(lambda tx: tx.conn.execute(select(tables.replays)).one())
    assert (left.id, left.state, left.reason) == (made.id, "cancelled", reason)
    assert {state for _, _, state in await runs(db)} == {"cancelled"}


async def test_a_retry_is_one_more_delivery_or_hurries_the_open_one(db: Database, clock: ManualClock) -> None:
    webhook = await followed(db)
    await settled(db, "retrying", {1})
    await settled(db, "delivered", {2})
    waiting = await db.write(resending.retry, webhook.id, "1.0")
    assert (waiting.id, waiting.next_attempt_at) == ("1.0", clock())
    made = await db.write(resending.retry, webhook.id, "2.0")
    assert (made.id, made.run, made.state) == ("2.1", 1, "pending")
    # A second click makes no second one.
    assert (await db.write(resending.retry, webhook.id, "2.0")).id == "2.1"
    assert await runs(db) == [(2, 1, "pending")]
    await settled(db, "delivered", {2})
    assert (await db.write(resending.retry, webhook.id, "2.1")).id == "2.2"
    await adds_up(db)


async def test_a_retry_of_a_seat_that_waits_is_that_seat(db: Database) -> None:
    await define(db, NEWS)
    webhook = await db.write(lambda tx: subscribe(tx, together=True))
    await publish(db, "news")
    await judge(db)
    assert (await db.write(resending.retry, webhook.id, "1.0")).id == "1.0"
    assert await runs(db) == []


@pytest.mark.parametrize(("reason", "said"), [("access", "might not be sent"), ("removed", "feed that showed it")])
async def test_what_was_cancelled_for_good_is_not_retried(db: Database, reason: str, said: str) -> None:
    webhook = await followed(db)
    await settled(db, "dead")
    own = update(tables.deliveries).where(tables.deliveries.c.seq == 1)
    await db.write(
        lambda tx: tx.conn.execute(own.values(state="cancelled", reason=reason, due_at=None, settled_at=tx.now))
    )
    with pytest.raises(Conflict, match=said):
        await db.write(resending.retry, webhook.id, "1.0")


async def test_a_webhook_has_no_more_replays_than_it_may(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = await followed(db)
    monkeypatch.setattr(replays, "MOST", 2)
    made = [await replay(db, webhook) for _ in range(2)]
    with pytest.raises(Conflict, match="2 replays that are not over"):
        await replay(db, webhook)
    await db.write(replays.cancel, webhook.id, made[0].id)
    await replay(db, webhook)


async def test_what_is_dead_for_another_reason_failed_too(db: Database) -> None:
    webhook = await followed(db)
    await settled(db, "dead")
    own = update(tables.deliveries).where(tables.deliveries.c.seq == 2)
    await db.write(lambda tx: tx.conn.execute(own.values(reason="it crashed its sender twice")))
    made = await replay(db, webhook, "failed")
    await through(db)
    assert (await as_it_is(db, made)).delivered == EVENTS


async def test_two_processes_that_are_at_it_at_once_make_each_delivery_once(open_database: OpenDatabase) -> None:
    """As where a lane has just moved: each believes that it is its own."""
    db, other = await open_database(), await open_database()
    webhook = await followed(db)
    await settled(db, "delivered")
    made = [await replay(db, webhook, rate=3) for _ in range(2)]
    ours, theirs = driver(db, page=2), driver(other, page=2)
    for _ in range(40):
        await asyncio.gather(ours.step(1.0), theirs.step(1.0))
        await settled(db, "delivered")
    for one in made:
        assert await runs(db, one.run) == [(seq, one.run, "delivered") for seq in range(1, EVENTS + 1)]
        done = await as_it_is(other, one)
        assert (done.state, done.matched, done.sent) == ("done", EVENTS, EVENTS)
    await adds_up(db)


async def test_a_kill_at_any_statement_loses_and_doubles_nothing(
    open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, other = await open_database(), await open_database()
    await define(db, NEWS)
    failing = await db.write(subscribe)
    webhook = await followed(db)
    await settled(db, "dead", {1, 2, 3})
    await settled(db, "delivered")
    made = [await replay(db, webhook, rate=2), await replay(db, failing, "failed", rate=2)]
    killed = 0
    with killing(db, monkeypatch) as kill:
        driven = driver(db, page=2)
        for number in range(400):
            kill.at, kill.seen = 1 + number % 23, 0
            try:
                await driven.step(1.0)
            except Killed:
                killed += 1
                driven = driver(db, page=2)
            finally:
                kill.at = 0
            if number % 7 == 0:
                await settled(other, "delivered")
            left = await other.read(replays.open_in, range(8))
            for row in await other.read(replays.accounts):
                assert row[1] == sum(row[2].values()), row
            if not left:
                break
    assert not left and killed > 10
    again_ = [(seq, 1, "delivered") for seq in [*range(1, EVENTS + 1), 1, 2, 3]]
    assert await runs(other) == sorted(again_)
    assert [(await as_it_is(other, one)).state for one in made] == ["done", "done"]
    await adds_up(other)
