import asyncio
import stat
from pathlib import Path

import pytest
from support.items import an_event, article_change

from publisher.errors import Conflict, NotFound, StorageError
from publisher.storage import articles, events
from publisher.storage.backup import snapshot
from publisher.storage.database import Database, Tx
from publisher.storage.record import record


def restored(copy: Path, folder: Path) -> Path:
    folder.mkdir()
    copy.rename(folder / "publisher.db")
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_copy_taken_while_others_write_is_whole_and_of_one_moment(sqlite_db: Database, tmp_path: Path) -> None:
    def add(tx: Tx, number: int) -> None:
        record(tx, articles=[article_change(f"a{number}")], events=[an_event(subject=f"a{number}")])

    for number in range(20):
        await sqlite_db.write(add, number)
    copying = asyncio.create_task(asyncio.to_thread(snapshot, tmp_path / "data" / "publisher.db", tmp_path / "copy"))
    number = 20
    while not copying.done():
        await sqlite_db.write(add, number)
        number += 1
    size = await copying

    assert size > 0
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    assert names(tmp_path) == ["copy", "data"]
    copy = await Database.open("sqlite", restored(tmp_path / "copy", tmp_path / "restored"))
    try:
        last = await copy.read(events.last_seq)
        assert last >= 20
        assert [event.seq for event in await copy.read(events.after, 0, 10_000)] == list(range(1, last + 1))
        assert await copy.read(articles.count) == last
        assert await copy.write(events.append, [an_event()])
    finally:
        await copy.close()


async def test_a_copy_never_takes_the_place_of_a_file(sqlite_db: Database, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep me")

    with pytest.raises(Conflict, match="there already"):
        snapshot(tmp_path / "data" / "publisher.db", target)

    assert target.read_text() == "keep me"


def test_without_a_database_there_is_nothing_to_copy(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no database"):
        snapshot(tmp_path / "publisher.db", tmp_path / "copy")

    assert names(tmp_path) == []


def test_what_is_no_database_leaves_no_copy(tmp_path: Path) -> None:
    (tmp_path / "publisher.db").write_bytes(b"something else" * 1000)

    with pytest.raises(StorageError, match="cannot copy"):
        snapshot(tmp_path / "publisher.db", tmp_path / "copy")

    assert names(tmp_path) == ["publisher.db"]
