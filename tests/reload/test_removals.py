"""A folder that vanishes, and an edit that takes away too much: what ran goes on, also after a restart."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from support.deliveries import subscribe
from support.reloading import Running, run_installation, source
from support.service import write_installation

from publisher.app.adopting import Offer, take
from publisher.app.installation import App
from publisher.app.offering import answer
from publisher.app.reloading import Reloader
from publisher.app.versions import Offered
from publisher.catalog import Catalog, gather
from publisher.errors import ConfigErrors, RemovalRefused
from publisher.model import Role, Subscription
from publisher.publish import appearance
from publisher.schedule import Schedule
from publisher.settings import Shared
from publisher.storage.access import keys
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.configuration import offers
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import subscriptions
from publisher.systemd import Manager

SIX = {f"feeds/f{number}.toml": f'title = "F{number}"\n' for number in range(5)}  # and news
NAMES = {"news", "f0", "f1", "f2", "f3", "f4"}
MEANT = Offer("n", wins=True, allowed=lambda refused: True)
UNMEANT = Offer("n", wins=True)


@pytest.fixture
async def running(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """An installation with six feeds, on a fresh database."""
    assert sqlite_url == "sqlite"
    async with run_installation(tmp_path, SIX) as one:
        yield one


def moved_away(home: Path) -> None:
    (home / "feeds").rename(home / "feeds.bak")


def emptied(home: Path) -> None:
    shutil.rmtree(home / "feeds")
    (home / "feeds").mkdir()


def no_folder(home: Path) -> None:
    moved_away(home)
    (home / "feeds").write_text("")


def linked_to_itself(home: Path) -> None:
    moved_away(home)
    (home / "feeds").symlink_to(home / "feeds")


def hidden(home: Path) -> None:
    for path in (home / "feeds").iterdir():
        path.rename(path.with_suffix(".toml.disabled"))


VANISHED = [moved_away, emptied, no_folder, linked_to_itself, hidden]


def remove(home: Path, *names: str) -> None:
    for name in names:
        (home / f"feeds/{name}.toml").unlink()


async def published(app: App) -> set[str]:
    states = await app.db.read(feed_states.states)
    return {name for name, state in states.items() if state.digest}


def problems(logged: list[dict[str, Any]]) -> list[str]:
    return [str(entry.get("problem")) for entry in logged if entry["event"] in ("config.refused", "config.error")]


@pytest.mark.parametrize("vanish", VANISHED)
async def test_a_folder_that_vanishes_is_an_error_and_everything_stays(
    running: Running, vanish: Callable[[Path], None]
) -> None:
    before = running.app.catalog
    vanish(running.app.home)
    for asked in (False, True):
        logged = await running.reload(requested=asked)
        assert logged[-1]["event"] == "config.kept"
        assert len(problems(logged)) == 1
    assert running.app.catalog is before
    assert await published(running.app) == NAMES


async def test_a_whole_configuration_that_vanishes_leaves_what_runs(running: Running) -> None:
    before = running.app.catalog
    (running.app.home / "config").rename(running.app.home / "config.bak")
    moved_away(running.app.home)
    told = problems(await running.reload())
    assert told[0].startswith("is not there; make an installation with")
    assert told[1] == "cannot be read: No such file or directory"
    assert running.app.catalog is before
    assert await published(running.app) == NAMES


@pytest.mark.parametrize("vanish", [moved_away, emptied, hidden])
async def test_no_signal_confirms_an_empty_folder_however_late(
    running: Running, vanish: Callable[[Path], None]
) -> None:
    vanish(running.app.home)
    for _ in range(3):
        (refused, _) = await running.reload()
        assert "publisher apply --force" in refused["problem"]
        assert "SIGHUP" not in refused["problem"]
        running.seconds += 3600
    assert await published(running.app) == NAMES


async def test_a_folder_that_comes_back_is_as_if_nothing_had_been(running: Running) -> None:
    before = running.app.catalog
    moved_away(running.app.home)
    await running.reload(requested=False)
    assert running.reloader.fault is not None
    (running.app.home / "feeds.bak").rename(running.app.home / "feeds")
    assert [entry["event"] for entry in await running.reload(requested=False)] == ["config.unchanged"]
    assert running.reloader.fault is None
    assert running.app.catalog is before


async def test_more_than_half_of_the_feeds_wait_for_a_signal_ten_seconds_after_they_were_told(running: Running) -> None:
    remove(running.app.home, "f0", "f1", "f2", "f3")
    (refused, kept) = await running.reload(requested=False)
    assert (refused["event"], kept["event"]) == ("config.refused", "config.kept")
    assert "4 of 6 feeds would be removed" in refused["problem"]
    running.seconds = 9.9
    await running.reload()
    assert await published(running.app) == NAMES
    running.seconds = 10.0
    logged = await running.reload()
    assert [entry["event"] for entry in logged] == ["config.reloaded", *["feed.removed"] * 4]
    assert await published(running.app) == {"news", "f4"}


async def test_the_watcher_never_confirms_what_was_refused(running: Running) -> None:
    remove(running.app.home, "f0", "f1", "f2", "f3")
    for _ in range(3):
        await running.reload(requested=False)
        running.seconds += 3600
    assert await published(running.app) == NAMES


async def test_a_signal_confirms_nothing_that_was_not_told(running: Running) -> None:
    remove(running.app.home, "f0", "f1", "f2", "f3")
    await running.reload(requested=False)
    running.seconds = 60.0
    remove(running.app.home, "f4")
    assert "5 of 6" in problems(await running.reload())[0]
    assert await published(running.app) == NAMES


async def test_feeds_that_are_removed_one_by_one_are_counted_together(running: Running) -> None:
    for name in ("f0", "f1", "f2"):
        remove(running.app.home, name)
        await running.reload(requested=False)
    assert await published(running.app) == NAMES - {"f0", "f1", "f2"}
    remove(running.app.home, "f3")
    assert "4 of 6 feeds would be removed within ten minutes" in problems(await running.reload(requested=False))[0]


async def test_what_is_applied_by_force_is_taken_whatever_it_removes(running: Running) -> None:
    emptied(running.app.home)
    digest = gather(running.app.home).digest
    assert (await running.reloader.offered(digest, force=False)).result == "refused"
    outcome = await running.reloader.offered(digest, force=True)
    assert outcome.result == "taken"
    assert outcome.lines == ("removed: " + ", ".join(f"feed {name}" for name in sorted(NAMES)),)
    assert await published(running.app) == set()
    assert (await running.reload())[0]["event"] == "config.unchanged"


async def test_what_needs_a_restart_is_told_to_who_applies(running: Running) -> None:
    settings = (running.app.home / "config/publisher.toml").read_text()
    running.write("config/publisher.toml", settings.replace("port = 0", "port = 8099"))
    outcome = await running.reloader.offered(gather(running.app.home).digest, force=False)
    assert (outcome.result, outcome.lines) == ("taken", ("needs a restart: server.port",))


async def test_files_that_were_edited_since_they_were_offered_are_not_taken(running: Running) -> None:
    digest = gather(running.app.home).digest
    running.write("feeds/more.toml", 'title = "More"\n')
    outcome = await running.reloader.offered(digest, force=True)
    assert (outcome.result, "more" in running.app.catalog.feeds) == ("refused", False)


async def test_a_file_of_sources_that_was_emptied_is_no_edit(running: Running) -> None:
    running.write("config/sources.toml", "")
    assert "config/sources.toml is empty" in problems(await running.reload())[0]
    assert [one.name for one in running.app.catalog.sources] == ["desk", "market"]


async def test_the_loop_turns_while_a_thousand_feeds_are_read(running: Running) -> None:
    for number in range(1000):
        running.write(f"feeds/g{number}.toml", f'title = "G{number}"\n')
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    await running.reload()
    turning.cancel()
    # Read on the loop itself, it would turn for each statement of the transaction and no more.
    assert turns > 500
    assert len(running.app.catalog.feeds) == 1006


# --- Starts


@pytest.fixture
async def home(database_url: str, tmp_path: Path) -> Path:
    """An installation with six feeds that has run before."""
    home = write_installation(tmp_path, {"config/sources.toml": source("desk"), **SIX})
    if database_url != "sqlite":
        settings = (home / "config/publisher.toml").read_text()
        (home / "config/publisher.toml").write_text(f'{settings}\n[storage]\nurl = "{database_url}"\n')
    await (await App.open(home)).close()
    return home


async def opened(home: Path) -> tuple[Catalog, set[str], list[dict[str, Any]], object]:
    """What an installation goes by after a start, what is published, what was logged, and why."""
    with capture_logs() as logged:
        app = await App.open(home)
    try:
        return app.catalog, await published(app), [dict(one) for one in logged], app.in_force.instead_of
    finally:
        await app.close()


@pytest.mark.parametrize("vanish", VANISHED)
async def test_a_start_without_the_folder_goes_on_with_what_was_taken_last(
    home: Path, vanish: Callable[[Path], None]
) -> None:
    before = (await opened(home))[0]
    vanish(home)
    for _ in range(2):
        catalog, live, logged, reason = await opened(home)
        assert catalog == before
        assert live == NAMES
        assert logged[-1]["event"] == "config.kept"
        assert reason is not None


@pytest.mark.parametrize("lost", ["config/sources.toml", "config/profiles"])
async def test_a_start_without_a_part_of_the_configuration_goes_on_with_what_was_taken_last(
    home: Path, lost: str
) -> None:
    (home / "config/profiles").mkdir()
    profile = 'kind = "html"\nbase_url = "https://a.example"\nlocale = "id"\ntimezone = "UTC"\nlanguage = "id"\n'
    (home / "config/profiles/mine.toml").write_text(f'{profile}[article]\ntitle = "h1"\nbody.select = "article"\n')
    (home / "config/sources.toml").write_text(
        '[[source]]\nname = "a"\nkind = "folder"\nnodes = ["*"]\npath = "in"\nprofile = "mine"\n'
    )
    before = (await opened(home))[0]
    (home / lost).rename(home / "aside")
    catalog, _, logged, _ = await opened(home)
    assert catalog == before
    assert [entry["event"] for entry in logged] == ["config.error", "config.kept"]


async def test_a_start_with_half_of_the_feeds_gone_removes_none(home: Path) -> None:
    remove(home, "f0", "f1", "f2", "f3")
    catalog, live, logged, reason = await opened(home)
    assert set(catalog.feeds) == live == NAMES
    assert isinstance(reason, RemovalRefused)
    assert "4 of 6" in problems(logged)[0]


@asynccontextmanager
async def reloading(home: Path, monotonic: Callable[[], float]) -> AsyncIterator[tuple[App, Reloader]]:
    """Another process of the installation, without its timetable."""

    async def never(name: str, due: bool) -> bool:
        raise AssertionError(name)

    app = await App.open(home)
    schedule = Schedule(never, app.db, app.timetable)
    schedule.start({}, {})
    try:
        yield app, Reloader(app, schedule, Manager(None), "Answers", monotonic=monotonic)
    finally:
        await schedule.stop()
        await app.close()


async def test_a_removal_that_was_refused_at_the_start_is_confirmed_by_a_signal_ten_seconds_later(home: Path) -> None:
    remove(home, "f0", "f1", "f2", "f3")
    seconds = [100.0]
    async with reloading(home, lambda: seconds[0]) as (app, reloader):
        assert reloader.shown().startswith("Answers; goes on with the last good configuration: 4 of 6 feeds")
        seconds[0] = 109.9
        assert await reloader.reload(requested=True) != "Answers"
        seconds[0] = 110.0
        assert await reloader.reload(requested=True) == "Answers"
        assert await published(app) == {"news", "f4"}


async def test_what_one_process_took_by_force_the_others_take_unasked(home: Path) -> None:
    async with reloading(home, lambda: 0.0) as (one, forced), reloading(home, lambda: 0.0) as (other, follower):
        remove(home, "f0", "f1", "f2", "f3")
        assert await follower.reload(requested=False) != "Answers"
        await answer(other, follower, "other")
        assert not follower.wanted
        assert (await forced.offered(gather(home).digest, force=True)).result == "taken"
        await answer(other, follower, "other")
        assert follower.wanted
        assert await follower.reload(requested=False) == "Answers"
        assert set(one.catalog.feeds) == set(other.catalog.feeds) == {"news", "f4"}
        await answer(other, follower, "other")
        assert one.in_force.number == other.in_force.number


async def test_a_service_answers_what_it_is_asked_once_and_nothing_that_was_withdrawn(home: Path) -> None:
    async with reloading(home, lambda: 0.0) as (app, reloader):
        for id_ in ("a", "b"):
            asked = {"service": "this", "digest": gather(home).digest, "force": False}
            await app.db.write(offers.make, id_, **asked)
        assert await app.db.write(offers.withdraw, "b") is None
        await answer(app, reloader, "another")
        assert await app.db.read(offers.answered, "a") is None
        await answer(app, reloader, "this")
        assert await app.db.read(offers.answered, "a") == {"result": "unchanged", "lines": []}
        assert await app.db.read(offers.answered, "b") is None
        assert await app.db.read(offers.waiting, "this") == []
        await app.db.write(offers.answer, "a", {"result": "taken", "lines": []})  # another process of the service
        assert await app.db.read(offers.answered, "a") == {"result": "unchanged", "lines": []}


def written_by_an_older_publisher(tx: Tx) -> Subscription:
    """A webhook whose owner has no key any more and whose feed is gone: nothing of definitions is kept."""
    tx.conn.execute(text("DELETE FROM definitions"))
    key, _ = keys.create(tx, Role.SUBSCRIBER, "acme")
    made = subscribe(tx, "gone", owner="acme", granted=None)
    keys.revoke(tx, key.id)
    return made


async def test_the_first_start_after_an_upgrade_judges_every_webhook_before_anything_is_served(home: Path) -> None:
    app = await App.open(home)
    made = await app.db.write(written_by_an_older_publisher)
    await app.close()
    app = await App.open(home)
    try:
        found = await app.db.read(subscriptions.get, made.id)
        assert found is not None
        assert found.reason == subscriptions.NO_KEY
    finally:
        await app.close()


async def test_what_is_kept_is_published_as_this_release_reads_it(home: Path) -> None:
    app = await App.open(home)
    await app.db.write(run_sql, "UPDATE feed_states SET digest = 'of another release' WHERE name = 'f0'")
    await app.close()
    moved_away(home)
    app = await App.open(home)
    try:
        looks = appearance(app.catalog.feeds["f0"], app.site)
        assert (await app.db.read(feed_states.states))["f0"].digest == looks
        assert (await app.publications.current("f0", "json")).body
    finally:
        await app.close()


async def test_a_start_with_a_fault_in_a_file_fails(home: Path) -> None:
    (home / "feeds/f0.toml").write_text("title = ")
    with pytest.raises(ConfigErrors, match=r"feeds/f0\.toml:1"):
        await App.open(home)


async def test_a_first_start_takes_what_is_there(home: Path, tmp_path: Path) -> None:
    new = write_installation(tmp_path / "new", {})
    shutil.rmtree(new / "feeds")
    assert await opened(new) == (Catalog((), {}, (await opened(home))[0].indicators), set(), [], None)


async def test_an_installation_of_an_earlier_release_is_guarded_by_what_it_publishes(home: Path) -> None:
    app = await App.open(home)
    await app.db.write(run_sql, "DELETE FROM definitions")
    await app.close()
    moved_away(home)
    with pytest.raises(RemovalRefused, match="feeds is not there, and 6 are in force"):
        await App.open(home)
    (home / "feeds.bak").rename(home / "feeds")
    assert (await opened(home))[1] == NAMES


async def test_what_another_process_took_needs_no_second_permission(home: Path) -> None:
    app = await App.open(home)
    try:
        remove(home, "f0", "f1", "f2", "f3")
        offered = Offered.of(gather(home), Shared())
        with pytest.raises(RemovalRefused):
            await app.db.write(take, offered, UNMEANT)
        taken = await app.db.write(take, offered, MEANT)
        assert taken.removed == ["f0", "f1", "f2", "f3"]
        again = await app.db.write(take, offered, UNMEANT)
        assert (again.number, again.removed) == (taken.number, [])
    finally:
        await app.close()
    assert (await opened(home))[1] == {"news", "f4"}


def run_sql(tx: Tx, statement: str) -> None:
    tx.conn.execute(text(statement))
