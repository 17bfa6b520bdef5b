"""What another process erased is gone from the documents of this one too, in memory and on its own disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from publish.newsroom import Newsroom
from support.service import write_installation

from publisher.app.installation import App
from publisher.ingest import Definitions, Intake
from publisher.maintenance import Parts, erasures, jobs
from publisher.maintenance.heartbeat import Heartbeat
from publisher.model import FeedDefinition
from publisher.model.node import ROLES, Node
from publisher.storage.engine.database import Database

WORD = "Zamrudkhatulistiwa"
NEWS = FeedDefinition(name="news", title="Berita")


def files_with(folder: Path, word: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


async def test_an_article_that_another_process_erased_is_left_in_no_document_here(
    open_database: Callable[[], Awaitable[Database]], tmp_path: Path
) -> None:
    there = await Newsroom(await open_database(), tmp_path / "there", NEWS).open()
    here = Newsroom(await open_database(), tmp_path / "here", NEWS)
    await there.take("a1", body=f"<p>{WORD} {'kopi ' * 240_000}</p>")
    await there.withdraw("a1")  # so that erasing it changes no feed
    await there.take("a2")
    await here.db.refresh()
    await here.publications.current("news", "rss")
    stored = tmp_path / "here" / "cache" / f"news.rss.{'0' * 32}"  # the version before, as it is kept for a while
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text(WORD)
    definitions = Definitions(lambda: there.feeds, frozenset, dict, lambda: "UTC")
    await Intake(there.db, definitions).erase("a1")

    await erasures.forget(here.publications)
    assert files_with(tmp_path / "here", WORD) != []
    await here.db.refresh()
    await erasures.forget(here.publications)
    assert files_with(tmp_path / "here", WORD) == []


@pytest.mark.parametrize("role", ROLES)
async def test_every_process_wipes_what_it_erased_and_those_that_answer_forget_documents(
    role: str, tmp_path: Path
) -> None:
    app = await App.open(write_installation(tmp_path, {}))
    try:
        heartbeat = Heartbeat(app.db, lambda: Node("1", "a", (role,), 1, "1"))
        parts = Parts(app.db, app.intake, app.publications, app.deliverer.wake, heartbeat)
        names = {job.name for job in jobs(parts, (role,))}
        assert ("wipe" in names, "documents" in names) == (True, role == "web")
    finally:
        await app.close()
