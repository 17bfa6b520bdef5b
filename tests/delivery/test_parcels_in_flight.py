"""What is sent from parcels meets whatever else happens in the process: each seat is settled once, in one place."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.util import await_only
from support.answering import FAILED, POLICY, TAKEN, Answering
from support.clock import ManualClock
from support.deliveries import append, fan_out, states, subscribe
from support.in_flight import ELSEWHERE, OTHER, begun, owned, still_open
from support.parcels import fill

from publisher.errors import StorageError
from publisher.model import Change, DeliveryState, EventType, Match
from publisher.storage.configuration import installation
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import subscriptions as subscriptions_table
from publisher.storage.subscriptions import fanout, parcels, subscriptions
from publisher.storage.subscriptions.fanout import Judged

DELIVERED = DeliveryState.DELIVERED


def put_back(tx: Tx) -> None:
    for name in ("deliveries", "journal", "parcels", "matches", "events"):
        tx.conn.execute(text(f"DELETE FROM {name}"))
    if tx.conn.dialect.name == "sqlite":
        tx.conn.execute(text("DELETE FROM sqlite_sequence WHERE name = 'parcels'"))
    else:
        tx.conn.execute(text("ALTER SEQUENCE parcels_id_seq RESTART"))
    tx.conn.execute(text("UPDATE cursors SET seq = 0, subscription = 0 WHERE name IN ('log', 'fanout')"))
    installation.renew(tx)


def failures(tx: Tx) -> int:
    return int(tx.conn.execute(select(func.sum(subscriptions_table.c.failures))).scalar_one())


async def test_what_had_begun_when_all_of_its_parcel_became_rows_is_settled(db: Database, answering: Answering) -> None:
    ours = await begun(db, answering)
    (webhook,) = await db.read(subscriptions.list_)
    await db.write(subscriptions.update, webhook.id, url=OTHER)
    await ours.look(2)
    assert await db.read(still_open) == 0
    ours.answer_all()
    await ours.settle()
    assert await states(db, webhook) == [DELIVERED]


async def test_what_waits_for_a_connection_to_where_it_went_before_is_not_sent_there(
    db: Database, answering: Answering
) -> None:
    await db.write(owned)
    webhook = await db.write(subscribe, together=True)
    await append(db)
    await fan_out(db)
    ours = answering(db)
    await ours.look()
    await db.write(subscriptions.update, webhook.id, url=OTHER)
    await ours.look(2)
    assert [one.url for one in ours.open] == [OTHER]
    ours.answer_all()
    await ours.settle()
    assert await states(db, webhook) == [DELIVERED]


async def test_a_parcel_that_closes_while_all_is_looked_at_anew_is_not_read_again(
    db: Database, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = await begun(db, answering)
    ours.answer_all()
    real = parcels.standing

    def standing(*args: Any) -> list[parcels.Parcel]:
        found = real(*args)
        await_only(ours.settle())  # it is committed after this was read, and that is known here before this comes back
        return found

    monkeypatch.setattr(parcels, "standing", standing)
    ours.sender.look_again()
    await ours.sender._look()
    assert await db.read(still_open) == 0
    assert len(ours.sent) == 1


async def test_rows_that_are_committed_after_one_that_was_made_later_are_found(
    postgres_url: str, tmp_path: Path, clock: ManualClock, answering: Answering
) -> None:
    db = await Database.open(postgres_url, tmp_path / "data", now=clock)
    ours = await begun(db, answering)
    apart = await db.write(subscribe, url=ELSEWHERE)
    await append(db)
    page = await db.read(fanout.page, 100)
    told = Match(EventType.ARTICLE_PUBLISHED, Change.ENTERED)
    judged = [Judged(page.events[0].seq, {one.id: told for one in page.filters})]
    made, goes_on = asyncio.Event(), asyncio.Event()

    def slowly(tx: Tx) -> None:
        fanout.advance(tx, page.cursor, judged, {one.id: one for one in page.filters})
        made.set()
        await_only(goes_on.wait())

    fanning = asyncio.create_task(db.write(slowly))
    await made.wait()
    ours.answer_all(FAILED)  # which becomes a row
    await ours.look()
    goes_on.set()
    await fanning
    await ours.look(2)
    ours.answer_all()
    await ours.settle()
    assert await states(db, apart) == [DELIVERED]
    await db.close()


async def test_what_comes_back_after_the_log_was_put_back_says_nothing_of_what_has_its_numbers_now(
    db: Database, answering: Answering
) -> None:
    await db.write(installation.claim, b"proof")
    ours = await begun(db, answering)
    (webhook,) = await db.read(subscriptions.list_)
    before = ours.open
    await db.write(put_back)
    await append(db)
    await fan_out(db)
    await ours.look(2)
    for one in before:
        one.answer()
    await ours.settle()
    assert await states(db, webhook) == [DeliveryState.PENDING]
    await ours.look(2)
    ours.answer_all()
    await ours.settle()
    assert await states(db, webhook) == [DELIVERED]
    assert len(ours.sent) == 2


async def test_what_was_stopped_is_not_sent_though_its_parcel_is_done_with_before_that_is_known(
    db: Database, answering: Answering
) -> None:
    await db.write(owned)
    first, second = [await db.write(subscribe, together=True) for _ in range(2)]
    await append(db)
    await fan_out(db)
    ours = answering(db)
    await ours.look()
    taken, waits = ours.open
    taken.answer()
    await db.write(subscriptions.disable, second.id)
    await ours.settle()
    await ours.look(2)
    assert waits.over or not waits.connect()
    await ours.look(2)
    assert [await states(db, one) for one in (first, second)] == [[DELIVERED], [DeliveryState.CANCELLED]]
    assert await db.read(still_open) == 0


async def test_what_became_a_row_before_its_parcel_was_read_is_sent_though_that_is_settled_first(
    db: Database, answering: Answering
) -> None:
    await db.write(owned)
    webhook = await db.write(subscribe, together=True)
    ours = answering(db)
    await ours.look()
    await append(db)
    await fan_out(db)
    await db.write(subscriptions.update, webhook.id, url=OTHER)
    ours.sender.wake()
    await ours.sender._boarding.board()
    await ours.settle()
    await ours.look(3)
    ours.answer_all()
    await ours.settle()
    assert await states(db, webhook) == [DELIVERED]
    assert await db.read(still_open) == 0


async def test_a_success_ends_a_row_of_failures_that_began_since_its_webhook_was_read(
    db: Database, answering: Answering
) -> None:
    await db.write(owned)
    webhook = await db.write(subscribe, together=True)
    ours = answering(db, policy=replace(POLICY, schedule=(1000.0,)))
    for result in (FAILED, TAKEN):
        await append(db)
        await fan_out(db)
        await ours.look()
        ours.answer_all(result)
        await ours.settle()
    assert (await db.read(subscriptions.existing, webhook.id)).failing_since is None
    assert await db.read(failures) == 0


async def test_a_webhook_that_was_edited_is_known_though_the_answer_to_the_look_at_that_was_lost(
    db: Database, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = await begun(db, answering)
    ours.answer_all()
    await ours.settle()
    (webhook,) = await db.read(subscriptions.list_)
    await db.write(subscriptions.update, webhook.id, url=OTHER)
    lost = [StorageError("the connection is gone")]
    real = db.write_loosely

    async def write_loosely(*args: Any) -> Any:
        done = await real(*args)
        if lost:
            raise lost.pop()
        return done

    monkeypatch.setattr(db, "write_loosely", write_loosely)
    with pytest.raises(StorageError):
        await ours.look()
    ours.sender.look_again()  # as run() does
    await ours.look()
    await fill(db)
    await append(db)
    await fan_out(db)
    await ours.look()
    assert [one.url for one in ours.open] == [OTHER]


async def test_what_is_cut_off_by_a_stop_is_due_at_once_where_it_became_a_row(
    db: Database, answering: Answering
) -> None:
    ours = await begun(db, answering)
    (webhook,) = await db.read(subscriptions.list_)
    await db.write(subscriptions.update, webhook.id, url=OTHER)
    await ours.look()
    await ours.sender.drain(0.0)
    await ours.settle()
    assert await states(db, webhook) == [DeliveryState.PENDING]


async def test_parcels_of_one_roster_are_read_at_once_whoever_joined_and_left_between_them(
    db: Database, answering: Answering
) -> None:
    ours = await begun(db, answering)
    ours.answer_all()
    joined = await db.write(subscribe, together=True)
    await append(db)
    await fan_out(db)
    await db.write(subscriptions.disable, joined.id)
    await append(db)
    await fan_out(db)
    await ours.look(2)
    assert len(ours.sent) == 3
