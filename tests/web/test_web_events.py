"""``/api/v1/events``: the log as different callers see it."""

from __future__ import annotations

import pytest
from webroom import Newsroom

from publisher.model import Event, EventType
from publisher.storage.engine.database import Tx
from publisher.storage.items import record


async def test_the_log_is_read_page_by_page_and_none_is_missed(newsroom: Newsroom) -> None:
    for number in range(5):
        await newsroom.push(f"kopi-{number}")
    seen, after = [], 0
    while (page := await newsroom.get(f"/api/v1/events?after={after}&limit=2"))["events"]:
        seen += [event["seq"] for event in page["events"]]
        after = page["next"]
    assert (seen, after, page["next"]) == ([1, 2, 3, 4, 5], 5, 5)


async def test_an_event_carries_the_item_as_it_was_then(newsroom: Newsroom) -> None:
    first = await newsroom.push("kopi-1")
    await newsroom.push("kopi-1", title="Judul baru")
    published, updated = (await newsroom.get("/api/v1/events"))["events"]
    assert (published["type"], published["change"], published["data"]) == (
        "article.published",
        "entered",
        first["article"],
    )
    assert (updated["type"], updated["change"], updated["changed"]) == ("article.updated", "stayed", ["title"])
    assert list(published) == ["seq", "id", "type", "timestamp", "source", "change", "changed", "data"]


async def test_an_article_that_leaves_public_sight_is_shown_as_it_last_was_there(newsroom: Newsroom) -> None:
    first = await newsroom.push("kopi-1")
    await newsroom.push("kopi-1", "rahasia", title="Judul rahasia")
    await newsroom.push("kopi-1", "rahasia", title="Lebih rahasia")
    events = (await newsroom.get("/api/v1/events"))["events"]
    assert [event["change"] for event in events] == ["entered", "left"]
    assert events[1]["data"] == first["article"]
    assert "rahasia" not in str(events)
    all_events = (await newsroom.get("/api/v1/events", "editor"))["events"]
    assert [event["data"]["title"] for event in all_events] == ["Judul kopi-1", "Judul rahasia", "Lebih rahasia"]


async def test_what_is_hidden_is_passed_over_by_next(newsroom: Newsroom) -> None:
    await newsroom.push("a-1", "rahasia")
    assert await newsroom.get("/api/v1/events") == {"events": [], "next": 1}


async def test_operations_are_for_operators(newsroom: Newsroom, clock: object) -> None:
    def fail(tx: Tx) -> None:
        event = Event(
            id="evt_1",
            type=EventType.SOURCE_FAILING,
            timestamp=newsroom.services.now(),
            source="desk",
            subject="desk",
            data={"source": "desk", "failures": 3},
        )
        record.record(tx, events=[event])

    await newsroom.db.write(fail)
    counts = [len((await newsroom.get("/api/v1/events", role))["events"]) for role in (None, "editor", "operator")]
    assert counts == [0, 0, 1]


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=99999999999999999999", "limit=0", "limit=1001"])
async def test_a_wrong_query_parameter_is_refused(newsroom: Newsroom, query: str) -> None:
    assert (await newsroom.client.get(f"/api/v1/events?{query}")).status == 422
