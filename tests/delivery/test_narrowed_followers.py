"""Filters that narrow, and expressions, from the log to deliveries, on both databases."""

from __future__ import annotations

import pytest
from support.deliveries import subscribe
from support.rights import a_feed, adds_up, define, judge, now, publish, shown

from publisher.delivery.followers import permissions
from publisher.errors import LimitReached
from publisher.model import Filter, Role
from publisher.selection import Followers, parse
from publisher.selection import Judge as Judges
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import filters, subscriptions

NEWS = a_feed("news")


def narrowed(**where: list[str]) -> Filter:
    return Filter(feeds=("news",), where=parse(where).pairs)


def expressed(text: str) -> Filter:
    return Filter(feeds=("news",), expression=text)


async def test_each_follower_is_told_what_its_filter_takes_and_the_sum_comes_out(db: Database) -> None:
    await define(db, NEWS)
    every = await db.write(subscribe)
    coffee = await db.write(subscribe, filter=narrowed(topic=["Kopi"]))
    no_coffee = await db.write(subscribe, filter=narrowed(topic=["-kopi"]), together=True)
    by_expression = await db.write(subscribe, filter=expressed('"kopi" in data.topics'), together=True)
    for topic in ("kopi", "emas"):
        await publish(db, topic)
    await judge(db)

    told = {one.id: [seq for seq, _, _ in await shown(db, one)] for one in (every, coffee, no_coffee, by_expression)}
    assert told == {every.id: [1, 2], coffee.id: [1], no_coffee.id: [2], by_expression.id: [1]}
    await adds_up(db)


async def test_a_filter_comes_back_as_it_was_stored_and_equal_ones_are_one(db: Database) -> None:
    wanted = Filter(feeds=("news",), where=parse({"topic": ["Kopi", "-teh"]}).pairs, expression="data.title != ''")
    again = Filter(feeds=("news",), where=parse({"topic": ["-TEH", "kopi"]}).pairs, expression="data.title != ''")
    ids = [await db.write(filters.intern, one, public=True) for one in (wanted, again)]
    assert ids[0] == ids[1]
    assert filters.read(filters.definition(wanted)) == wanted
    made = await db.write(subscribe, filter=wanted)
    assert (made.filter.where, made.filter.expression) == (wanted.where, "data.title != ''")


def test_filters_of_before_keep_their_text() -> None:
    assert filters.definition(Filter(feeds=("b", "a"))) == '{"events":[],"feeds":["a","b"]}'
    assert filters.definition(Filter(feeds=("a",)), public=True) == '{"events":[],"feeds":["a"],"public":true}'


async def test_what_cannot_be_evaluated_is_no_match_and_shown_on_the_webhook(db: Database) -> None:
    await define(db, NEWS)
    wrong = await db.write(subscribe, filter=expressed("data.nothing == 1"))
    right = await db.write(subscribe)
    for _ in range(3):
        await publish(db, "kopi")
    await judge(db, chunk=1)  # also where an event takes several transactions, it is counted once

    assert await shown(db, wrong) == []
    assert len(await shown(db, right)) == 3
    found = await now(db, wrong)
    assert (found.filter_errors, found.last_filter_error) == (3, 'Key not found in map : "nothing"')
    assert (await now(db, right)).filter_errors == 0
    await adds_up(db)


async def test_who_loses_an_operators_key_is_told_nothing_by_where_items_come_from(db: Database) -> None:
    await define(db, NEWS)
    await db.write(permissions.create_key, Role.SUBSCRIBER, "acme")
    key, _ = await db.write(permissions.create_key, Role.OPERATOR, "acme")
    wanted = narrowed(source=["-nowhere"])
    webhook = await db.write(subscribe, owner="acme", granted=None, filter=wanted)
    await publish(db, "kopi")
    await judge(db)
    await db.write(permissions.revoke_key, key.id)
    await publish(db, "kopi")
    await judge(db)

    assert await shown(db, webhook) == [(1, "cancelled", "access")]
    await adds_up(db)


async def test_an_owner_may_have_twenty_different_filters_with_an_expression(db: Database) -> None:
    def check(tx: Tx, text: str, owner: str = "acme", limited: bool = True) -> None:
        events.lock(tx)
        filters.check_expression(tx, expressed(text), owner, limited=limited)

    for n in range(filters.EXPRESSIONS_PER_OWNER):
        await db.write(check, f"seq > {n}")
        await db.write(subscribe, owner="acme", filter=expressed(f"seq > {n}"))
    with pytest.raises(LimitReached, match="'acme' has 20 different filters"):
        await db.write(check, "seq > 20")
    await db.write(check, "seq > 3")  # one that it has is no further one
    await db.write(check, "seq > 20", "other")
    await db.write(check, "seq > 20", "acme", False)
    (last, *_) = [one for one in await db.read(subscriptions.list_) if one.filter.expression == "seq > 19"]
    await db.write(subscriptions.delete, last.id)
    await db.write(check, "seq > 20")


async def test_all_owners_together_may_have_so_many(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "EXPRESSIONS", 2)
    for n in range(2):
        await db.write(subscribe, owner=f"owner-{n}", filter=expressed(f"seq > {n}"))
    with pytest.raises(LimitReached, match="there are 2 different filters"):
        await db.write(filters.check_expression, expressed("seq > 2"), "owner-2", limited=False)
    await db.write(filters.check_expression, expressed("seq > 1"), "owner-2", limited=False)


async def test_filters_of_feeds_that_an_event_does_not_touch_are_not_judged(sqlite_db: Database) -> None:
    feeds = {one.name: one for one in (a_feed("coffee", "kopi"), a_feed("gold", "emas"))}
    await define(sqlite_db, *feeds.values())
    await publish(sqlite_db, "kopi")
    (event,) = await sqlite_db.read(events.after, 0, 1)
    coffee = (1, Filter(feeds=("coffee",), expression="data.nothing == 1"), True)
    gold = [(n, Filter(feeds=("gold",), expression="data.nothing == 1"), True) for n in range(2, 1000)]
    faults: dict[int, str] = {}
    assert Judges(feeds, {}, {}, {}).matches(event, Followers([coffee, *gold]), faults) == {}
    assert faults.keys() == {1}
