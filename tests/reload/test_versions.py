"""One configuration for several machines: whose files are taken, who adopts them, and what a node does that cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs
from support.deliveries import subscribe
from support.nodes import Node, container, feed, folder, node
from support.receiver import receiving

from publisher.app import noting
from publisher.app.installation import App
from publisher.app.offering import answer, apply
from publisher.app.versions import digest_of
from publisher.catalog import gather
from publisher.catalog.edits import Seen
from publisher.delivery.followers.fanout import FanOut
from publisher.delivery.signing import new_secret
from publisher.errors import ConfigErrors, EditRefused, LimitReached, NotAdopted
from publisher.model import Article, Key, Role
from publisher.model.change import Outcome
from publisher.model.observed import ObservedArticle
from publisher.settings import load as load_settings
from publisher.storage.configuration import definitions
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.web.http.response import Problem

NEWER = "9.0.0"


def article(id_: str) -> ObservedArticle:
    return ObservedArticle(Article(id=id_, title=f"Judul {id_}", body="<p>Isi.</p>"), id_, "push")


async def digests(app: App) -> list[str]:
    """Of all versions, the first one first."""
    return [one.digest for one in reversed(await app.db.read(definitions.history, 100))]


async def shown(app: App, name: str) -> set[str]:
    """The titles in a feed."""
    body = (await app.publications.current(name, "json")).body
    assert isinstance(body, bytes)
    return {item["title"] for item in orjson.loads(body)["items"]}


async def logged(app: App) -> list[str]:
    """What is in the log, in order: the items' ids."""
    return [one.subject for one in await app.db.read(events.after, 0, 1000)]


@pytest.fixture
def north(postgres_url: str, tmp_path: Path) -> Path:
    """The folder of the first node; its only feed is ``news``."""
    return folder(tmp_path / "north", postgres_url)


@pytest.fixture
async def running(north: Path) -> AsyncIterator[Node]:
    async with node(north) as one:
        yield one


@pytest.fixture
def south(running: Node, north: Path, postgres_url: str, tmp_path: Path) -> Path:
    """The folder of a second node, which has not started yet, with the files that made version 1."""
    return container(tmp_path / "south", postgres_url, north)


async def test_an_undo_is_an_edit_and_so_is_a_rollback_over_several_versions(running: Node, north: Path) -> None:
    feed(north, "sport")
    assert await running.noticed() is None
    feed(north, "culture")
    assert await running.noticed() is None
    (north / "feeds/culture.toml").unlink()
    assert await running.noticed() is None
    (north / "feeds/sport.toml").unlink()
    assert await running.noticed() is None

    first, second, third, fourth, fifth = await digests(running.app)
    assert (first, second) == (fifth, fourth)
    assert len({first, second, third}) == 3
    assert running.feeds == {"news"}
    assert running.app.in_force.number == 5


async def test_a_fresh_container_with_files_of_yesterday_goes_by_what_is_in_force(
    running: Node, north: Path, south: Path
) -> None:
    feed(north, "sport")
    await running.noticed()
    with capture_logs() as told:
        async with node(south) as other:
            assert other.feeds == {"news", "sport"}
    assert [one["version"] for one in told if one["event"] == "config.passed_over"] == [2]
    (south / "data" / noting.FILE).unlink()
    async with node(south) as other:
        assert other.feeds == {"news", "sport"}
        assert other.app.in_force.number == 2
        assert (await other.apply()).result == "refused"  # and says so to who applies them as they are
        assert await other.noticed() is None
        assert (await other.apply(force=True)).result == "taken"
        assert other.app.in_force.number == 3
        await running.app.catch_up()
        assert running.feeds == other.feeds == {"news"}
    assert (south / "data" / noting.FILE).stat().st_mode & 0o777 == 0o600


async def test_a_fresh_container_with_files_that_were_never_in_force_offers_them(running: Node, south: Path) -> None:
    feed(south, "sport")
    with capture_logs() as told:
        async with node(south) as other:
            assert other.app.in_force.number == 2
    assert not [one for one in told if one["event"] == "config.passed_over"]
    async with node(south) as other:
        assert other.app.in_force.number == 2
        await answer(running.app, running.reloader, "")
        assert running.feeds == other.feeds == {"news", "sport"}


@pytest.mark.parametrize("left", [None, "", "garbage", '{"digest": 1}'])
async def test_a_node_that_runs_and_lost_its_note_is_no_new_one_whose_files_take_away_what_others_brought(
    running: Node, south: Path, left: str | None
) -> None:
    async with node(south) as other:
        feed(running.app.home, "coffee")
        assert (await running.apply()).result == "taken"
        await other.app.catch_up()
        note = south / "data" / noting.FILE
        note.unlink() if left is None else note.write_text(left)
        feed(south, "tea")
        assert "version 2 was applied" in str(await other.noticed())
        assert "coffee" in other.feeds


async def test_an_edit_is_refused_where_another_version_came_between_until_it_is_forced(
    running: Node, north: Path, south: Path
) -> None:
    async with node(south) as other:
        feed(north, "sport")
        await running.noticed()
        feed(south, "culture")
        for _ in range(2):
            fault = await other.noticed()
            assert fault is not None
            assert f"version 2 was applied by {running.app.node} at" in fault
        assert (await other.apply()).result == "refused"
        assert await digests(running.app) == (await digests(running.app))[:2]
    async with node(south) as other:  # and a restart does not forget it
        assert other.feeds == {"news", "sport"}
        assert isinstance(other.app.in_force.instead_of, EditRefused)
        assert other.reloader.fault is not None
        assert (await other.apply(force=True)).result == "taken"
        assert other.reloader.fault is None
        assert other.feeds == {"news", "culture"}


async def test_files_that_are_made_equal_to_what_is_in_force_are_agreed_upon_and_may_be_edited_again(
    running: Node, north: Path, south: Path
) -> None:
    async with node(south) as other:
        feed(north, "sport")
        await running.noticed()
        feed(south, "sport", "another")
        assert await other.noticed() is not None
        feed(south, "sport")
        assert await other.noticed() is None
        feed(south, "culture")
        assert await other.noticed() is None
        assert other.app.in_force.number == 3


async def test_without_a_service_apply_goes_by_the_same_rules(running: Node, north: Path, south: Path) -> None:
    feed(north, "sport")
    await running.noticed()
    outcome, by_service = await apply(south, force=False)
    assert (outcome.result, by_service) == ("refused", False)
    assert "version 2 is in force" in outcome.lines[0]
    assert (await apply(south, force=True))[0].result == "taken"
    assert (await apply(south, force=False))[0].result == "unchanged"
    feed(north, "culture")
    assert (await apply(north, force=False))[0].result == "refused"


async def test_half_edited_files_fail_a_start_only_where_they_would_be_offered(
    running: Node, north: Path, south: Path
) -> None:
    (south / "feeds/news.toml").write_text('titel = "N"\n')
    with pytest.raises(ConfigErrors, match="titel"):
        async with node(south):
            pass
    digest = digest_of(gather(south), load_settings(south).shared)
    noting.write(south, Seen(digest, 1))
    async with node(south) as other:
        assert other.app.in_force.number == 1
    noting.write(south, Seen("of an earlier edit", 1))
    with pytest.raises(ConfigErrors, match="titel"):
        async with node(south):
            pass
    feed(north, "sport")
    await running.noticed()
    async with node(south) as other:
        assert other.feeds == {"news", "sport"}
        assert isinstance(other.app.in_force.instead_of, EditRefused)


async def test_half_edited_files_are_never_offered_by_a_reload(running: Node, north: Path) -> None:
    (north / "feeds/news.toml").write_text('titel = "N"\n')
    fault = await running.noticed()
    assert fault is not None
    assert fault.startswith("feeds/news.toml: title")
    assert len(await digests(running.app)) == 1


async def test_commands_go_by_what_is_in_force_and_on_sqlite_by_the_files(
    north: Path, tmp_path: Path, sqlite_url: str
) -> None:
    for home, feeds in ((north, {"news"}), (folder(tmp_path, sqlite_url), {"news", "sport"})):
        await (await App.open(home, offers=False)).close()  # the first command of all makes version 1
        feed(home, "sport")
        app = await App.open(home, offers=False)
        try:
            assert set(app.catalog.feeds) == feeds
            assert len(await digests(app)) == len(feeds)
        finally:
            await app.close()


# --- Adopting


@pytest.fixture
async def pair(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    """Two processes; on SQLite they are of one folder."""
    home = folder(tmp_path, database_url)
    async with node(home) as one:
        other = home if database_url == "sqlite" else container(tmp_path / "other", database_url, home)
        async with node(other) as two:
            yield one, two


async def test_what_a_node_with_older_definitions_records_is_in_the_new_feed(pair: tuple[Node, Node]) -> None:
    one, other = pair
    await other.app.intake.push_article(article("before"))
    feed(one.app.home, "all")
    await one.noticed()
    assert other.feeds == {"news"}

    version = await one.app.publications.version("all")
    assert (await other.app.intake.push_article(article("after")))[0] is Outcome.NEW
    await other.app.intake.withdraw("before")
    assert other.feeds == {"news", "all"}
    await one.app.db.refresh()
    assert (await one.app.publications.version("all")).etag != version.etag
    assert await shown(one.app, "all") == {"Judul after"}
    assert await logged(one.app) == ["before", "after", "before"]


async def test_pushes_while_a_node_adopts_are_each_recorded_once_and_shown_by_every_feed(
    pair: tuple[Node, Node],
) -> None:
    one, other = pair
    feed(one.app.home, "all")
    pushes = [other.app.intake.push_article(article(f"a{number}")) for number in range(20)]
    await asyncio.gather(one.noticed(), *pushes)
    assert sorted(await logged(one.app)) == sorted(f"a{number}" for number in range(20))
    await one.app.db.refresh()
    states = {name: (await one.app.publications.version(name)).etag for name in ("all", "news")}
    assert await shown(one.app, "all") == {f"Judul a{number}" for number in range(20)}
    await other.app.intake.push_article(article("last"))
    await one.app.db.refresh()
    for name, etag in states.items():
        assert (await one.app.publications.version(name)).etag != etag


async def test_a_process_that_is_idle_adopts_too(pair: tuple[Node, Node]) -> None:
    one, other = pair
    feed(one.app.home, "all")
    await one.noticed()
    with capture_logs() as said:
        await answer(other.app, other.reloader, "")
    assert other.feeds == {"news", "all"}
    assert [entry["added"] for entry in said if entry["event"] == "config.adopted"] == [["feed all"]]
    assert (await other.app.publications.current("all", "json")).body


async def test_everything_that_a_version_holds_takes_effect_in_every_process(pair: tuple[Node, Node]) -> None:
    one, other = pair
    path = one.app.home / "config/publisher.toml"
    settings = path.read_text().replace("Meja Uji", "Meja Baru").replace("Asia/Jakarta", "Europe/Paris")
    limits = "[registration]\nregistrations_per_minute = 1\nwebhooks_per_owner = 1\n"
    path.write_text(settings.replace("[delivery]", '[delivery]\ntimeout = "3s"') + limits)
    before = await other.app.publications.version("news")
    assert await one.noticed() is None
    await other.app.catch_up()

    assert (other.app.site.title, other.app.site.timezone) == ("Meja Baru", "Europe/Paris")
    assert other.app.settings.delivery.timeout == 3.0
    document = (await other.app.publications.current("news", "atom")).body
    assert isinstance(document, bytes)
    assert (await other.app.publications.version("news")).etag != before.etag
    key = Key(id="k", prefix="p", role=Role.SUBSCRIBER, owner="acme", created_at=datetime(2026, 11, 1, tzinfo=UTC))
    other.app.allowances.registering(key)
    with pytest.raises(Problem, match="may register 1 webhooks a minute"):
        other.app.allowances.registering(key)

    def second(tx: Tx) -> None:
        subscribe(tx, owner="acme")
        other.app.allowances.check(tx, key, "https://a.example/", new=True)

    with pytest.raises(Problem, match="1 webhooks") as refused:
        await other.app.db.write(second)
    assert isinstance(refused.value.__cause__, LimitReached)


async def test_another_schedule_of_attempts_holds_from_the_next_attempt_on(pair: tuple[Node, Node]) -> None:
    one, other = pair
    path = one.app.home / "config/publisher.toml"
    settings = path.read_text()
    start, end = settings.index("schedule = "), settings.index("]", settings.index("schedule = ")) + 1
    path.write_text(settings[:start] + 'schedule = ["1h"]' + settings[end:])
    await one.noticed()
    sending = asyncio.create_task(other.app.deliverer.run())
    async with receiving(lambda number: 500 if number < 3 else 204) as receiver:
        sealed = other.app.sealer.seal(new_secret().encode())
        await other.app.db.write(subscribe, "news", url=receiver.url, sealed_secret=sealed)
        await other.app.intake.push_article(article("a"))
        await receiver.until(lambda: len(receiver.attempts) == 1)
        path.write_text(settings[:start] + 'schedule = ["0s", "0s", "0s"]' + settings[end:])
        await one.noticed()
        await other.app.catch_up()
        await other.app.intake.push_article(article("b"))
        await receiver.until(lambda: len(receiver.taken) == 1)
        assert [one.event["data"]["id"] for one in receiver.attempts] == ["a", "b", "b", "b"]
        await other.app.deliverer.stop()
    await sending


# --- What a node cannot adopt


async def newer(db: Database, **given: Any) -> int:
    """A version that a later release made of what is in force."""

    def keep(tx: Tx) -> int:
        kept = definitions.kept(tx)
        assert kept is not None
        known = kept.known
        fields = {"digest": "another", "standing": known.standing, "site": known.site, "files": kept.files, **given}
        return definitions.keep(tx, settings=known.settings, **fields)

    return await db.write(keep)


async def test_a_node_records_nothing_by_a_version_that_needs_a_newer_program_until_it_can_read_one(
    pair: tuple[Node, Node],
) -> None:
    one, other = pair
    await other.app.intake.push_article(article("a"))
    await other.app.db.write(subscribe)
    await newer(one.app.db, needs=NEWER)
    fan_out = FanOut(other.app.db, check=other.app.check)
    with capture_logs() as said:
        for _ in range(2):
            await answer(other.app, other.reloader, "")
            for refused in (
                other.app.intake.push_article(article("b")),
                other.app.intake.withdraw("a"),
                other.app.intake.erase("a"),
                other.app.intake.settle(),
                other.app.load("desk"),
                fan_out.step(),
            ):
                with pytest.raises(NotAdopted, match=f"needs publisher {NEWER}"):
                    await refused
    assert [entry["event"] for entry in said] == ["config.not_adopted"]
    assert other.app.in_force.problem is not None
    assert NEWER in other.app.in_force.problem
    assert await logged(one.app) == ["a"]
    assert (await other.app.publications.current("news", "json")).body  # what it has, it goes on serving

    number = await newer(one.app.db)
    assert (await other.app.intake.push_article(article("b")))[0] is Outcome.NEW
    assert (other.app.in_force.problem, other.app.in_force.number) == (None, number)
    assert await fan_out.step()


@pytest.mark.parametrize(
    "given",
    [
        {"files": '{"format": 1, "files": {"config/sources.toml": "source = 1"}}'},
        {"files": '{"format": 2}'},
        {"site": {"title": "T", "url": "https://a.example", "language": "id", "timezone": "UTC", "colour": "red"}},
    ],
)
async def test_a_node_says_what_it_cannot_adopt(running: Node, given: dict[str, Any]) -> None:
    await newer(running.app.db, **given)
    with pytest.raises(NotAdopted):
        await running.app.catch_up()
    assert running.app.in_force.problem is not None
    assert "version 2 of the definitions" in running.app.in_force.problem


async def test_a_feed_that_turned_private_is_so_also_where_the_version_cannot_be_adopted(
    pair: tuple[Node, Node],
) -> None:
    one, other = pair
    (one.app.home / "feeds/news.toml").write_text('title = "Berita"\nprivate = true\n')
    assert (await one.apply()).result == "taken"
    await newer(one.app.db, needs=NEWER)
    with pytest.raises(NotAdopted):
        await other.app.catch_up()
    assert other.feeds == {"news"}
    assert not other.app.catalog.feeds["news"].public
    async with node(other.app.home) as again:
        assert not again.app.catalog.feeds["news"].public


async def test_a_node_that_starts_under_a_version_too_new_serves_by_the_last_that_it_can_read(
    running: Node, south: Path
) -> None:
    await newer(running.app.db, needs=NEWER)
    await newer(running.app.db, needs=NEWER)
    async with node(south) as other:
        assert other.feeds == {"news"}
        assert other.app.in_force.number == 1
        assert NEWER in str(other.app.in_force.problem)
        with pytest.raises(NotAdopted):
            await other.app.intake.push_article(article("a"))
        await newer(running.app.db)
        await other.app.catch_up()
        assert other.app.in_force.problem is None


async def test_a_webhook_is_registered_by_the_definitions_in_force(pair: tuple[Node, Node]) -> None:
    one, other = pair
    (one.app.home / "feeds/news.toml").unlink()
    feed(one.app.home, "all")
    await one.noticed()

    def register(tx: Tx) -> list[str]:
        events.lock(tx)
        other.app.check(tx)
        return sorted(other.app.catalog.feeds)

    assert await other.app.db.write(register) == ["all"]


# --- What is kept


async def test_the_texts_of_old_versions_go_and_their_digests_stay(db: Database) -> None:
    def keep(tx: Tx) -> None:
        for number in range(1, definitions.KEPT_TEXTS + 4):
            given: dict[str, Any] = {"standing": {"feeds": []}, "site": {"title": "T"}, "files": "{}", "node": "n"}
            assert definitions.keep(tx, digest=f"d{number}", **given) == number

    await db.write(keep)
    found = await db.read(definitions.history, 1000)
    assert [one.number for one in found if not one.files] == [3, 2, 1]
    assert [one.digest for one in found[-3:]] == ["d3", "d2", "d1"]
    assert await db.read(definitions.applied, "d1")
    assert not await db.read(definitions.applied, "d0")
    assert (await db.read(definitions.readable, 5)) == (await db.read(definitions.version, 4))
    assert await db.read(definitions.readable, 4) is None


async def test_a_version_says_after_which_event_it_holds(pair: tuple[Node, Node]) -> None:
    one, _ = pair
    await one.app.intake.push_article(article("a"))
    feed(one.app.home, "all")
    await one.noticed()
    found = [(version.known.seq, version.known.node) for version in await one.app.db.read(definitions.history, 9)]
    assert found == [(1, one.app.node), (0, one.app.node)]
