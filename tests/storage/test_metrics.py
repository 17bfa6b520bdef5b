from typing import Any

from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, subscribe
from support.items import an_article, an_event, an_indicator, article_change, indicator_change
from support.parcelled import sent
from support.statements import counting

from publisher.model import EventType
from publisher.model.change import Outcome
from publisher.storage import metrics
from publisher.storage.configuration import sources
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import record
from publisher.storage.log import events
from publisher.storage.metrics import SourceHealth
from publisher.storage.subscriptions import subscriptions


async def test_a_source_is_as_old_as_its_last_success(db: Database, clock: ManualClock) -> None:
    await db.write(sources.succeeded, "desk", bookmark={})
    clock.advance(90)
    await db.write(sources.failed, "desk", "timed out", None)
    await db.write(sources.failed, "never", "no such host", None)
    health = (await db.read(metrics.present)).sources
    assert health == {"desk": SourceHealth(failures=1, age=90.0), "never": SourceHealth(failures=1, age=None)}


async def test_the_lag_is_what_is_logged_and_not_fanned_out(db: Database) -> None:
    await append(db, 3)
    await fan_out(db)
    await append(db, 2)
    present = await db.read(metrics.present)
    assert (present.last_seq, present.fanned_out) == (5, 3)


async def test_a_delivery_is_overdue_from_when_it_was_due(db: Database, clock: ManualClock) -> None:
    await db.write(subscribe)
    await append(db)
    assert (await db.read(metrics.present)).overdue == 0
    await fan_out(db)
    clock.advance(30)
    assert (await db.read(metrics.present)).overdue == 30
    await claim(db, lease_seconds=60.0)
    assert (await db.read(metrics.present)).overdue == 0
    clock.advance(100)  # its worker is gone, and no other takes it
    assert (await db.read(metrics.present)).overdue == 40


async def test_what_is_in_parcels_waits_from_when_they_were_made(db: Database, clock: ManualClock) -> None:
    for path in ("a", "b"):
        await db.write(subscribe, together=True, url=f"https://{path}.example/hook")  # in two lanes
    await append(db)
    await fan_out(db)
    clock.advance(30)
    await append(db)
    await fan_out(db)
    assert (await db.read(metrics.present)).overdue == 30
    await sent(db, seqs=[1])
    clock.advance(5)
    assert (await db.read(metrics.present)).overdue == 5
    await sent(db)
    assert (await db.read(metrics.present)).overdue == 0


async def test_items_are_counted_apart_from_withdrawn_ones(db: Database) -> None:
    changes = [article_change(id) for id in ("a1", "a2", "a3")]
    observed = [indicator_change(an_indicator(), period) for period in ("2026-03-01", "2026-03-02")]
    await db.write(record.record, articles=changes, indicators=observed)
    gone = article_change(an_article("a2"), Outcome.WITHDRAWN, revision=2)
    await db.write(record.record, articles=[gone])
    totals = await db.read(metrics.totals)
    assert (totals.articles, totals.withdrawn, totals.indicators) == (2, 1, 1)


async def test_deliveries_and_webhooks_are_counted_by_state(db: Database) -> None:
    await db.write(subscribe)
    ended = await db.write(subscribe)
    await append(db, 2)
    await fan_out(db)
    await db.write(subscriptions.disable, ended.id)
    await claim(db, limit=1)
    totals = await db.read(metrics.totals)
    assert totals.deliveries == {"cancelled": 2, "pending": 1, "sending": 1}
    assert totals.subscriptions == {"active": 1, "disabled": 1}


async def test_what_is_in_parcels_is_counted_by_state(db: Database) -> None:
    for _ in range(3):
        await db.write(subscribe, together=True)
    await append(db, 3)
    await fan_out(db)
    await sent(db, seqs=[1])
    await sent(db, 1, seqs=[2])
    await sent(db, 1, seqs=[3], state="dead")
    assert (await db.read(metrics.totals)).deliveries == {"delivered": 4, "pending": 4, "dead": 1}


async def test_events_are_counted_by_type_within_their_numbers(db: Database) -> None:
    for type_ in (EventType.ARTICLE_PUBLISHED, EventType.ARTICLE_UPDATED, EventType.ARTICLE_UPDATED):
        await db.write(events.append, [an_event(type_)])
    assert await db.read(metrics.events_between, 0, 2) == {"article.published": 1, "article.updated": 1}
    assert await db.read(metrics.events_between, 1, 3) == {"article.updated": 2}
    assert await db.read(metrics.events_between, 3, 3) == {}


def _plan(tx: Tx, statement: str, parameters: Any) -> list[str]:
    return [row.detail for row in tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]


async def test_no_scrape_reads_through_a_large_table(sqlite_db: Database) -> None:
    with counting(sqlite_db) as sent:
        await sqlite_db.read(metrics.present)
        await sqlite_db.read(metrics.events_between, 1, 2)
    plans = [line for one in sent if one[0].startswith("SELECT") for line in await sqlite_db.read(_plan, *one)]
    assert {"SCAN sources", "SCAN cursors", "SCAN nodes", "SCAN lanes"} == {
        line for line in plans if line.startswith("SCAN")
    }
    assert any(line.startswith("SEARCH deliveries USING") for line in plans)
    assert any(line.startswith("SEARCH events USING") for line in plans)
    assert any(line.startswith("SEARCH parcels USING INDEX ix_parcels_open (lane>?") for line in plans)
