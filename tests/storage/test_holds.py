"""What is held does not begin, and nothing of it is lost: by statements, and with kills at each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.again import driver
from support.deliveries import claim, settle, subscribe
from support.parcels import Killed, killing
from support.rights import a_feed, adds_up, define, judge, publish, shown

from publisher.errors import Conflict
from publisher.model import Subscription
from publisher.model.replay import Hold
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import holds, listing, rights, stretches, subscriptions
from publisher.storage.subscriptions.deliveries import Outcome

OpenDatabase = Callable[[], Awaitable[Database]]
NEWS, SPORT = a_feed("news", "news"), a_feed("sport", "sport")


async def hold(db: Database, **scope: Any) -> Hold:
    given = {"feed": None, "source": None, "first": None, "last": None, "reason": "wrong prices", **scope}
    return await db.write(lambda tx: holds.create(tx, by="desk", **given))


async def two(db: Database) -> tuple[Subscription, Subscription]:
    """A webhook of each feed, with rows, and two events in each."""
    await define(db, NEWS, SPORT)
    news = await db.write(subscribe, "news", url="https://a.example/hook")
    sport = await db.write(subscribe, "sport", url="https://b.example/hook")
    for topic in ("news", "sport", "news", "sport"):
        await publish(db, topic)
    await judge(db)
    return news, sport


async def taken(db: Database) -> list[int]:
    """The events of what could be sent now; it is delivered then."""
    some = (await claim(db)).deliveries
    await db.write(settle, [Outcome(one.id, one.lease, "delivered", None, 1, status=200) for one in some])
    return sorted(one.seq for one in some)


async def ended(db: Database) -> None:
    """Do all that holds which have ended leave to be done."""
    driven = driver(db)
    for _ in range(50):
        await driven.step(1.0)
        if not await db.read(holds.unsettled):
            return
    raise AssertionError("it has no end")


@pytest.mark.parametrize(
    ("scope", "free"),
    [
        ({}, []),
        ({"feed": "news"}, [2, 4]),
        ({"source": "desk"}, []),
        ({"source": "wire"}, [1, 2, 3, 4]),
        ({"first": 2, "last": 3}, [1, 4]),
        ({"first": 3}, [1, 2]),
        ({"feed": "sport", "last": 2}, [1, 3, 4]),
    ],
)
async def test_what_a_hold_covers_is_not_taken_until_it_is_released(
    db: Database, scope: dict[str, Any], free: list[int]
) -> None:
    await two(db)
    made = await hold(db, **scope)
    assert await taken(db) == free
    assert await taken(db) == []
    await db.write(lambda tx: holds.release(tx, made.id, by="desk", reason="mended"))
    await ended(db)
    assert await taken(db) == [seq for seq in (1, 2, 3, 4) if seq not in free]
    await adds_up(db)


async def test_what_is_not_fanned_out_yet_is_held_too(db: Database) -> None:
    await two(db)
    await taken(db)
    made = await hold(db, feed="news")
    await publish(db, "news")
    await judge(db)
    assert await taken(db) == []
    await db.write(lambda tx: holds.release(tx, made.id, by="desk", reason=None))
    await ended(db)
    assert await taken(db) == [5]


async def test_a_hold_is_one_row_and_changes_no_delivery(db: Database) -> None:
    news, _ = await two(db)
    before = await db.read(listing.page, news.id, limit=9)
    made = await hold(db, feed="news")
    after = await db.read(listing.page, news.id, limit=9)
    assert [one.model_copy(update={"held": None}) for one in after] == before
    assert {one.held for one in after} == {made.id}
    assert {one.state.value for one in after} == {"pending"}


async def test_a_delivery_is_held_while_any_of_several_holds_covers_it(db: Database) -> None:
    await two(db)
    first, second = await hold(db, feed="news"), await hold(db, last=1)
    assert await taken(db) == [2, 4]
    await db.write(lambda tx: holds.release(tx, first.id, by="desk", reason=None))
    await ended(db)
    assert await taken(db) == [3]
    await db.write(lambda tx: holds.release(tx, second.id, by="desk", reason=None))
    await ended(db)
    assert await taken(db) == [1]


async def test_what_stands_still_besides_stands_still_after_the_hold(db: Database) -> None:
    news, _ = await two(db)
    made = await hold(db)
    assert await taken(db) == []

    def still(tx: Tx) -> None:
        stretches.hold(tx)
        rights.stand_still(tx, {"no feed": [subscriptions.number(tx, news.id)]})

    await db.write(still)
    await db.write(lambda tx: holds.release(tx, made.id, by="desk", reason=None))
    await ended(db)
    assert await taken(db) == [2, 4]
    await db.write(lambda tx: rights.go_on(tx, [subscriptions.number(tx, news.id)]))
    assert await taken(db) == [1, 3]


@pytest.mark.parametrize("together", [False, True])
async def test_what_is_held_is_cancelled_with_the_reason(db: Database, together: bool) -> None:
    """In rows and in parcels; what comes after it goes on."""
    await define(db, NEWS, SPORT)
    news = await db.write(lambda tx: subscribe(tx, "news", together=together))
    sport = await db.write(lambda tx: subscribe(tx, "sport", together=together))
    for topic in ("news", "sport", "news"):
        await publish(db, topic)
    await judge(db)
    made = await hold(db, feed="news")
    await publish(db, "news")  # in the log, and not fanned out
    over = await db.write(lambda tx: holds.cancel(tx, made.id, by="chief", reason="never meant"))
    assert over.state == "cancelling"
    assert [one.state.value for one in await db.read(holds.list_)] == ["cancelling"]
    await driver(db).step(1.0)
    await judge(db)
    await publish(db, "news")
    await judge(db)
    await ended(db)
    [kept] = await db.read(lambda tx: holds.list_(tx, everything=True))
    assert (kept.state, kept.cancelled, kept.by, kept.reason, kept.ended_by, kept.ended_reason) == (
        "cancelled", 3, "desk", "wrong prices", "chief", "never meant"
    )  # fmt: skip
    assert kept.ended_at is not None
    said = "hold: never meant"
    assert await shown(db, news) == [
        (1, "cancelled", said), (3, "cancelled", said), (4, "cancelled", said), (5, "pending", None)
    ]  # fmt: skip
    assert await shown(db, sport) == [(2, "pending", None)]
    assert await taken(db) == [2, 5]
    with pytest.raises(Conflict, match="cancelled already"):
        await db.write(lambda tx: holds.release(tx, made.id, by="desk", reason=None))
    await adds_up(db)


async def test_what_is_under_way_when_it_is_cancelled_is_recorded_as_it_went(db: Database) -> None:
    await define(db, NEWS)
    webhook = await db.write(lambda tx: subscribe(tx, "news"))
    await publish(db, "news")
    await judge(db)
    [one] = (await claim(db)).deliveries
    made = await hold(db)
    await db.write(lambda tx: holds.cancel(tx, made.id, by="desk", reason="no"))
    await ended(db)
    await db.write(settle, [Outcome(one.id, one.lease, "delivered", None, 1, status=200)])
    assert await shown(db, webhook) == [(1, "delivered", None)]


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_kill_at_any_statement_loses_and_doubles_nothing(
    open_database: OpenDatabase, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    """Rows that wait, rows that were put back, and seats; the holds of each end, whoever is killed meanwhile."""
    db, other = await open_database(), await open_database()
    await define(db, NEWS)
    hooks = [await db.write(lambda tx: subscribe(tx, "news", together=n % 2 == 0)) for n in range(4)]  # noqa: B023
    for _ in range(5):
        await publish(db, "news")
    await judge(db)
    made = await hold(db, last=3)
    await claim(db, limit=2)
    finish = holds.cancel if cancelled else holds.release
    await db.write(lambda tx: finish(tx, made.id, by="desk", reason="no"))
    monkeypatch.setattr(holds, "PARCELS", 1)
    killed, driven = 0, driver(db)
    with killing(db, monkeypatch) as kill:
        for number in range(300):
            kill.at, kill.seen = 1 + number % 17, 0
            try:
                await driven.step(1.0)
            except Killed:
                killed, driven = killed + 1, driver(db)
            finally:
                kill.at = 0
            await adds_up(other)
            if not await other.read(holds.unsettled):
                break
    assert not await other.read(holds.unsettled) and killed > 3
    rest = await taken(other)
    for webhook in hooks:
        found = [(seq, state) for seq, state, _ in await shown(other, webhook)]
        gone = "cancelled" if cancelled else "delivered"
        assert found == [(seq, gone if seq <= 3 else "delivered") for seq in range(1, 6)]
    assert rest
