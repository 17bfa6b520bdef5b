"""What is held does not begin to be sent, wherever it waits in a sender's memory, and goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.again import driver
from support.answering import FAILED, Answered, Answering
from support.deliveries import states, subscribe
from support.delivering import Bench, endpoint, eventually
from support.in_flight import owned
from support.rights import a_feed, adds_up, define, judge, publish

from publisher.model import Subscription
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import holds, listing

OpenDatabase = Callable[[], Awaitable[Database]]
NEWS, SPORT = a_feed("news", "news"), a_feed("sport", "sport")


async def hold(db: Database, **scope: Any) -> str:
    given = {"feed": None, "source": None, "first": None, "last": None, "reason": None, **scope}
    return (await db.write(lambda tx: holds.create(tx, by="desk", **given))).id


async def release(db: Database, id: str) -> None:
    await db.write(lambda tx: holds.release(tx, id, by="desk", reason=None))
    await driver(db).step(1.0)


async def hooks(db: Database, count: int = 3, *, together: bool = True) -> list[Subscription]:
    """So many webhooks of one feed at as many endpoints, with an event for each."""
    await db.write(owned)
    await define(db, NEWS, SPORT)
    made = [
        await db.write(lambda tx: subscribe(tx, url=f"https://h{n}.example/hook", together=together))  # noqa: B023
        for n in range(count)
    ]
    await publish(db, "news")
    await judge(db)
    return made


async def states_of(db: Database, some: list[Subscription]) -> list[str]:
    return [one.value for webhook in some for one in await states(db, webhook)]


async def sent_in_all(ours: Answered, db: Database, some: list[Subscription]) -> None:
    """Everything is sent, once, and taken."""
    for _ in range(3):
        await ours.look()
        ours.answer_all()
    await ours.settle()
    assert await states_of(db, some) == ["delivered"] * len(some)
    await adds_up(db)


@pytest.mark.parametrize("together", [True, False])
async def test_what_waits_for_a_connection_is_not_begun(db: Database, answering: Answering, together: bool) -> None:
    """In the same process, before it has looked, and after."""
    some = await hooks(db, together=together)
    ours = answering(db)
    await ours.look()
    first, second, third = ours.open
    id_ = await hold(db)
    assert not first.connect()
    await ours.look(2)
    assert second.over and third.over and not second.began and not third.began
    await ours.look(3)
    assert ours.open == []
    await release(db, id_)
    before = len(ours.sent)
    await sent_in_all(ours, db, some)
    assert len(ours.sent) == before + 3


async def test_what_another_process_holds_is_not_begun_a_second_later(
    open_database: OpenDatabase, answering: Answering
) -> None:
    db, other = await open_database(), await open_database()
    some = await hooks(db)
    ours = answering(db)
    await ours.look()
    id_ = await hold(other, feed="news")
    ours.machine.passes(1.0)
    assert [one.connect() for one in ours.open] == [False] * 3
    await ours.look(2)
    assert ours.open == []
    await release(other, id_)
    await sent_in_all(ours, db, some)


async def test_what_has_begun_is_settled_and_not_sent_again(db: Database, answering: Answering) -> None:
    some = await hooks(db)
    ours = answering(db)
    await ours.look()
    first, second, _ = ours.open
    assert first.connect() and second.connect()
    id_ = await hold(db)
    await ours.look(2)
    first.answer()
    second.answer(FAILED)
    await ours.look(3)
    assert sorted(await states_of(db, some)) == ["delivered", "pending", "retrying"]
    assert ours.open == []
    held = [one.held for webhook in some for one in await db.read(listing.page, webhook.id, limit=9)]
    assert sorted(map(str, held)) == ["None", id_, id_]
    before = len(ours.sent)
    await release(db, id_)
    await sent_in_all(ours, db, some)
    assert len(ours.sent) == before + 2


async def test_others_go_on(db: Database, answering: Answering) -> None:
    some = await hooks(db, 2)
    sport = await db.write(lambda tx: subscribe(tx, "sport", url="https://sport.example/hook", together=True))
    ours = answering(db)
    id_ = await hold(db, feed="news")
    await publish(db, "sport")
    await judge(db)
    await ours.look(2)
    assert [one.url for one in ours.open] == [sport.url]
    ours.answer_all()
    await ours.settle()
    await release(db, id_)
    await sent_in_all(ours, db, [*some, sport])


async def test_what_comes_and_goes_while_a_hold_ends_unseen_is_sent(
    open_database: OpenDatabase, answering: Answering
) -> None:
    """Held, read and put aside, and released before the sender compared."""
    db, other = await open_database(), await open_database()
    some = await hooks(db, 1)
    ours = answering(db)
    first = await hold(other)
    await ours.look(2)
    second = await hold(other)
    await release(other, first)
    await ours.look(2)
    assert ours.open == []
    await release(other, second)
    third = await hold(other, feed="sport")
    await sent_in_all(ours, db, some)
    await release(other, third)


async def test_cancelling_takes_what_waits_in_a_sender(db: Database, answering: Answering) -> None:
    some = await hooks(db)
    ours = answering(db)
    await ours.look()
    first, *_ = ours.open
    assert first.connect()
    id_ = await hold(db)
    await ours.look()
    await db.write(lambda tx: holds.cancel(tx, id_, by="desk", reason="no"))
    driven = driver(db)
    for _ in range(4):
        await driven.step(1.0)
    first.answer()
    await ours.look(4)
    assert sorted(await states_of(db, some)) == ["cancelled", "cancelled", "delivered"]
    assert ours.open == []
    assert await db.read(holds.list_) == []
    await adds_up(db)


async def test_a_running_deliverer_sends_nothing_of_it_until_it_is_released(any_bench: Bench) -> None:
    bench, db = any_bench, any_bench.db
    async with endpoint() as receiver, bench.running(fresh_seconds=0.0):
        webhook = await bench.subscribe(receiver.url(), together=True)
        sport = await bench.subscribe(receiver.url("/russia"), "russia", together=True)
        id_ = await hold(db, feed="news")
        await publish(db, "rusia")
        await receiver.until(lambda: bool(receiver.got))

        async def shown() -> list[str | None]:
            return [one.held for one in await db.read(listing.page, webhook.id, limit=9)]

        await eventually(shown, [id_])
        assert {one.path for one in receiver.got} == {"/russia"}
        await db.write(lambda tx: holds.release(tx, id_, by="desk", reason=None))
        await receiver.until(lambda: len(receiver.got) == 2)
    assert {one.path for one in receiver.got} == {"/russia", "/hook"}
    assert len({one.id for one in receiver.got}) == 1
    assert json.loads(receiver.got[0].body)["id"] == receiver.got[0].id
    assert await states_of(db, [webhook, sport]) == ["delivered", "delivered"]
