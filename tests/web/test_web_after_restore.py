"""A restored backup gives numbers out anew: nobody takes what they number now for what they numbered before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.clock import ManualClock
from webroom import Newsroom, open_newsroom

from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database
from publisher.storage.transfer import backup

FEED = "/feeds/news.rss"


@asynccontextmanager
async def running(data: Path, clock: ManualClock) -> AsyncIterator[Newsroom]:
    """The service over the database in this folder, as it is after a start."""
    db = await Database.open("sqlite", data, now=clock)
    try:
        async with open_newsroom(db, data, clock) as newsroom:
            yield newsroom
    finally:
        await db.close()


async def version(newsroom: Newsroom) -> int:
    state = await newsroom.db.read(feeds.state, "news")
    assert state is not None
    return state.version


async def test_who_read_on_after_the_backup_is_told_and_no_cache_holds_for_what_came_since(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    data, file = tmp_path / "data", tmp_path / "night.tar"
    async with running(data, clock) as newsroom:
        await newsroom.push("kept")
        backup.backup(data / "publisher.db", data, file, now=clock(), publisher="1.0")
        await newsroom.push("lost-1")
        await newsroom.push("lost-2")
        place = (await newsroom.get("/api/v1/events"))["next"]
        tags = {name: (await newsroom.client.get(FEED)).headers[name] for name in ("ETag", "Last-Modified")}
        before = await version(newsroom)
    backup.restore(file, data / "publisher.db", data, now=clock())

    async with running(data, clock) as newsroom:
        await newsroom.push("other")
        assert await version(newsroom) == before
        gone = await newsroom.client.get(f"/api/v1/events?after={place}")
        told = await gone.json()
        assert (gone.status, told["code"]) == (410, "log-reset")
        page = await newsroom.get(f"/api/v1/events?after={told['begin']}")
        assert [(event["seq"], event["data"]["id"]) for event in page["events"]] == [(2, "other")]

        again = await newsroom.client.get(FEED, headers={"If-None-Match": tags["ETag"]})
        assert (again.status, again.headers["Last-Modified"]) == (200, tags["Last-Modified"])
        assert again.headers["ETag"] != tags["ETag"]
        assert "Judul other" in await again.text()
