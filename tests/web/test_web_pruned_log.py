"""What the API answers to whoever asks for what is kept no more."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request
from maintenance.kept import DAY, KEPT, YEAR, batches, settled
from support.clock import ManualClock
from support.deliveries import fan_out, subscribe
from support.statements import counting
from webroom import Newsroom

from publisher.clock import rfc3339
from publisher.maintenance.keeping import fold, prune
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.storage.log.tail import Stretch, Tail
from publisher.web.access.auth import caller
from publisher.web.api import events as log
from publisher.web.api.patience import Patience


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
        assert told["begin_url"] == f"/api/v1/events?after={told['begin']}"
        again = await newsroom.get(told["begin_url"])
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


async def test_a_page_ends_where_what_comes_next_goes_while_it_is_read(
    newsroom: Newsroom, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await newsroom.push(f"kopi-{number}")
    await fan_out(newsroom.db)
    await newsroom.db.write(_forget)
    monkeypatch.setattr(log, "BATCH", 1)
    request = make_mocked_request("GET", "/api/v1/events", app=newsroom.client.app)
    reading = log._Reading(request, await caller(request), 0, 10)
    read_on = reading._read_on

    async def then_it_is_pruned(*, begun: bool) -> Stretch | None:
        if begun:
            clock.advance(YEAR)
            await prune(batches(newsroom.db), KEPT)
        return await read_on(begun=begun)

    monkeypatch.setattr(reading, "_read_on", then_it_is_pruned)
    assert len(await reading.page(Patience(0))) == 1
    told = await newsroom.client.get(f"/api/v1/events?after={reading.next}")
    assert (told.status, (await told.json())["code"]) == (410, "log-pruned")


async def test_what_became_of_an_event_adds_up_whatever_is_listed(newsroom: Newsroom, clock: ManualClock) -> None:
    webhooks = [await newsroom.db.write(subscribe) for _ in range(5)]
    await settled(newsroom.db, clock, "delivered", "dead", "delivered", "cancelled", "retrying", events=2)
    (first,) = await newsroom.db.read(events.after, 0, 1)
    path = f"/api/v1/events/{first.id}/deliveries"
    states = {"pending": 0, "sending": 0, "delivered": 2, "retrying": 1, "dead": 1, "cancelled": 1}

    async def listed(folded: dict[str, int]) -> list[tuple[str, int, int]]:
        """Webhook, event and number of attempts, from all pages; the numbers are the same on each."""
        found: list[tuple[str, int, int]] = []
        after = ""
        while True:
            page = await newsroom.get(f"{path}?limit=2{after}", "operator")
            assert (page["matched"], page["states"], page["folded"]) == (5, states, folded)
            found += [(one["webhook"], one["seq"], len(one["attempts"])) for one in page["deliveries"]]
            if page["next"] is None:
                return found
            after = f"&after={page['next']}"

    every = [(webhook.id, 1, int(n != 3)) for n, webhook in enumerate(webhooks)]
    assert await listed({}) == every
    clock.advance(30 * DAY)
    await fold(batches(newsroom.db), KEPT)
    assert await listed({"cancelled": 1, "delivered": 2}) == [every[1], every[4]]


@pytest.mark.parametrize(("role", "id_", "status"), [("editor", "", 403), ("operator", "evt_none", 404)])
async def test_what_became_of_an_event_is_for_operators_and_of_events_that_are_kept(
    newsroom: Newsroom, role: str, id_: str, status: int
) -> None:
    await newsroom.push("kopi-1")
    (event,) = await newsroom.db.read(events.after, 0, 1)
    found = await newsroom.client.get(f"/api/v1/events/{id_ or event.id}/deliveries", headers=newsroom.as_(role))
    assert found.status == status


async def test_what_became_of_an_event_is_read_in_as_many_statements_however_much_there_is(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    await newsroom.get("/api/v1/webhooks", "operator")
    await newsroom.services.limits.uses.written()  # which is noted once an hour
    sent = []
    for number in range(1, 3):
        for _ in range(number):
            await newsroom.db.write(subscribe)
        await settled(newsroom.db, clock, *["delivered"] * 3)
        event = (await newsroom.db.read(events.after, number - 1, 1))[0]
        with counting(newsroom.db) as statements:
            page = await newsroom.get(f"/api/v1/events/{event.id}/deliveries", "operator")
        sent.append((len(page["deliveries"]), len(statements)))
    assert [count for count, _ in sent] == [1, 3]
    assert sent[0][1] == sent[1][1]


def _forget(tx: Tx) -> None:
    """Have every process drop what it has in memory of the log."""
    tx.voided = True
