"""``/api/v1/events``: the log as different callers see it."""

from __future__ import annotations

import pytest
from webroom import Newsroom

from publisher.model import Event, EventType
from publisher.storage.configuration import installation
from publisher.storage.engine.database import Tx
from publisher.storage.items import record


async def test_the_log_is_read_page_by_page_and_none_is_missed(newsroom: Newsroom) -> None:
    for number in range(5):
        await newsroom.push(f"kopi-{number}")
    page = await newsroom.get("/api/v1/events?limit=2")
    seen = []
    while page["events"]:
        seen += [event["seq"] for event in page["events"]]
        after, page = page["next"], await newsroom.get(f"/api/v1/events?after={page['next']}&limit=2")
    assert (seen, page["next"]) == ([1, 2, 3, 4, 5], after)


async def test_a_reader_may_begin_now_and_go_on_from_there(newsroom: Newsroom) -> None:
    await newsroom.push("kopi-1")
    now = await newsroom.get("/api/v1/events?after=latest")
    assert now["events"] == []
    await newsroom.push("kopi-2")
    page = await newsroom.get(f"/api/v1/events?after={now['next']}")
    assert [event["seq"] for event in page["events"]] == [2]


async def test_a_number_is_taken_for_a_place_while_there_was_never_another_log(newsroom: Newsroom) -> None:
    for number in range(3):
        await newsroom.push(f"kopi-{number}")
    found = [await newsroom.get(f"/api/v1/events?after={after}") for after in (0, 2)]
    assert [[event["seq"] for event in page["events"]] for page in found] == [[1, 2, 3], [3]]
    assert found[0]["next"] == found[1]["next"] == (await newsroom.get("/api/v1/events?after=latest"))["next"]


async def test_once_the_log_was_reset_an_old_place_is_gone_and_is_told_where_to_go_on(newsroom: Newsroom) -> None:
    await newsroom.db.write(installation.claim, b"proof")
    for number in range(3):
        await newsroom.push(f"kopi-{number}")
    old = (await newsroom.get("/api/v1/events"))["next"]
    listed = (await newsroom.get("/api/v1/articles?limit=1"))["next"]
    await newsroom.db.write(installation.renew, 1)
    for after in (old, "3", "2"):
        gone = await newsroom.client.get(f"/api/v1/events?after={after}")
        told = await gone.json()
        assert (gone.status, gone.content_type, told["code"]) == (410, "application/problem+json", "log-reset")
        again = await newsroom.get(f"/api/v1/events?after={told['begin']}")
        assert [event["seq"] for event in again["events"]] == [2, 3]
    # Every log there was has these in common.
    assert [[e["seq"] for e in (await newsroom.get(f"/api/v1/events?after={n}"))["events"]] for n in (0, 1)] == [
        [1, 2, 3],
        [2, 3],
    ]
    gone = await newsroom.client.get(f"/api/v1/articles?limit=1&after={listed}")
    told = await gone.json()
    assert (gone.status, told["code"], told["begin"]) == (410, "log-reset", None)
    assert "leave `after` out" in told["detail"]


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
    page = await newsroom.get("/api/v1/events")
    assert (page["events"], page["next"]) == ([], (await newsroom.get("/api/v1/events?after=1"))["next"])


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


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=99999999999999999999",
        "after=%D9%A3",
        "wait=%D9%A3s",
        "limit=0",
        "limit=1001",
        "wait=31s",
        "wait=-1s",
        "wait=31",
        "wait=2.5",
        "wait=soon",
    ],
)
async def test_a_wrong_query_parameter_is_refused(newsroom: Newsroom, query: str) -> None:
    assert (await newsroom.client.get(f"/api/v1/events?{query}")).status == 422


async def test_an_after_that_is_none_is_told_what_is_taken(newsroom: Newsroom) -> None:
    answer = await newsroom.client.get("/api/v1/events?after=xx")
    assert "the `next` of a page of this list, 'latest', or the number of an event" in await answer.text()
