"""An endpoint that is gone, or has failed everything for five days, is sent nothing more; and who is told of that."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from support.clock import ManualClock
from support.deliveries import append, fan_out, states, subscribe
from support.delivering import Bench, endpoint, eventually
from support.rights import a_feed, define

from publisher.delivery.endpoints.circuit import OPENS_AFTER
from publisher.delivery.followers import pausing
from publisher.model import DeliveryState, EventType, Filter, Subscription, SubscriptionState
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import mails
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.log import events
from publisher.storage.subscriptions import listing, notices, subscriptions

DEAD, DELIVERED, CANCELLED = DeliveryState.DEAD, DeliveryState.DELIVERED, DeliveryState.CANCELLED
OPERATIONS = {"operations": a_feed("operations", items="operations")}


def failing_for(tx: Tx, id_: str, days: float, failures: int = OPENS_AFTER) -> None:
    since = tx.now - round(days * 86_400e6)
    values = {"failing_since": since, "failures": failures, "last_error": "answered 500"}
    tx.conn.execute(update(table).where(table.c.id == id_).values(values))


async def now(db: Database, one: Subscription) -> Subscription:
    found = await db.read(subscriptions.get, one.id, states=tuple(SubscriptionState))
    assert found is not None
    return found


async def disabled_events(db: Database) -> list[Any]:
    found = await db.read(events.after, 0, 1000)
    return [event for event in found if event.type is EventType.WEBHOOK_DISABLED]


async def mailed(db: Database) -> list[str]:
    def read(tx: Tx) -> list[str]:
        return list(tx.conn.execute(select(mails.c.event).order_by(mails.c.id)).scalars())

    return await db.read(read)


async def test_410_disables_at_once_and_nothing_more_is_sent_there(any_bench: Bench) -> None:
    async with endpoint(lambda _number: 410) as gone, any_bench.running(schedule=[0.0] * 5):
        webhook = await any_bench.subscribe(gone.url())
        await append(any_bench.db)
        await eventually(lambda: _state(any_bench.db, webhook), SubscriptionState.DISABLED)
        await append(any_bench.db, 3)
    assert (await now(any_bench.db, webhook)).reason == notices.GONE
    assert len(gone.got) == 1  # not even of its being disabled
    assert await states(any_bench.db, webhook) == [DEAD]
    [event] = await disabled_events(any_bench.db)
    assert (event.subject, event.data["reason"]) == (webhook.id, notices.GONE)
    assert await mailed(any_bench.db) == [event.id]


async def test_what_waits_when_the_endpoint_is_gone_is_cancelled(bench: Bench) -> None:
    async with endpoint(lambda number: 500 if number < 3 else 410) as gone, bench.running(schedule=[3600.0] * 5):
        webhook = await bench.subscribe(gone.url())
        await append(bench.db, 3)
        await eventually(lambda: states(bench.db, webhook), [DeliveryState.RETRYING] * 3)
        await append(bench.db)
        await eventually(lambda: _state(bench.db, webhook), SubscriptionState.DISABLED)
    found = await bench.db.read(listing.page, webhook.id, limit=10)
    assert sorted((one.state, one.reason) for one in found) == [(CANCELLED, "disabled")] * 3 + [(DEAD, None)]


async def _state(db: Database, one: Subscription) -> SubscriptionState:
    return (await now(db, one)).state


async def test_410_to_an_old_url_does_not_disable_the_new_one(db: Database) -> None:
    webhook = await db.write(subscribe)

    def owe(tx: Tx) -> None:
        tx.conn.execute(update(table).where(table.c.id == webhook.id).values(owed="gone"))
        subscriptions.update(tx, webhook.id, url="https://receiver.example/another")

    await db.write(owe)
    await pausing.tell(db)
    assert await _state(db, webhook) is SubscriptionState.ACTIVE


@pytest.mark.parametrize(("days", "failures", "ends"), [(5, OPENS_AFTER, True), (4.99, 1000, False), (9, 9, False)])
async def test_everything_has_to_fail_for_five_days(
    db: Database, clock: ManualClock, days: float, failures: int, ends: bool
) -> None:
    await define(db, a_feed("news"))
    webhook = await db.write(subscribe)
    await db.write(failing_for, webhook.id, days, failures)
    assert await pausing.keep(db) == int(ends)
    assert (await _state(db, webhook) is SubscriptionState.DISABLED) is ends


async def test_its_owners_other_webhooks_operations_and_a_mail_tell_of_it(any_bench: Bench) -> None:
    bench = any_bench
    bench.feeds.update(OPERATIONS)
    typed = Filter(feeds=("news",), events=(EventType.ARTICLE_WITHDRAWN,))
    async with endpoint() as receiver, endpoint(lambda _number: 500) as broken:
        failing = await bench.subscribe(broken.url("/secret"), owner="desk")
        also_failing = await bench.subscribe(broken.url("/too"), owner="desk")
        other = await bench.subscribe(receiver.url("/other"), owner="desk")
        narrow = await bench.subscribe(receiver.url("/narrow"), owner="desk", filter=typed)
        watching = await bench.subscribe(receiver.url("/watching"), "operations", owner="desk")
        stranger = await bench.subscribe(receiver.url("/stranger"), owner="someone else")
        operator = await bench.subscribe(receiver.url("/operator"), "operations", owner="operator")
        async with bench.running(schedule=[3600.0]):
            await bench.db.write(failing_for, failing.id, 6)
            await bench.db.write(failing_for, also_failing.id, 2)
            assert await pausing.keep(bench.db) == 1
            await append(bench.db)
            told = [other, narrow, watching, operator]
            await receiver.until(lambda: len(receiver.taken) == 4 + 2)  # and the article, to two
            for one in [*told, stranger]:
                await eventually(lambda one=one: _open(bench.db, one), 0)  # type: ignore[misc]
    [event] = await disabled_events(bench.db)
    paths = sorted(path for path, id_ in receiver.taken if id_ == event.id)
    assert paths == ["/narrow", "/operator", "/other", "/watching"]
    shown = [got for got in receiver.got if got.id == event.id]
    assert all(b"secret" not in got.body and failing.id.encode() in got.body for got in shown)
    assert {got.path for got in broken.got if got.id == event.id} == {"/secret"}
    [accounts] = await bench.db.read(listing.accounting, [event.seq])
    assert accounts.matched == sum(accounts.states.values()) == 5
    assert await mailed(bench.db) == [event.id]


async def _open(db: Database, one: Subscription) -> int:
    return sum(state is not DELIVERED for state in await states(db, one))


async def test_a_webhook_that_was_told_of_another_goes_on_with_what_follows(any_bench: Bench) -> None:
    async with endpoint() as receiver, any_bench.running():
        failing = await any_bench.subscribe(receiver.url("/failing"), owner="desk")
        other = await any_bench.subscribe(receiver.url("/other"), owner="desk")
        before = await append(any_bench.db, 2)
        await any_bench.db.write(failing_for, failing.id, 6)
        await pausing.keep(any_bench.db)
        after = await append(any_bench.db, 2)
        [event] = await disabled_events(any_bench.db)
        wanted = {("/other", one.id) for one in (*before, event, *after)}
        await receiver.until(lambda: wanted <= receiver.taken)
    assert [one.id for one in receiver.got if one.path == "/other"].count(event.id) == 1
    assert await states(any_bench.db, other) == [DELIVERED] * 5


async def test_many_that_end_together_do_not_tell_each_other(db: Database) -> None:
    await define(db, a_feed("news"))
    some = [await db.write(subscribe, owner="desk", url=f"https://dead.example/{n}") for n in range(20)]
    for one in some:
        await db.write(failing_for, one.id, 6)
    assert await pausing.keep(db) == 20
    found = [await db.read(events.get, event.id) for event in await disabled_events(db)]
    await fan_out(db, feeds=())
    accounts = await db.read(listing.accounting, [event.seq for event in found if event is not None])
    assert [one.matched for one in accounts] == [1] * 20  # itself
