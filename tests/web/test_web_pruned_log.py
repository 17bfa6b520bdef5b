"""What the API answers to whoever asks for what is kept no more."""

from __future__ import annotations

import pytest
from maintenance.kept import DAY, KEPT, YEAR, batches, settled
from support.clock import ManualClock
from support.deliveries import fan_out, subscribe
from webroom import Newsroom

from publisher.clock import rfc3339
from publisher.maintenance.keeping import fold, prune
from publisher.storage.engine.database import Tx
from publisher.storage.log.tail import Tail


async def pruned(newsroom: Newsroom, clock: ManualClock) -> str:
    """Five events of which three are gone; returns the place after the second."""
    for number in range(3):
        await newsroom.push(f"kopi-{number}")
    place: str = (await newsroom.get("/api/v1/events?limit=2"))["next"]
    clock.advance(YEAR)
    for number in range(3, 5):
        await newsroom.push(f"kopi-{number}")
    await fan_out(newsroom.db)
    assert (await prune(batches(newsroom.db), KEPT)).events == 3
    await newsroom.db.write(_forget)
    return place


async def test_a_place_before_the_first_kept_event_is_gone_and_is_told_where_to_go_on(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    old = await pruned(newsroom, clock)
    for after in (old, "2", "0"):
        gone = await newsroom.client.get(f"/api/v1/events?after={after}")
        told = await gone.json()
        assert (gone.status, gone.content_type, told["code"]) == (410, "application/problem+json", "log-pruned")
        again = await newsroom.get(f"/api/v1/events?after={told['begin']}")
        assert [event["seq"] for event in again["events"]] == [4, 5]


async def test_whoever_has_seen_the_last_that_is_gone_has_missed_nothing(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    await pruned(newsroom, clock)
    assert [event["seq"] for event in (await newsroom.get("/api/v1/events?after=3"))["events"]] == [4, 5]


@pytest.mark.parametrize("wait", ["", "&wait=1s"])
async def test_without_a_place_it_begins_with_the_first_kept_event(
    newsroom: Newsroom, clock: ManualClock, wait: str
) -> None:
    await pruned(newsroom, clock)
    page = await newsroom.get(f"/api/v1/events?limit=1{wait}")
    assert [event["seq"] for event in page["events"]] == [4]
    page = await newsroom.get(f"/api/v1/events?limit=1&after={page['next']}{wait}")
    assert [event["seq"] for event in page["events"]] == [5]


async def test_what_is_in_memory_still_is_served(newsroom: Newsroom, clock: ManualClock) -> None:
    tail: Tail = newsroom.services.tail
    await newsroom.get("/api/v1/events?after=latest")
    for number in range(3):
        await newsroom.push(f"kopi-{number}")
    await newsroom.get("/api/v1/events?after=0")
    assert tail.held[0] == 3
    clock.advance(YEAR)
    await fan_out(newsroom.db)
    assert (await prune(batches(newsroom.db), KEPT)).events == 3
    assert [event["seq"] for event in (await newsroom.get("/api/v1/events?after=1"))["events"]] == [2, 3]


async def test_a_webhooks_deliveries_are_told_up_to_when_they_are_counts(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    webhook = await newsroom.db.write(subscribe, owner="desk")
    path = f"/api/v1/webhooks/{webhook.id}/deliveries"
    await settled(newsroom.db, clock, "delivered", events=2)
    assert (await newsroom.get(path, "operator"))["folded_until"] is None
    before = clock()
    clock.advance(30 * DAY)
    await settled(newsroom.db, clock, "delivered")
    await fold(batches(newsroom.db), KEPT)
    page = await newsroom.get(path, "operator")
    assert [one["seq"] for one in page["deliveries"]] == [3]
    assert page["folded_until"] == rfc3339(before)


def _forget(tx: Tx) -> None:
    """Have every process drop what it has in memory of the log."""
    tx.voided = True
