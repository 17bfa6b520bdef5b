"""Following the log by asking: the filter and the envelope of a webhook, and a link to follow for ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.clock import ManualClock
from support.delivering import eventually
from support.rights import define
from support.statements import counting
from waiting import FOREVER, seqs, waiting
from webroom import FEEDS, Furnished, Newsroom, open_newsroom

from publisher.delivery.transports import named
from publisher.delivery.transports.base import SingleEvent
from publisher.model import EventType, FeedDefinition, Filter, Selection
from publisher.selection import Judge
from publisher.storage.access import keys
from publisher.storage.configuration import installation
from publisher.storage.engine.database import Database
from publisher.storage.log import events
from publisher.web.api.following import FOLLOWING

EVENTS = "/api/v1/events"


@pytest.fixture
async def newsroom(
    db: Database, database_url: str, furnished: Furnished, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Newsroom]:
    """Once on each kind of database."""
    given = furnished if database_url == "sqlite" else None
    async with open_newsroom(db, tmp_path / "data", clock, furnished=given) as running:
        yield running


async def withdraw(newsroom: Newsroom, id_: str, query: str = "") -> None:
    answer = await newsroom.client.delete(f"/api/v1/articles/{id_}{query}", headers=newsroom.as_("editor"))
    assert answer.status == 200, await answer.text()


async def observe(newsroom: Newsroom, value: str, symbol: str = "USD/IDR") -> None:
    body = [{"symbol": symbol, "value": value}]
    answer = await newsroom.client.post("/api/v1/indicators", json=body, headers=newsroom.as_("editor"))
    assert answer.status in (200, 201, 202), await answer.text()


async def something_of_everything(newsroom: Newsroom) -> None:
    """Articles that enter, stay, move, leave and were never public, and an indicator that is held once."""
    await newsroom.push("a1", "kopi")
    await newsroom.push("a2", "emas")
    await newsroom.push("a1", "emas")
    await newsroom.push("a3", "rahasia")
    await newsroom.push("a2", "rahasia")
    await newsroom.push("a1", "emas", title="Baru")
    await newsroom.push("a3", "panen")
    await withdraw(newsroom, "a1")
    await observe(newsroom, "15000.00")
    await observe(newsroom, "99000.00")
    await observe(newsroom, "15100.00")


async def redefine(newsroom: Newsroom, *feeds: FeedDefinition) -> None:
    """Have the service go by these feeds, as after a reload."""
    taken = await define(newsroom.db, *feeds)
    object.__setattr__(newsroom.catalog, "feeds", taken)


async def refused(newsroom: Newsroom, query: str, role: str | None = None) -> tuple[int, Any]:
    answer = await newsroom.client.get(f"{EVENTS}?{query}", headers=newsroom.as_(role) if role else {})
    assert answer.status != 200
    return answer.status, await answer.json()


FILTERS = [
    ("feed=news", Filter(feeds=("news",))),
    ("feed=coffee", Filter(feeds=("coffee",))),
    ("feed=coffee&feed=market", Filter(feeds=("coffee", "market"))),
    ("feed=news&feed=coffee&type=article.withdrawn", Filter(feeds=("news", "coffee"), events=("article.withdrawn",))),
    (
        "feed=coffee&type=article.published&type=indicator.held&feed=market",
        Filter(feeds=("coffee", "market"), events=("article.published", "indicator.held")),
    ),
    ("feed=market&type=article.published", Filter(feeds=("market",), events=("article.published",))),
    ("feed=desk&feed=coffee", Filter(feeds=("desk", "coffee"))),
]


@pytest.mark.parametrize(("query", "filter"), FILTERS)
async def test_what_a_filter_selects_is_what_a_webhook_with_it_would_be_told(
    newsroom: Newsroom, query: str, filter: Filter
) -> None:
    await something_of_everything(newsroom)
    judge = Judge(newsroom.catalog.feeds, {}, (), {})
    for role in (None, "subscriber", "editor", "operator"):
        if "desk" in filter.feeds and role != "operator":
            continue
        told = []
        for event in await newsroom.db.read(events.after, 0, 100):
            match = judge.follow(filter, event, public=role != "operator")
            if match is not None:
                content = SingleEvent.of(event, match.type, match.change, summary=match.summary)
                told.append(json.loads(named("standard").request(content).body))
        polled = await newsroom.get(f"{EVENTS}?{query}", role)
        assert polled["events"] == told
        assert told or filter.events == ("article.published",)


async def test_types_alone_narrow_all_that_a_caller_may_see(newsroom: Newsroom) -> None:
    await something_of_everything(newsroom)
    query = f"{EVENTS}?type=article.published&type=article.withdrawn"
    found = {
        role: [
            (one["type"].partition(".")[2], one["data"]["id"]) for one in (await newsroom.get(query, role))["events"]
        ]
        for role in (None, "editor")
    }
    assert found[None] == [
        ("published", "a1"),
        ("published", "a2"),
        ("withdrawn", "a2"),
        ("published", "a3"),
        ("withdrawn", "a1"),
    ]
    # To who sees everything, an article that no feed takes any more is there still.
    assert found["editor"] == [("published", "a1"), ("published", "a2"), ("published", "a3"), ("withdrawn", "a1")]


async def test_an_erased_item_leaves_the_feeds_that_showed_it_and_no_others(newsroom: Newsroom) -> None:
    await newsroom.push("a1", "emas")
    await withdraw(newsroom, "a1", "?erase=true")
    for query, count in (("feed=news", 1), ("feed=coffee", 0), ("feed=news&type=article.updated", 0)):
        found = (await newsroom.get(f"{EVENTS}?{query}"))["events"]
        assert [one["data"] for one in found] == [{"id": "a1", "erased": True}] * count


async def test_names_that_are_none_are_refused_all_at_once_with_the_nearest(newsroom: Newsroom) -> None:
    status, told = await refused(newsroom, "feed=newz&feed=coffee&feed=desk&type=article.publishd")
    assert status == 422
    assert [(one["path"], one["message"]) for one in told["errors"]] == [
        ("feed", "'newz' is not known; did you mean 'news'?"),
        ("feed", "'desk' is not known; known: coffee, market, news"),
        (
            "type",
            "'article.publishd' is not known; did you mean 'article.published' or 'article.withdrawn' or "
            "'article.updated'?",
        ),
    ]
    status, told = await refused(newsroom, "&".join(["feed=news"] * 101))
    assert (status, told["errors"]) == (422, [{"path": "feed", "message": "may be given 100 times, not 101"}])
    status, told = await refused(newsroom, "wait=31")
    assert "must be seconds up to 30" in told["errors"][0]["message"]


@pytest.mark.parametrize(("role", "status"), [(None, 422), ("subscriber", 422), ("editor", 403), ("operator", 200)])
async def test_private_feeds_are_followed_by_those_whose_webhooks_might(
    newsroom: Newsroom, role: str | None, status: int
) -> None:
    await newsroom.push("a1", "rahasia")
    headers = newsroom.as_(role) if role else {}
    answer = await newsroom.client.get(f"{EVENTS}?feed=desk&feed=news", headers=headers)
    assert answer.status == status
    assert ("'operator' is needed" in await answer.text()) == (status == 403)


async def test_a_feed_that_was_opened_tells_everyone_what_came_since_and_operators_all(newsroom: Newsroom) -> None:
    closed = FeedDefinition(name="energy", title="Energi", select=Selection(topics=("gas",)), private=True)
    await redefine(newsroom, *FEEDS, closed)
    await newsroom.push("a1", "gas")
    assert (await newsroom.get(EVENTS))["events"] == []
    await redefine(newsroom, *FEEDS, closed.model_copy(update={"private": False}))
    await newsroom.push("a2", "gas")
    for query, role, seen in (
        ("", None, [2]),
        ("?feed=energy", None, [2]),
        ("?feed=energy", "editor", [2]),
        ("?feed=energy", "operator", [1, 2]),
    ):
        assert [one["seq"] for one in (await newsroom.get(EVENTS + query, role))["events"]] == seen


async def test_the_link_asks_for_the_same_from_there_on(newsroom: Newsroom) -> None:
    for number in range(5):
        await newsroom.push(f"a{number}", "kopi" if number % 2 else "emas")
    url, found = f"{EVENTS}?feed=coffee&limit=1&type=article.published&feed=market", []
    for _ in range(4):
        answer = await newsroom.client.get(url)
        page = await answer.json()
        found += [one["seq"] for one in page["events"]]
        assert answer.headers["Link"] == f'<{page["next_url"]}>; rel="next"'
        assert answer.links["next"]["url"].raw_path_qs == page["next_url"]
        assert page["next_url"] == f"{url.partition('&after=')[0]}&after={page['next']}"
        url = page["next_url"]
    assert found == [2, 4]
    assert page["next_url"].startswith("/")


@pytest.mark.parametrize("feed", ["coffee", "market"])
async def test_a_filter_that_nothing_meets_does_not_look_at_the_same_twice(newsroom: Newsroom, feed: str) -> None:
    for number in range(3):
        await newsroom.push(f"a{number}", "emas")
    page = await newsroom.get(f"{EVENTS}?feed={feed}")
    assert (page["events"], page["next"]) == ([], (await newsroom.get(f"{EVENTS}?after=3"))["next"])
    with counting(newsroom.db) as sent:
        assert (await newsroom.get(page["next_url"]))["events"] == []
    assert [one for one, _ in sent if "FROM events" in one] == []


async def test_who_waits_hears_only_of_what_meets_the_filter(newsroom: Newsroom) -> None:
    async with (
        waiting(newsroom, f"{FOREVER}&feed=coffee") as [coffee],
        waiting(newsroom, f"{FOREVER}&type=article.withdrawn", role="subscriber") as [withdrawn],
    ):
        await newsroom.push("a1", "emas")
        await newsroom.push("a2", "kopi")
        told = await asyncio.wait_for(coffee, 60)
        assert (seqs(told), [one["change"] for one in told[1]["events"]]) == ([2], ["entered"])
        assert not withdrawn.done()
        await newsroom.push("a1", "rahasia")
        told = await asyncio.wait_for(withdrawn, 60)
        assert (seqs(told), told[1]["events"][0]["type"]) == ([3], "article.withdrawn")


async def test_many_that_wait_with_keys_and_filters_of_their_own_cost_three_statements(newsroom: Newsroom) -> None:
    filters = ["&feed=news", "&feed=coffee", "&feed=coffee&feed=market", "&type=article.published", ""]
    roles = ["subscriber", "editor", "operator", "subscriber:other", "editor:other", "operator:other"]
    async with (
        waiting(newsroom, *[FOREVER + one for one in filters], role=roles[0]) as a,
        waiting(newsroom, *[FOREVER + one for one in filters], role=roles[1]) as b,
        waiting(newsroom, *[FOREVER + one for one in filters], role=roles[2]) as c,
        waiting(newsroom, *[FOREVER + one for one in filters], role=roles[3]) as d,
        waiting(newsroom, *[FOREVER + one for one in filters], role=roles[4]) as e,
        waiting(newsroom, *[FOREVER + one for one in filters], role=roles[5]) as f,
    ):
        with counting(newsroom.db) as sent:
            [event] = await newsroom.db.write(events.append, [await an_entered(newsroom)])
            found = await asyncio.wait_for(asyncio.gather(*a, *b, *c, *d, *e, *f), 120)
        assert [seqs(answer) for answer in found] == [[event.seq]] * 30
    assert len([one for one, _ in sent if "FROM events" in one]) == 1
    assert len([one for one, _ in sent if "FROM keys" in one]) <= 2  # another where the log was looked at meanwhile


async def an_entered(newsroom: Newsroom) -> Any:
    """An event of an article that everyone may see."""
    data = {"id": "a1", "title": "Judul", "body": "<p>Isi.</p>", "topics": ["kopi"]}
    return await newsroom.db.read(events.new, EventType.ARTICLE_PUBLISHED, source="desk", subject="a1", data=data)


async def test_a_key_that_got_another_secret_meanwhile_sees_no_more(newsroom: Newsroom) -> None:
    async with waiting(newsroom, f"{FOREVER}&feed=news", role="editor:other") as [asked]:
        [key] = [one for one in await newsroom.db.read(keys.list_) if (one.owner, one.role) == ("desk:other", "editor")]
        await newsroom.db.write(keys.rotate, key.id)
        await newsroom.push("a1")
        status, told = await asyncio.wait_for(asked, 60)
    assert (status, "revoked" in told["detail"]) == (401, True)


@pytest.mark.parametrize("closed", [True, False])
async def test_a_feed_that_is_closed_or_removed_meanwhile_shows_nothing_more(newsroom: Newsroom, closed: bool) -> None:
    async with waiting(newsroom, f"{FOREVER}&feed=news") as [named_], waiting(newsroom, FOREVER) as [all_]:
        others = [feed for feed in FEEDS if feed.name != "news"]
        news = [FEEDS[0].model_copy(update={"private": True})] if closed else []
        await redefine(newsroom, *news, *others)
        await newsroom.push("a1", "emas")
        status, told = await asyncio.wait_for(named_, 60)
        assert (status, "'news' is not known" in told["detail"]) == (422, True)
        await newsroom.push("a2", "kopi")
        assert seqs(await asyncio.wait_for(all_, 60)) == [2]


async def test_what_is_gone_is_told_with_the_whole_request_to_go_on_with(newsroom: Newsroom) -> None:
    await newsroom.db.write(installation.claim, b"proof")
    await newsroom.push("a1", "kopi")
    await newsroom.push("a2", "emas")
    old = (await newsroom.get(f"{EVENTS}?feed=coffee&wait=0"))["next_url"]
    await newsroom.db.write(installation.renew, 1)
    answer = await newsroom.client.get(old)
    told = await answer.json()
    assert (answer.status, told["code"]) == (410, "log-reset")
    assert told["begin_url"] == f"{EVENTS}?feed=coffee&wait=0&after={told['begin']}"
    await newsroom.push("a3", "kopi")
    assert [one["seq"] for one in (await newsroom.get(told["begin_url"]))["events"]] == [3]


class Follower:
    """A client that knows one address and then only what it is told to ask next."""

    def __init__(self, url: str, role: str | None) -> None:
        self.url, self.role = url, role
        self.seen: list[tuple[int, str]] = []

    async def follow(self, newsroom: Newsroom) -> None:
        """Ask until the service stops."""
        headers = newsroom.as_(self.role) if self.role else {}
        stopping = newsroom.client.app[FOLLOWING].stopping  # type: ignore[index]
        while not stopping.is_set():
            answer = await newsroom.client.get(self.url, headers=headers)
            page = await answer.json()
            assert answer.status == 200, page
            self.seen += [(one["seq"], one["type"]) for one in page["events"]]
            self.url = page["next_url"]

    async def last(self) -> int:
        return self.seen[-1][0] if self.seen else 0


async def test_who_follows_the_link_sees_each_event_once_in_order_over_erasures_and_restarts(
    open_database: Callable[[], Awaitable[Database]], tmp_path: Path, clock: ManualClock
) -> None:
    editor, anyone = Follower(f"{EVENTS}?limit=2&wait=30", "editor"), Follower(f"{EVENTS}?feed=news&wait=30s", None)
    unseen: set[int] = set()
    for turn in range(3):
        db = await open_database()
        async with open_newsroom(db, tmp_path / "data", clock) as newsroom:
            # Erased before anyone asked: what is left to tell is that it has gone.
            await newsroom.push(f"away-{turn}")
            unseen.add(db.last_seq)
            await withdraw(newsroom, f"away-{turn}", "?erase=true")
            following = [asyncio.create_task(one.follow(newsroom)) for one in (editor, anyone)]
            for number in range(5):
                await newsroom.push(f"live-{turn}-{number}", title=f"Judul {number}")
            for one in (editor, anyone):
                await eventually(one.last, db.last_seq)
            await withdraw(newsroom, f"live-{turn}-0", "?erase=true")
            await newsroom.push(f"live-{turn}-1", title="Baru")
            for one in (editor, anyone):
                await eventually(one.last, db.last_seq)
            runner = newsroom.client.server.runner
            assert runner is not None
            await runner.shutdown()
            await asyncio.wait_for(asyncio.gather(*following), 60)
            total = db.last_seq
        await db.close()
    assert total == 3 * 9
    every = [seq for seq in range(1, total + 1) if seq not in unseen]
    assert [seq for seq, _ in editor.seen] == [seq for seq, _ in anyone.seen] == every
