"""What readers, and those who watch, see while storage fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import text
from structlog.testing import capture_logs
from support.clock import ManualClock
from support.cut import Line, line_to
from webroom import Newsroom, defined, open_newsroom

from publisher.app.probes import disk
from publisher.errors import StorageError, told
from publisher.publish import composing, versions
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.engines import SQLITE_READERS
from publisher.storage.log import events
from publisher.web import kept
from publisher.web.http.response import PIECE
from publisher.web.ops import health

PUBLIC = ["/feeds/news.rss", "/feeds/news.atom", "/feeds/news.json", "/", "/feeds/news", "/articles/a1"]


@pytest.fixture
async def far(postgres_url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[tuple[Newsroom, Line]]:
    """A newsroom whose database is at the other end of a line that can be cut."""
    async with line_to(postgres_url) as (line, url):
        database = await Database.open(url, tmp_path / "data", now=clock)
        async with open_newsroom(database, tmp_path / "data", clock) as newsroom:
            await newsroom.push("a1")
            for path in PUBLIC:
                assert (await newsroom.client.get(path)).status == 200
            yield newsroom, line
        with contextlib.suppress(StorageError):
            await database.close()


async def test_with_the_database_away_what_was_rendered_for_anyone_is_served(far: tuple[Newsroom, Line]) -> None:
    newsroom, line = far
    before = {path: await (await newsroom.client.get(path)).read() for path in PUBLIC}
    await line.cut()
    for path in PUBLIC:
        answer = await newsroom.client.get(path)
        assert (path, answer.status, await answer.read()) == (path, 200, before[path])
        assert answer.headers["Cache-Control"] == "max-age=0, stale-if-error=3600"
    await line.mend()


async def test_with_the_database_away_feeds_that_were_just_changed_are_served_as_they_last_were(
    far: tuple[Newsroom, Line],
) -> None:
    newsroom, line = far
    before = await (await newsroom.client.get("/feeds/news.rss")).read()
    await newsroom.push("a2")  # and no one has asked for the feed since
    await line.cut()
    answer = await newsroom.client.get("/feeds/news.rss")
    unchanged = await newsroom.client.get("/feeds/news.rss", headers={"If-None-Match": answer.headers["ETag"]})
    assert (answer.status, await answer.read(), unchanged.status) == (200, before, 304)
    await line.mend()


@pytest.mark.parametrize(
    "path", ["/feeds/desk.rss", "/api/v1/articles", "/api/v1/events", "/api/v1/articles/a1", "/articles/a2"]
)
async def test_with_the_database_away_what_needs_it_is_503(far: tuple[Newsroom, Line], path: str) -> None:
    newsroom, line = far
    assert (await newsroom.client.get("/feeds/desk.rss", headers=newsroom.as_("editor"))).status == 200
    await line.cut()
    answer = await newsroom.client.get(path, headers=newsroom.as_("editor"))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    await line.mend()


async def test_nothing_stands_in_for_longer_than_an_hour(
    far: tuple[Newsroom, Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom, line = far
    await line.cut()
    with pytest.raises(StorageError):
        await newsroom.db.read(events.last_seq)
    monkeypatch.setattr(versions, "STALE_SECONDS", 0.0)
    monkeypatch.setattr(kept, "STALE_SECONDS", 0.0)
    for path in PUBLIC:
        assert (await newsroom.client.get(path)).status == 503
    await line.mend()


async def test_a_page_of_a_withdrawn_article_stands_in_for_nothing(far: tuple[Newsroom, Line]) -> None:
    newsroom, line = far
    await newsroom.client.delete("/api/v1/articles/a1", headers=newsroom.as_("editor"))
    await line.cut()
    assert (await newsroom.client.get("/articles/a1")).status == 503
    await line.mend()


async def test_a_page_of_an_article_that_no_public_feed_has_any_more_stands_in_for_nothing(
    far: tuple[Newsroom, Line],
) -> None:
    newsroom, line = far
    await newsroom.push("a1", topic="rahasia")
    await line.cut()
    assert (await newsroom.client.get("/articles/a1")).status == 503
    await line.mend()


async def test_a_page_of_any_size_stands_in_and_a_browser_that_has_it_is_told_so(far: tuple[Newsroom, Line]) -> None:
    newsroom, line = far
    await newsroom.push("a1", body=f"<p>{'Isi panjang. ' * 20_000}</p>")
    before = await newsroom.client.get("/articles/a1")
    body, tag = await before.read(), before.headers["ETag"]
    assert len(body) > PIECE
    await line.cut()
    answer = await newsroom.client.get("/articles/a1")
    unchanged = await newsroom.client.get("/articles/a1", headers={"If-None-Match": tag})
    assert (answer.status, await answer.read(), answer.headers["ETag"]) == (200, body, tag)
    assert (unchanged.status, unchanged.headers["ETag"]) == (304, tag)
    await line.mend()


async def test_a_page_that_is_found_unchanged_stands_in_for_another_hour(newsroom: Newsroom) -> None:
    tag = (await newsroom.client.get("/")).headers["ETag"]
    pages = newsroom.client.app[kept.PAGES]
    first = pages.find("/")
    assert (await newsroom.client.get("/", headers={"If-None-Match": tag})).status == 304
    second = pages.find("/")
    assert first
    assert second
    assert second.rendered_at > first.rendered_at


async def test_a_page_that_takes_long_is_read_once_for_all_who_ask_and_to_its_end(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await newsroom.client.get("/")).status == 200
    monkeypatch.setattr(kept, "PATIENCE", 0.05)
    async with AsyncExitStack() as stack:
        for _ in range(SQLITE_READERS):
            await stack.enter_async_context(newsroom.db._reader.connect())
        for _ in range(3):
            assert (await newsroom.client.get("/")).status == 200
        (reading,) = [one for one in asyncio.all_tasks() if one.get_name() == "page /"]
        stood_in = newsroom.client.app[kept.PAGES].find("/")
    await reading
    now = newsroom.client.app[kept.PAGES].find("/")
    assert now is not None
    assert now is not stood_in


async def test_a_page_that_was_begun_before_a_change_is_not_kept_nor_given_to_who_asks_after_it() -> None:
    pages, changed, request = kept.Pages(), asyncio.Event(), make_mocked_request("GET", "/articles/a1")

    async def slow(_request: web.Request) -> web.Response:
        await changed.wait()
        return web.Response(text="before")

    async def quick(_request: web.Request) -> web.Response:
        return web.Response(text="after")

    begun = pages.rendering(request, slow)
    pages.clear()
    changed.set()
    assert ((await begun).body, pages.find("/articles/a1")) == (b"before", None)
    begun = pages.rendering(request, slow)
    pages.clear()
    assert (await pages.rendering(request, quick)).body == b"after"
    await begun
    held = pages.find("/articles/a1")
    assert held
    assert held.body == b"after"


async def test_no_page_from_before_an_erasure_stands_in_whichever_process_erased() -> None:
    pages, request = kept.Pages(), make_mocked_request("GET", "/articles/a1")

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="erased since")

    catalog = defined()
    pages.under(catalog, 1)
    await pages.rendering(request, page)
    assert pages.find("/articles/a1")
    pages.under(catalog, 2)
    assert pages.find("/articles/a1") is None


async def test_pages_stand_in_only_under_the_definitions_they_were_rendered_by(far: tuple[Newsroom, Line]) -> None:
    newsroom, line = far
    reloaded = defined()
    object.__setattr__(newsroom.services, "catalog", lambda: reloaded)
    await line.cut()
    assert (await newsroom.client.get("/")).status == 503
    await line.mend()


async def test_a_database_that_is_away_is_logged_once_and_so_is_its_return(far: tuple[Newsroom, Line]) -> None:
    newsroom, line = far
    with capture_logs() as logged:
        await line.cut()
        for _ in range(50):
            assert (await newsroom.client.get("/api/v1/articles", headers=newsroom.as_("editor"))).status == 503
            assert (await newsroom.client.put("/api/v1/articles/b", json={}, headers=newsroom.as_("editor"))).status
        await line.mend()
        for _ in range(3):
            await newsroom.push("a3")
    told = [(entry["event"], entry["doing"]) for entry in logged if entry["event"].startswith("storage.")]
    assert told == [("storage.failing", "reading"), ("storage.works", "reading")]
    assert not [entry for entry in logged if entry["event"] == "request.failed"]


async def test_readiness_tells_that_the_database_is_away_and_that_it_is_back(
    far: tuple[Newsroom, Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom, line = far
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    assert (await newsroom.get("/readyz"))["parts"]["database"] == "ok"
    await line.cut()
    answer = await newsroom.client.get("/readyz")
    assert (answer.status, (await answer.json())["parts"]["database"]) == (503, "no answer")
    await line.mend()
    assert (await newsroom.get("/readyz"))["parts"]["database"] == "ok"


async def test_readiness_answers_while_the_database_hangs(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    async with AsyncExitStack() as stack:
        for _ in range(SQLITE_READERS):
            await stack.enter_async_context(newsroom.db._reader.connect())
        for _ in range(3):
            answer = await newsroom.client.get("/readyz")
            assert (answer.status, (await answer.json())["parts"]) == (503, {"database": "no answer"})
    assert (await newsroom.client.get("/healthz")).status == 200


@asynccontextmanager
async def full(db: Database) -> AsyncIterator[None]:
    """The database file can grow no more, as on a full disk."""

    def limit(tx: Tx, pages: int) -> None:
        tx.conn.execute(text(f"PRAGMA max_page_count={pages}"))

    await db.write(limit, 1)  # which SQLite takes for as many as there are
    yield
    await db.write(limit, 2**30)


BIG = {"title": "Besar", "body": f"<p>{'kata ' * 100_000}</p>", "topics": ["kopi"]}


async def test_a_full_disk_refuses_pushes_and_nothing_else(newsroom: Newsroom) -> None:
    await newsroom.push("a1")
    async with full(newsroom.db):
        refused = await newsroom.client.put("/api/v1/articles/big", json=BIG, headers=newsroom.as_("editor"))
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        for path in ("/feeds/news.rss", "/feeds/news.json", "/feeds/market.atom", "/", "/api/v1/articles"):
            assert (await newsroom.client.get(path)).status == 200
        private = await newsroom.client.get("/feeds/desk.rss", headers=newsroom.as_("editor"))
        assert private.status == 200
    taken = await newsroom.client.put("/api/v1/articles/big", json=BIG, headers=newsroom.as_("editor"))
    assert taken.status == 201


async def test_readiness_tells_of_commits_that_fail(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    async with full(newsroom.db):
        await newsroom.client.put("/api/v1/articles/big", json=BIG, headers=newsroom.as_("editor"))
        answer = await newsroom.client.get("/readyz")
        assert (answer.status, (await answer.json())["parts"]["database"]) == (503, "commits fail")
    monkeypatch.setattr(health, "COMMIT_SECONDS", 0.0)
    assert (await newsroom.get("/readyz"))["parts"]["database"] == "ok"


async def test_values_that_the_database_refuses_are_no_outage_and_told_each_time(newsroom: Newsroom) -> None:
    def twice(tx: Tx) -> None:
        for _ in range(2):
            tx.conn.execute(text("INSERT INTO cursors (name, seq, subscription) VALUES ('x', 0, 0)"))

    with capture_logs() as logged, pytest.raises(StorageError, match="UNIQUE") as refused:
        await newsroom.db.write(twice)
    assert (logged, told(refused.value)) == ([], False)
    assert (await newsroom.get("/readyz"))["parts"]["database"] == "ok"


async def test_a_large_feed_is_served_where_the_disk_takes_nothing(newsroom: Newsroom, tmp_path: Path) -> None:
    for number in range(3):
        article = {**BIG, "title": f"Besar {number}"}
        await newsroom.client.put(f"/api/v1/articles/big{number}", json=article, headers=newsroom.as_("editor"))
    (tmp_path / "data/cache").write_text("a file where the folder would be")
    with capture_logs() as logged:
        for format_ in ("rss", "atom", "json"):
            answer = await newsroom.client.get(f"/feeds/news.{format_}")
            assert answer.status == 200
            assert len(await answer.read()) > composing.ON_DISK_FROM
    assert [entry["event"] for entry in logged] == ["feed.not_kept"]


def test_a_disk_with_little_room_left_is_full_before_it_is(tmp_path: Path) -> None:
    assert disk(tmp_path) == "ok"
    assert disk(tmp_path, least=2**62) == "full"
    assert disk(tmp_path / "gone") == "cannot be read: No such file or directory"


async def test_a_part_that_says_what_is_wrong_with_it_is_quoted(newsroom: Newsroom) -> None:
    probes = {"deliverer": lambda: "sender stuck for 61 s", "disk": lambda: "ok"}
    object.__setattr__(newsroom.services, "probes", probes)
    answer = await newsroom.client.get("/readyz")
    assert answer.status == 503
    assert (await answer.json())["parts"] == {"database": "ok", "deliverer": "sender stuck for 61 s", "disk": "ok"}
