"""Lanes: each is held by one process at a time, and all are held as long as there is any."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from support.clock import ManualClock
from support.deliveries import subscribe
from support.rights import now

from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.subscriptions import lanes, subscriptions
from publisher.storage.subscriptions.lanes import COUNT, lane_of

ALL = frozenset(range(COUNT))
NONE = frozenset[int]()


async def hold(db: Database, process: str, seconds: float = 10.0) -> tuple[frozenset[int], frozenset[int]]:
    return await db.write(lanes.hold, process, seconds)


async def test_who_is_alone_has_them_all(db: Database) -> None:
    assert await hold(db, "a") == (ALL, NONE)
    assert await hold(db, "a") == (ALL, NONE)


async def test_who_comes_later_gets_its_share_once_it_was_given_up(db: Database) -> None:
    await hold(db, "a")
    assert await hold(db, "b") == (NONE, NONE)
    held, surplus = await hold(db, "a")
    assert held == ALL
    assert len(surplus) == COUNT // 2
    assert await hold(db, "b") == (NONE, NONE)
    await db.write(lanes.give_up, "a", surplus)
    assert await hold(db, "b") == (surplus, NONE)
    assert await hold(db, "a") == (ALL - surplus, NONE)


async def test_the_lanes_of_one_that_is_not_heard_of_any_more_go_to_the_others(
    db: Database, clock: ManualClock
) -> None:
    await hold(db, "a")
    clock.advance(9)
    assert await hold(db, "b") == (NONE, NONE)
    clock.advance(1)
    assert await hold(db, "b") == (ALL, NONE)
    held, _ = await hold(db, "a")  # it is back, and has nothing any more
    assert held == NONE


async def test_one_that_leaves_leaves_them_at_once(db: Database) -> None:
    await hold(db, "a")
    await db.write(lanes.leave, "a")
    assert await hold(db, "b") == (ALL, NONE)


async def test_one_that_knows_to_be_alone_takes_over_whoever_held_them(db: Database) -> None:
    await hold(db, "a")
    assert await db.write(lanes.take_over, "b") == ALL
    assert await db.read(lanes.owners) == dict.fromkeys(range(COUNT), "b")


async def test_no_lane_is_held_by_two_however_many_come_at_once(
    db: Database, open_database: Callable[[], Awaitable[Database]]
) -> None:
    others = [await open_database() for _ in range(3)]
    names = "abc"
    for _ in range(4):
        found = await asyncio.gather(*(hold(other, name) for other, name in zip(others, names, strict=True)))
        kept = []
        for name, (held, surplus) in zip(names, found, strict=True):
            await db.write(lanes.give_up, name, surplus)
            kept.append(held - surplus)
        assert sum(map(len, kept)) == len(frozenset().union(*kept))
    assert sorted(len(own) for own in kept) == [2, 3, 3]


async def test_the_endpoints_of_one_host_are_in_one_lane_and_an_edit_of_the_url_moves_it(db: Database) -> None:
    made = [await db.write(subscribe, url=f"https://hook.example:{8000 + n}/{n}") for n in range(5)]
    elsewhere = next(
        url for n in range(100) if lane_of(url := f"https://{n}.example/hook") != lane_of("https://hook.example/")
    )

    def found(tx: Tx) -> set[int]:
        return set(tx.conn.execute(table.select().with_only_columns(table.c.lane)).scalars())

    assert await db.read(found) == {lane_of("https://hook.example/")}
    await db.write(subscriptions.update, made[0].id, url=elsewhere)
    assert await db.read(found) == {lane_of("https://hook.example/"), lane_of(elsewhere)}
    assert (await now(db, made[0])).url == elsewhere
