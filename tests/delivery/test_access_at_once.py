"""Rights that come and go while others fan out, claim and settle: no one waits in a circle, and everything adds up."""

import asyncio
from collections.abc import Awaitable, Callable

from support.clock import ManualClock
from support.deliveries import claim, settle, subscribe
from support.rights import a_feed, adds_up, define, judge, publish, shown

from publisher.delivery.followers import pausing, permissions
from publisher.model import Filter, Role, Subscription
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.queue import Claimed

ROUNDS = 12
NEWS, COFFEE = a_feed("news"), a_feed("coffee", "kopi")
CLOSED = a_feed("coffee", "kopi", private=True)
FILTERS = (("news",), ("coffee",), ("coffee", "news"))


async def keys_come_and_go(db: Database) -> None:
    key, _ = await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    for number in range(ROUNDS):
        await db.write(permissions.revoke_key, key.id)
        role = Role.OPERATOR if number % 2 else Role.SUBSCRIBER
        key, _ = await db.write(permissions.create_key, role, "acme")


async def feeds_come_and_go(db: Database) -> None:
    for number in range(ROUNDS):
        await define(db, *((NEWS, CLOSED), (NEWS,), (COFFEE,), (NEWS, COFFEE))[number % 4])


async def everything_is_told(db: Database) -> None:
    for _ in range(ROUNDS):
        await publish(db, "kopi")
        await judge(db, chunk=2)
        await pausing.tell(db)


def outcome(one: Claimed, number: int, clock: ManualClock) -> Outcome:
    if one.cancelled:
        return Outcome(one.id, one.lease, "cancelled")
    told = (one.number, clock(), 1, 500 if number % 3 else 204, None, None, one.subscription, one.failures > 0)
    return Outcome(one.id, one.lease, *(("retrying", 0.0) if number % 3 else ("delivered", None)), *told)


def sender(name: str, clock: ManualClock) -> Callable[[Database], Awaitable[None]]:
    async def send(db: Database) -> None:
        for number in range(2 * ROUNDS):
            taken = (await claim(db, lease=f"{name}{number}", limit=7, share=3)).deliveries
            settled = [outcome(one, one.id + number, clock) for one in reversed(taken)]
            await db.write(settle, settled)

    return send


async def webhooks(db: Database) -> list[Subscription]:
    made = []
    for feeds in FILTERS:
        for granted in (None, Role.OPERATOR):
            made.append(await db.write(subscribe, owner="acme", filter=Filter(feeds=feeds), granted=granted))
    return made


async def test_rights_may_come_and_go_while_everything_else_goes_on(
    db: Database, open_database: Callable[[], Awaitable[Database]], clock: ManualClock
) -> None:
    await define(db, NEWS, COFFEE)
    await db.write(permissions.create_key, Role.SUBSCRIBER, "other")
    made = await webhooks(db)
    tasks = (keys_come_and_go, feeds_come_and_go, everything_is_told, sender("a", clock), sender("b", clock))
    others = [await open_database() for _ in tasks]
    await asyncio.gather(*(work(other) for work, other in zip(tasks, others, strict=True)))

    await define(db, NEWS, COFFEE)
    await pausing.tell(db)
    await judge(db)
    await adds_up(db)
    mark = await publish(db, "kopi")
    await judge(db)
    for one in made:
        assert (await shown(db, one))[-1] == (mark, "pending", None)
