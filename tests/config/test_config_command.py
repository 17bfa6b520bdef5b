"""``publisher config``: the versions of the definitions, and what differs between them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text
from support.commands import Publisher, runner
from support.nodes import feed, folder

from publisher.app.installation import App
from publisher.storage.engine.database import Tx


@pytest.fixture
def publisher(capfd: pytest.CaptureFixture[str]) -> Publisher:
    return runner(capfd)


@pytest.fixture
def home(tmp_path: Path, sqlite_url: str, publisher: Publisher) -> Path:
    """An installation of three versions: at first, with a feed, and with another title."""
    home = folder(tmp_path, sqlite_url)
    (home / "config/sources.toml").write_text('[[source]]\nname = "desk"\nkind = "folder"\npath = "in"\n')
    assert publisher("apply", "--home", home).code == 0
    feed(home, "sport")
    assert publisher("apply", "--home", home).code == 0
    path = home / "config/publisher.toml"
    path.write_text(path.read_text().replace("Meja Uji", "Meja Baru"))
    assert publisher("apply", "--home", home).code == 0
    return home


def test_the_history_tells_who_applied_what_when_and_which_is_in_force(home: Path, publisher: Publisher) -> None:
    rows = publisher("config", "history", "--home", home).rows
    assert [row[0] for row in rows] == ["3", "2", "1"]
    assert [row[1] for row in rows] == ["in force", "", ""]
    assert rows[0][4] == "changed: setting site.title"
    assert rows[1][4] == "added: feed sport"
    assert rows[2][4].startswith("added: feed news, setting delivery.schedule")
    assert rows[2][4].endswith("source desk")
    assert len(publisher("config", "history", "--limit", "2", "--home", home).rows) == 2


def test_the_history_as_json_names_changes_by_their_kind(home: Path, publisher: Publisher) -> None:
    found = json.loads(publisher("config", "history", "--json", "--home", home).out)
    assert [(one["number"], one["current"], one["changes"]) for one in found[:2]] == [
        (3, True, {"changed": ["setting site.title"]}),
        (2, False, {"added": ["feed sport"]}),
    ]
    assert found[0]["needs"] == "0.1.0"
    assert len({one["digest"] for one in found}) == 3


def test_a_diff_is_of_what_is_in_force_and_the_files_here_also_where_they_are_broken(
    home: Path, publisher: Publisher
) -> None:
    assert publisher("config", "diff", "--home", home).out == ""
    (home / "feeds/sport.toml").write_text('title = "Olahraga\n')
    lines = publisher("config", "diff", "--home", home).out.splitlines()
    assert lines[:2] == ["--- feeds/sport.toml (version 3, in force)", "+++ feeds/sport.toml (files here)"]
    assert lines[-2:] == ['-title = "sport"', '+title = "Olahraga']


def test_a_diff_is_of_versions_by_their_numbers(home: Path, publisher: Publisher) -> None:
    one = publisher("config", "diff", "2", "--home", home).out.splitlines()
    assert [line for line in one if line[0] in "+-"][2:] == ['-site.title = "Meja Uji"', '+site.title = "Meja Baru"']
    other = publisher("config", "diff", "2", "1", "--home", home).out.splitlines()
    assert other[:2] == ["--- feeds/sport.toml (version 2)", "+++ /dev/null"]
    missing = publisher("config", "diff", "9", "--home", home)
    assert (missing.code, missing.err) == (
        1, "publisher: there is no version 9; publisher config history lists them\n",
    )  # fmt: skip


async def forgotten(home: Path) -> None:
    def forget(tx: Tx) -> None:
        tx.conn.execute(text("UPDATE definitions SET files = '', standing = '{}' WHERE number = 1"))

    app = await App.open(home)
    try:
        await app.db.write(forget)
    finally:
        await app.close()


def test_of_a_version_whose_texts_are_gone_it_is_told_who_applied_it(home: Path, publisher: Publisher) -> None:
    asyncio.run(forgotten(home))
    rows = publisher("config", "history", "--home", home).rows
    assert [row[4] for row in rows] == [
        "changed: setting site.title", "texts are kept no more", "texts are kept no more",
    ]  # fmt: skip
    assert "texts are kept no more" in publisher("config", "diff", "1", "--home", home).err


def test_on_postgresql_what_is_listed_is_what_is_in_force(
    tmp_path: Path, postgres_url: str, publisher: Publisher
) -> None:
    home = folder(tmp_path, postgres_url)
    assert publisher("apply", "--home", home).code == 0
    feed(home, "sport")
    (home / "config/sources.toml").write_text(
        '[[source]]\nname = "desk"\nkind = "folder"\npath = "in"\nnodes = ["*"]\n'
    )
    assert [row[0] for row in publisher("feeds", "list", "--home", home).rows] == ["news"]
    assert publisher("sources", "--home", home).rows == []
    assert "nothing is wrong" in publisher("check", "--home", home).out
    assert publisher("apply", "--home", home).code == 0
    assert [row[0] for row in publisher("feeds", "list", "--home", home).rows] == ["news", "sport"]
    assert [row[0] for row in publisher("sources", "--home", home).rows] == ["desk"]
    (newest, _) = json.loads(publisher("config", "history", "--json", "--home", home).out)
    assert (newest["needs"], newest["changes"]) == ("0.2.0", {"added": ["feed sport", "source desk"]})


def test_a_diff_is_one_that_patch_undoes_whatever_the_ends_of_lines(home: Path, publisher: Publisher) -> None:
    (home / "feeds/sport.toml").write_bytes(b'title = "sport"')
    (home / "feeds/news.toml").unlink()
    feed(home, "culture")
    found = publisher("config", "diff", "--home", home).out
    assert "\\ No newline at end of file" in found.splitlines()
    command = ["patch", "--reverse", "--strip=0", "--directory", str(home)]
    subprocess.run(command, input=found, text=True, check=True, capture_output=True)
    assert publisher("config", "diff", "--home", home).out == ""
    assert publisher("apply", "--home", home).out.startswith("unchanged")
    (home / "feeds/sport.toml").write_bytes(b'title = "sport"\r\n')
    assert '+title = "sport"' in publisher("config", "diff", "--home", home).out.splitlines()
