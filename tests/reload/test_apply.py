"""``publisher apply``: the running service takes the files and tells; without one, the next start takes them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from support import preloaded
from support.service import ROOT, Service, migrated, publisher, serving, write_installation

from publisher.app.offering import LOCK_FILE, present, running

FEEDS = {f"feeds/f{number}.toml": f'title = "F{number}"\n' for number in range(5)}  # and news


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return migrated(write_installation(tmp_path / "home", FEEDS))


@pytest.fixture
async def service(home: Path) -> AsyncIterator[Service]:
    async with serving(home) as one:
        yield one


async def apply(home: Path, *options: str, code: int) -> tuple[str, str]:
    """What it prints on standard output and on standard error."""
    arguments = ("apply", "--home", str(home), *options)
    process = await preloaded.start(arguments, cwd=ROOT, env=os.environ, output=True)
    out, err = await process.communicate()
    assert process.returncode == code, err.decode()
    return out.decode(), err.decode()


async def status(service: Service, path: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{service.url}{path}") as answer:
        return answer.status


async def readiness(service: Service) -> dict[str, object]:
    async with aiohttp.ClientSession() as session, session.get(f"{service.url}/readyz") as answer:
        assert answer.status == 200
        return dict(await answer.json())


async def test_a_moved_folder_is_no_end_to_any_feed_also_after_a_restart_until_it_is_forced(
    service: Service, home: Path
) -> None:
    (home / "feeds").rename(home / "feeds.bak")
    await service.logged("config.refused")
    for _ in range(2):
        assert await status(service, "/feeds/f0.rss") == 200
        assert "configuration" in (await readiness(service))["notes"]  # type: ignore[operator]
        _, err = await apply(home, code=1)
        assert err.startswith("refused: feeds is not there, and 6 are in force")
        await service.stop()
        await service.start()
    out, _ = await apply(home, "--force", code=0)
    assert out.splitlines()[0] == "taken by the running service"
    assert await status(service, "/feeds/f0.rss") == 410
    assert "notes" not in await readiness(service)


async def test_what_is_wrong_in_the_files_is_told_before_the_service_is_asked(service: Service, home: Path) -> None:
    (home / "feeds/f0.toml").write_text('titel = "F"\n')
    (home / "config/publisher.toml").write_text("[server]\nport = 99999\n")
    _, err = await apply(home, "--force", code=2)
    assert [line.partition(": ")[0] for line in err.splitlines()] == [
        "config/publisher.toml:2", "feeds/f0.toml", "feeds/f0.toml:1",
    ]  # fmt: skip


async def test_what_the_service_cannot_go_by_is_told_by_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text(
        "from publisher.sources.base import Source\n\n\nclass Kind(Source):\n"
        "    kind = 'own'\n\n    def __init__(self, *args):\n        raise RuntimeError('no key for it')\n\n"
        "    async def read(self, bookmark): ...\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with serving(home) as service:
        (home / "config/sources.toml").write_text('[[source]]\nname = "a"\nkind = "own:Kind"\n')
        assert (await apply(home, code=1))[1] == "failed: no key for it\n"
        assert await status(service, "/feeds/f0.rss") == 200


async def test_files_that_are_in_force_are_unchanged(service: Service, home: Path) -> None:
    assert (await apply(home, code=0))[0] == "unchanged: these files are in force already\n"


async def test_without_a_service_the_next_start_goes_by_what_was_applied(home: Path) -> None:
    assert "taken for the next start" in (await apply(home, code=0))[0]
    (home / "feeds").rename(home / "feeds.bak")
    assert "feeds is not there" in (await apply(home, code=1))[1]
    assert "removed: feed f0" in (await apply(home, "--force", code=0))[0]
    async with serving(home) as service:
        assert await status(service, "/feeds/f0.rss") == 410


async def test_a_start_that_can_go_on_with_nothing_waits_for_the_operator(home: Path) -> None:
    await publisher("feeds", "show", "news", "--home", str(home))
    with closing(sqlite3.connect(home / "data/publisher.db")) as database, database:
        database.execute("DELETE FROM definitions")
    (home / "feeds").rename(home / "feeds.bak")
    await publisher("run", "--home", str(home), code=2)


async def test_no_other_command_removes_the_feeds_of_a_folder_that_is_gone(service: Service, home: Path) -> None:
    (home / "feeds").rename(home / "feeds.bak")
    await publisher("load", "--home", str(home))
    assert await status(service, "/feeds/f0.rss") == 200


def test_a_service_is_known_as_long_as_a_process_of_it_runs(tmp_path: Path) -> None:
    assert running(tmp_path) is None
    with present(tmp_path) as one:
        with present(tmp_path) as other:
            assert one == other == running(tmp_path) != ""
        assert running(tmp_path) == one
    assert running(tmp_path) is None
    assert (tmp_path / LOCK_FILE).stat().st_mode & 0o777 == 0o600
    with present(tmp_path) as again:
        assert again == one


def test_a_copied_folder_is_another_service_also_beside_the_first(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with present(tmp_path / "a") as one:
        shutil.copytree(tmp_path / "a", tmp_path / "b")
        assert running(tmp_path / "b") is None
        with present(tmp_path / "b") as other:
            assert one == running(tmp_path / "a") != other == running(tmp_path / "b") != ""
