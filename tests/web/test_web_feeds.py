"""``/feeds/NAME.FORMAT``: codings, validators, private feeds, large ones."""

from __future__ import annotations

import gzip
from dataclasses import replace
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import pytest
from aiohttp import ClientResponse
from support.clock import ManualClock
from support.rights import SITE, define
from webroom import FEEDS, Newsroom

from publisher.storage.configuration import feeds as feed_states

TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


async def fetch(newsroom: Newsroom, path: str, **headers: str) -> tuple[ClientResponse, bytes]:
    """The bytes as they came over the wire."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    session = newsroom.client.session
    async with session.get(newsroom.client.make_url(path), headers=named, auto_decompress=False) as answer:
        return answer, await answer.read()


@pytest.mark.parametrize("format_", TYPES)
async def test_each_format_has_its_type_and_validators(newsroom: Newsroom, format_: str) -> None:
    await newsroom.push("kopi-1")
    answer, body = await fetch(newsroom, f"/feeds/news.{format_}", Accept_Encoding="identity")
    assert (answer.status, answer.headers["Content-Type"]) == (200, TYPES[format_])
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Link"] == f'<https://news.example/feeds/news.{format_}>; rel="self"'
    assert "Last-Modified" in answer.headers
    assert "Content-Encoding" not in answer.headers
    assert b"Judul kopi-1" in body


async def test_a_pushed_article_is_in_the_feed_once_the_push_is_answered(newsroom: Newsroom) -> None:
    for number in range(3):
        await newsroom.push(f"kopi-{number}")
        _, body = await fetch(newsroom, "/feeds/coffee.json", Accept_Encoding="identity")
        assert f"Judul kopi-{number}".encode() in body


async def test_gzip_holds_the_same_bytes_under_its_own_strong_tag(newsroom: Newsroom) -> None:
    await newsroom.push("kopi-1")
    plain, body = await fetch(newsroom, "/feeds/news.atom", Accept_Encoding="identity")
    packed, data = await fetch(newsroom, "/feeds/news.atom", Accept_Encoding="br, gzip;q=0.5")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(data) == body
    assert packed.headers["ETag"] == plain.headers["ETag"][:-1] + '-gz"'


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip", True), ("*", True), ("gzip;q=0", False), ("gzip;q=0, *", False), ("deflate, br", False), ("", False)],
)
async def test_gzip_is_sent_to_those_who_accept_it(newsroom: Newsroom, accepted: str, packed: bool) -> None:
    answer, _ = await fetch(newsroom, "/feeds/news.rss", Accept_Encoding=accepted)
    assert ("Content-Encoding" in answer.headers) is packed


@pytest.mark.parametrize("form", ['"{v}"', '"{v}-gz"', 'W/"{v}"', '"other", W/"{v}-gz"', "*"])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_any_tag_of_the_present_version_is_answered_with_304(newsroom: Newsroom, form: str, coding: str) -> None:
    await newsroom.push("kopi-1")
    first, _ = await fetch(newsroom, "/feeds/news.rss", Accept_Encoding="identity")
    tag = form.format(v=first.headers["ETag"].strip('"'))
    again, body = await fetch(newsroom, "/feeds/news.rss", Accept_Encoding=coding, If_None_Match=tag)
    assert (again.status, body) == (304, b"")
    assert again.headers["ETag"].strip('"').removesuffix("-gz") == first.headers["ETag"].strip('"')
    for name in ("Cache-Control", "Vary", "Link", "Last-Modified"):
        assert again.headers[name] == first.headers[name]


async def test_a_change_makes_every_tag_and_date_of_before_stale(newsroom: Newsroom, clock: ManualClock) -> None:
    await newsroom.push("kopi-1")
    clock.advance(5)
    first, _ = await fetch(newsroom, "/feeds/news.rss")
    await newsroom.push("kopi-1", title="Judul baru")
    by_tag, _ = await fetch(newsroom, "/feeds/news.rss", If_None_Match=first.headers["ETag"])
    by_date, _ = await fetch(newsroom, "/feeds/news.rss", If_Modified_Since=first.headers["Last-Modified"])
    assert (by_tag.status, by_date.status) == (200, 200)


async def test_a_push_that_changes_nothing_leaves_the_version(newsroom: Newsroom, clock: ManualClock) -> None:
    await newsroom.push("kopi-1")
    first, body = await fetch(newsroom, "/feeds/news.rss")
    clock.advance(5)
    await newsroom.push("kopi-1")
    again, same = await fetch(newsroom, "/feeds/news.rss")
    assert (again.headers["ETag"], same) == (first.headers["ETag"], body)


async def test_a_date_is_enough_for_a_304_unless_a_tag_says_otherwise(newsroom: Newsroom, clock: ManualClock) -> None:
    await newsroom.push("kopi-1")
    clock.advance(5)
    first, _ = await fetch(newsroom, "/feeds/news.rss")
    since = first.headers["Last-Modified"]
    assert (await fetch(newsroom, "/feeds/news.rss", If_Modified_Since=since))[0].status == 304
    answer, _ = await fetch(newsroom, "/feeds/news.rss", If_Modified_Since=since, If_None_Match='"old"')
    assert answer.status == 200


async def test_two_changes_in_one_second_never_have_the_same_date(newsroom: Newsroom, clock: ManualClock) -> None:
    clock.advance(0.2)
    for name in ("kopi-1", "kopi-2"):
        await newsroom.push(name)
        clock.advance(0.2)
        answer, _ = await fetch(newsroom, "/feeds/news.rss")
        assert "Last-Modified" not in answer.headers
        again, _ = await fetch(newsroom, "/feeds/news.rss", If_None_Match=answer.headers["ETag"])
        assert again.status == 304
        assert "Last-Modified" not in again.headers


async def test_last_modified_is_told_once_its_second_is_over(newsroom: Newsroom, clock: ManualClock) -> None:
    clock.advance(0.5)
    await newsroom.push("kopi-1")
    clock.advance(0.5)
    answer, _ = await fetch(newsroom, "/feeds/news.rss")
    assert parsedate_to_datetime(answer.headers["Last-Modified"]) == clock()


async def test_a_date_that_could_stand_for_other_bytes_is_neither_told_nor_taken(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    await newsroom.push("kopi-1")
    clock.advance(5)
    first, _ = await fetch(newsroom, "/feeds/news.rss")
    since = first.headers["Last-Modified"]
    await define(newsroom.db, *FEEDS, site=replace(SITE, title="Kabar lain"))  # as another process names the site
    clock.advance(5)
    for later in (since, format_datetime(clock(), usegmt=True)):
        again, _ = await fetch(newsroom, "/feeds/news.rss", If_Modified_Since=later)
        assert again.status == 200
        assert "Last-Modified" not in again.headers


async def test_a_304_builds_no_document(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    await newsroom.push("kopi-1")
    first, _ = await fetch(newsroom, "/feeds/news.rss")
    built: list[Any] = []
    monkeypatch.setattr(type(newsroom.services.publications), "current", lambda *args: built.append(args))
    again, _ = await fetch(newsroom, "/feeds/news.rss", If_None_Match=first.headers["ETag"])
    assert (again.status, built) == (304, [])


async def test_an_unknown_feed_names_the_nearest_public_one(newsroom: Newsroom) -> None:
    answer = await newsroom.client.get("/feeds/newz.rss")
    detail = (await answer.json())["detail"]
    assert answer.status == 404
    assert "'news'" in detail
    assert "desk" not in (await (await newsroom.client.get("/feeds/desc.rss")).json())["detail"]
    as_editor = await newsroom.client.get("/feeds/desc.rss", headers=newsroom.as_("editor"))
    assert "'desk'" in (await as_editor.json())["detail"]


async def test_a_key_that_opens_nothing_tells_no_private_feed_from_none(newsroom: Newsroom) -> None:
    wrong = {"Authorization": "Bearer pk_wrong"}
    answers = [await newsroom.client.get(f"/feeds/{name}.rss", headers=wrong) for name in ("desk", "gudang")]
    assert [answer.status for answer in answers] == [401, 401]


async def test_a_feed_that_was_removed_is_gone_and_a_private_one_was_never_there(newsroom: Newsroom) -> None:
    digests = {feed.name: feed.digest for feed in newsroom.catalog.feeds.values()}
    await newsroom.db.write(feed_states.define, digests, {"desk", "operations"})
    for name in ("coffee", "desk"):
        del newsroom.catalog.feeds[name], digests[name]
    await newsroom.db.write(feed_states.define, digests, {"operations"})

    for path in ("/feeds/{}", "/feeds/{}.rss"):
        statuses = [(await newsroom.client.get(path.format(name))).status for name in ("coffee", "desk", "gudang")]
        assert statuses == [410, 404, 404]


async def test_an_unknown_format_names_those_there_are(newsroom: Newsroom) -> None:
    answer = await newsroom.client.get("/feeds/news.xml")
    assert (answer.status, "rss, atom, json" in (await answer.json())["detail"]) == (404, True)


@pytest.mark.parametrize(
    ("name", "statuses"),
    [("desk", {"": 404, "subscriber": 404, "editor": 200}), ("operations", {"": 404, "editor": 404, "operator": 200})],
)
async def test_a_private_feed_is_unknown_to_whoever_may_not_read_it(
    newsroom: Newsroom, name: str, statuses: dict[str, int]
) -> None:
    for role, status in statuses.items():
        answer = await newsroom.client.get(f"/feeds/{name}.atom", headers=newsroom.as_(role) if role else {})
        assert answer.status == status
        if status == 404:
            never = await newsroom.client.get("/feeds/gudang.atom", headers=newsroom.as_(role) if role else {})
            assert (answer.status, answer.headers.keys()) == (never.status, never.headers.keys())
            said, hint = (await answer.json())["detail"].split(";")
            assert (said, name in hint) == (f"there is no feed {name!r}", False)
            assert (await never.json())["detail"].startswith("there is no feed 'gudang';")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Accept-Encoding, Authorization"


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_large_feed_is_sent_whole_from_disk(newsroom: Newsroom, coding: str) -> None:
    for number in range(3):
        await newsroom.push(f"kopi-{number}", body=f"<p>{'kopi ' * 120_000}{number}</p>")
    document = await newsroom.services.publications.current("news", "atom")
    assert not isinstance(document.body, bytes)
    answer, body = await fetch(newsroom, "/feeds/news.atom", Accept_Encoding=coding)
    plain = gzip.decompress(body) if coding == "gzip" else body
    assert plain == document.body.read_bytes()
    assert answer.headers["ETag"].startswith(f'"{document.etag}')
    assert int(answer.headers["Content-Length"]) == len(body)
    head = await newsroom.client.head("/feeds/news.atom", headers={"Accept-Encoding": coding})
    assert head.headers["Content-Length"] == answer.headers["Content-Length"]


@pytest.mark.parametrize(
    ("accept", "led_to"),
    [
        ("application/rss+xml", "/feeds/news.rss"),
        ("application/atom+xml, application/rss+xml;q=0.9, text/html;q=0.8, */*;q=0.1", "/feeds/news.atom"),
        ("application/atom+xml,application/feed+json;q=0.5", "/feeds/news.atom"),
        ("application/feed+json;q=0.9, application/rss+xml;q=0.9, */*;q=0.8", "/feeds/news.rss"),
        ("Application/RSS+XML; q=0.5", "/feeds/news.rss"),
        ("text/html, application/xhtml+xml, application/rss+xml, */*", None),
        ("application/rss+xml;q=0, */*", None),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", None),
        ("*/*", None),
        ("", None),
    ],
)
async def test_a_feeds_page_leads_those_who_would_rather_have_a_document_to_it(
    newsroom: Newsroom, accept: str, led_to: str | None
) -> None:
    answer = await newsroom.client.get("/feeds/news", headers={"Accept": accept}, allow_redirects=False)
    assert "Accept" in answer.headers["Vary"].split(", ")
    assert (answer.status, answer.headers.get("Location")) == (302 if led_to else 200, led_to)
    hidden = await newsroom.client.get("/feeds/desk", headers={"Accept": accept}, allow_redirects=False)
    never = await newsroom.client.get("/feeds/gudang", headers={"Accept": accept}, allow_redirects=False)
    assert hidden.status == never.status == 404
