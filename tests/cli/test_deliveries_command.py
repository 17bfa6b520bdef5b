"""``publisher deliveries`` and what of ``publisher webhooks`` sends again: what they do, print and exit with."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import delete, update
from support.again import as_it_is, driver, runs, settled
from support.commands import Publisher
from support.deliveries import append, fan_out, subscribe
from support.postgres import blocking

from publisher.model.replay import HoldState
from publisher.storage.engine import tables
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import holds, listing, replays

T = TypeVar("T")


def within(home: Path, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do something with the installation's database."""

    async def perform() -> T:
        db = await Database.open("sqlite", home / "data")
        try:
            return await work(db)
        finally:
            await db.close()

    return blocking(perform())


@pytest.fixture
def webhook(installed: Path, publisher: Publisher) -> str:
    """One with three deliveries, all dead."""
    publisher("load", "--home", installed)

    async def make(db: Database) -> str:
        made = await db.write(subscribe)
        await append(db, 3)
        await fan_out(db)
        await settled(db, "dead")
        return made.id

    return within(installed, make)


def test_everything_is_accounted_for(installed: Path, publisher: Publisher, webhook: str) -> None:
    assert webhook
    done = publisher("deliveries", "account", "--home", installed)
    assert done.code == 0
    assert done.out.endswith(" events, 3 matched: 3 dead\n")
    last = publisher("deliveries", "account", "--since", "2100-01-01T00:00:00Z", "--home", installed)
    assert (last.code, last.out) == (0, "0 events, 0 matched: nothing yet\n")
    shown = json.loads(publisher("deliveries", "account", "--json", "--home", installed).out)
    assert (shown["matched"], shown["dead"], shown["differing"]) == (3, 3, [])


def test_what_differs_is_listed_and_is_exit_code_1(installed: Path, publisher: Publisher, webhook: str) -> None:
    async def lose(db: Database) -> list[int]:
        found = await db.read(listing.page, webhook, limit=9)
        lost, kept = found[0].seq, found[1].seq
        await db.write(lambda tx: tx.conn.execute(delete(tables.deliveries).where(tables.deliveries.c.seq == lost)))
        more = update(tables.events).where(tables.events.c.seq == kept).values(matched=4)
        await db.write(lambda tx: tx.conn.execute(more))
        return [kept, lost]

    kept, lost = within(installed, lose)
    done = publisher("deliveries", "account", "--home", installed)
    assert done.code == 1
    assert done.out.splitlines()[1:] == [
        f"event {kept}: 4 matched, and 1 found: 1 dead", f"event {lost}: 1 matched, and 0 found: none"
    ]  # fmt: skip
    after = publisher("deliveries", "account", "--since", lost, "--home", installed)
    assert len(after.out.splitlines()) == 2


def test_a_replay_that_does_not_add_up_is_listed(installed: Path, publisher: Publisher, webhook: str) -> None:
    made = publisher("webhooks", "replay", webhook, "--since", 1, "--rate", 1, "--home", installed).out.strip()

    async def spoil(db: Database) -> None:
        await driver(db).step(1.0)
        await db.write(lambda tx: tx.conn.execute(delete(tables.replay_events)))

    within(installed, spoil)
    done = publisher("deliveries", "account", "--home", installed)
    assert (done.code, done.out.splitlines()[1:]) == (1, [f"replay {made}: 3 matched, and 1 found: 1 pending"])


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01T00:00:00"])
def test_a_place_that_is_none_is_refused(installed: Path, publisher: Publisher, since: str) -> None:
    done = publisher("deliveries", "account", "--since", since, "--home", installed)
    assert done.code == 1 and f"--since {since}" in done.err


def test_deliveries_are_held_listed_released_and_cancelled(installed: Path, publisher: Publisher, webhook: str) -> None:
    assert webhook
    held = publisher(
        "deliveries", "hold", "--feed", "news", "--reason", "wrong prices", "--by", "ani", "--home", installed
    )
    (row,) = publisher("deliveries", "holds", "--home", installed).rows
    assert row[0] == held.out.strip()
    assert (row[1], row[2], row[3], row[5]) == ("held", "feed news", "ani", "wrong prices")
    missing = publisher("deliveries", "release", "--source", "desk", "--home", installed)
    assert missing.code == 1 and "no such hold" in missing.err
    assert publisher("deliveries", "release", "--feed", "news", "--by", "budi", "--home", installed).code == 0
    assert publisher("deliveries", "holds", "--home", installed).rows == []
    (row,) = publisher("deliveries", "holds", "--all", "--home", installed).rows
    assert (row[1], row[6]) == ("released", "budi")

    everything = publisher("deliveries", "hold", "--home", installed).out.strip()
    done = publisher("deliveries", "cancel", everything, "--reason", "never meant", "--home", installed)
    assert done.code == 0 and "being cancelled" in done.err
    shown = json.loads(publisher("deliveries", "holds", "--json", "--home", installed).out)
    assert [(one["state"], one["ended_reason"]) for one in shown] == [("cancelling", "never meant")]


@pytest.mark.parametrize(
    ("events", "stretch"), [("4-8", (4, 8)), ("4-", (4, None)), ("4", (4, 4)), ("8-4", None), ("x", None), ("-4", None)]
)
def test_events_are_held_by_their_numbers(
    installed: Path, publisher: Publisher, events: str, stretch: tuple[int, int | None] | None
) -> None:
    done = publisher("deliveries", "hold", f"--events={events}", "--home", installed)
    if stretch is None:
        assert done.code == 1 and "--events" in done.err
        return
    [made] = within(installed, lambda db: db.read(holds.list_))
    assert (made.state, made.first_seq, made.last_seq) == (HoldState.HELD, *stretch)


def test_a_feed_that_is_none_is_not_held(installed: Path, publisher: Publisher, webhook: str) -> None:
    assert webhook
    done = publisher("deliveries", "hold", "--feed", "nwes", "--home", installed)
    assert done.code == 1 and 'did you mean "news"?' in done.err


def test_a_delivery_is_sent_again(installed: Path, publisher: Publisher, webhook: str) -> None:
    listed = publisher("webhooks", "deliveries", webhook, "--state", "dead", "--home", installed).rows
    first = listed[0][0]
    done = publisher("webhooks", "retry", webhook, first, "--home", installed)
    assert (done.code, done.out) == (0, f"{first.partition('.')[0]}.1\n")
    assert [row[3] for row in publisher("webhooks", "deliveries", webhook, "--home", installed).rows] == [
        "pending", "dead", "dead", "dead"
    ]  # fmt: skip
    assert len(publisher("webhooks", "deliveries", webhook, "--state", "pending", "--home", installed).rows) == 1
    unknown = publisher("webhooks", "deliveries", webhook, "--state", "gone", "--home", installed)
    assert unknown.code == 1 and "must be one of pending" in unknown.err
    assert publisher("webhooks", "retry", webhook, "999.0", "--home", installed).code == 1


def test_what_failed_is_replayed(installed: Path, publisher: Publisher, webhook: str) -> None:
    made = publisher("webhooks", "replay", webhook, "--since", 1, "--rate", 20, "--home", installed)
    assert made.code == 0

    async def through(db: Database) -> tuple[int, list[str]]:
        driven = driver(db)
        for _ in range(5):
            await driven.step(1.0)
            await settled(db, "delivered")
        found = await db.read(replays.existing, webhook, made.out.strip())
        assert await as_it_is(db, found) == found
        return found.rate, [state for _, _, state in await runs(db)]

    assert within(installed, through) == (20, ["delivered"] * 3)
    (row,) = publisher("webhooks", "replays", webhook, "--home", installed).rows
    assert (row[0], row[1], row[3:]) == (made.out.strip(), "done", ["3", "3", "3", "0", "0", "0"])


def test_a_replay_is_paused_resumed_and_cancelled(installed: Path, publisher: Publisher, webhook: str) -> None:
    made = publisher("webhooks", "replay", webhook, "--since", 1, "--home", installed).out.strip()
    for option, state in (("--pause", "paused"), ("--resume", "running"), ("--cancel", "cancelled")):
        (row,) = publisher("webhooks", "replays", webhook, option, made, "--home", installed).rows
        assert row[1] == state


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--only", "dead"], '"failed" or "all"'),
        (["--feed", "nwes"], 'did you mean "news"?'),
        (["--event", "article.new"], "follows no type of event"),
        (["--until", "soon"], "--until soon"),
    ],
)
def test_a_replay_that_cannot_be_is_refused(
    installed: Path, publisher: Publisher, webhook: str, arguments: list[str], reason: str
) -> None:
    done = publisher("webhooks", "replay", webhook, "--since", 1, *arguments, "--home", installed)
    assert done.code == 1 and reason in done.err


def test_enabling_tells_what_was_missed(installed: Path, publisher: Publisher, webhook: str) -> None:
    assert publisher("webhooks", "disable", webhook, "--home", installed).code == 0
    (row,) = publisher("webhooks", "list", "--home", installed).rows
    assert row[1] == "disabled"
    first, last = within(installed, lambda db: _appended(db, 2))
    done = publisher("webhooks", "enable", webhook, "--home", installed)
    assert (done.code, done.err) == (0, f"{webhook}: active\n")
    assert done.out == (
        f"missed 2 events; to send them: publisher webhooks replay {webhook} --only all --since {first}"
        f" --until {last}\n"
    )
    assert publisher("webhooks", "enable", webhook, "--home", installed).out == ""


async def _appended(db: Database, count: int) -> list[int]:
    return [event.seq for event in await append(db, count)]
