"""Commands that need storage alone work beside any fault in the rest of the configuration."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.commands import Publisher
from support.postgres import blocking

from publisher.storage.engine.database import Database
from publisher.storage.engine.growth import Generation


@pytest.fixture
def faulty(loaded: Path) -> Path:
    """An installation that has run, in whose feeds and settings somebody then made slips."""
    (loaded / "feeds/news.toml").write_text('titel = "News"')
    config = loaded / "config/publisher.toml"
    config.write_text(config.read_text().replace('timezone = "UTC"', 'timezone = "Utc/Nowhere"'))
    return loaded


FAULT = 'site.timezone: "Utc/Nowhere" is no IANA time zone; write it as "Asia/Jakarta"'
WARNING = f"warning: config/publisher.toml:9: {FAULT}"


@pytest.mark.parametrize(
    "command",
    [["keys", "list"], ["webhooks", "list"], ["sources"], ["events"], ["keys", "create", "--role", "operator"]],
)
def test_a_slip_elsewhere_is_a_warning_and_the_command_does_its_work(
    command: list[str], faulty: Path, publisher: Publisher
) -> None:
    done = publisher(*command, "--home", faulty)
    assert done.code == 0
    assert WARNING in done.err.splitlines() and "Traceback" not in done.err
    assert done.out or command[0] == "webhooks"


def test_what_runs_by_the_feeds_still_refuses_to(faulty: Path, publisher: Publisher) -> None:
    assert publisher("load", "--home", faulty).code == 2


def test_a_webhook_may_be_added_for_a_feed_that_ran_while_its_file_has_a_fault(
    installed: Path, publisher: Publisher
) -> None:
    publisher("load", "--home", installed)
    (installed / "feeds/news.toml").write_text('titel = "News"')
    url = "https://93.184.216.34/hook"
    added = publisher("webhooks", "add", url, "--feed", "news", "--home", installed)
    assert (added.code, added.rows[0][0]) == (0, "id")
    assert publisher("webhooks", "add", url, "--feed", "nwes", "--home", installed).code == 1


def test_a_webhook_is_added_and_tested_beside_a_slip_in_another_section(installed: Path, publisher: Publisher) -> None:
    config = '[server]\nport = "often"\n[delivery]\nallow_private_networks = ["127.0.0.1:9"]\n'
    (installed / "config/publisher.toml").write_text(config)
    added = publisher("webhooks", "add", "http://127.0.0.1:9/hook", "--feed", "news", "--home", installed)
    assert (added.code, added.rows[0][0]) == (0, "id")
    assert added.err.count("warning: config/publisher.toml:2: server.port") == 1
    tested = publisher("webhooks", "test", added.rows[0][1], "--home", installed)
    assert tested.code == 1 and "not taken: cannot connect to 127.0.0.1:9" in tested.err


def test_a_slip_in_the_section_that_says_where_to_send_stops_what_sends(installed: Path, publisher: Publisher) -> None:
    (installed / "config/publisher.toml").write_text('[delivery]\nallow_private_networks = ["10.0.0"]\n')
    done = publisher("webhooks", "add", "https://93.184.216.34/hook", "--feed", "news", "--home", installed)
    assert (done.code, done.out) == (2, "") and "delivery.allow_private_networks" in done.err


def test_the_advice_names_the_section_that_allows_a_webhooks_address(installed: Path, publisher: Publisher) -> None:
    done = publisher("webhooks", "add", "http://127.0.0.1:9/hook", "--feed", "news", "--home", installed)
    assert 'to allow it, add "127.0.0.1/32:9" to [delivery] allow_private_networks' in done.err


def test_a_source_whose_table_has_a_fault_is_listed_by_what_is_remembered_of_it(
    installed: Path, publisher: Publisher
) -> None:
    publisher("load", "--home", installed)
    (installed / "config/sources.toml").write_text('[[source]]\nname = "desk"\nkind = "foldr"\npath = "inbox"')
    done = publisher("sources", "--home", installed)
    assert done.code == 0
    assert done.rows[0][:4] == ["desk", "?", "?", "well"]
    assert 'warning: config/sources.toml:3: source[1].kind: "foldr" is no kind' in done.err


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('[storage]\nurl = "mysql://x"', "storage.url"),
        ('[sotrage]\nurl = "sqlite"', 'did you mean "storage"?'),
        ("[storage", "is no valid TOML"),
    ],
)
def test_where_it_is_in_doubt_which_storage_is_meant_none_is_opened(
    config: str, said: str, installed: Path, publisher: Publisher
) -> None:
    shutil.rmtree(installed / "data")
    (installed / "config/publisher.toml").write_text(config)
    done = publisher("keys", "list", "--home", installed)
    assert done.code == 2
    assert said in done.err and "Traceback" not in done.err
    assert not (installed / "data").exists()


def test_the_environment_names_the_storage_of_these_commands_too(
    faulty: Path, publisher: Publisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PUBLISHER_STORAGE__URL", f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")
    done = publisher("keys", "list", "--home", faulty)
    assert (done.code, done.rows) == (1, [])
    assert f"{tmp_path / 'other.db'} is gone" in done.err  # this installation has a database: another is no beginning


def test_lists_are_to_be_had_as_json(installed: Path, publisher: Publisher) -> None:
    publisher("keys", "create", "--role", "editor", "--owner", "cms", "--home", installed)
    publisher("webhooks", "add", "https://93.184.216.34/hook", "--feed", "news", "--home", installed)
    (key,) = json.loads(publisher("keys", "list", "--json", "--home", installed).out)
    assert (key["role"], key["owner"], key["revoked_at"]) == ("editor", "cms", None)
    (webhook,) = json.loads(publisher("webhooks", "list", "--json", "--home", installed).out)
    assert (webhook["state"], webhook["failures"], webhook["last_error"]) == ("active", 0, None)


def test_a_deleted_webhook_is_listed_among_all(installed: Path, publisher: Publisher) -> None:
    added = publisher("webhooks", "add", "https://93.184.216.34/hook", "--feed", "news", "--home", installed)
    webhook = added.rows[0][1]
    publisher("webhooks", "remove", webhook, "--home", installed)
    assert publisher("webhooks", "list", "--home", installed).out == ""
    ((id_, state, *_),) = publisher("webhooks", "list", "--all", "--home", installed).rows
    assert (id_, state) == (webhook, "deleted")


def test_a_database_put_back_by_its_own_tools_is_made_known_to_readers(installed: Path, publisher: Publisher) -> None:
    assert publisher("load", "--home", installed).code == 0
    last = len(publisher("events", "--limit", "1000", "--home", installed).rows)

    async def generation() -> Generation:
        db = await Database.open("sqlite", installed / "data")
        await db.close()
        return db.generation

    first = blocking(generation())
    assert first.earlier == ()
    assert f"after event {last}" in publisher("events", "reset", "--home", installed).out
    second = blocking(generation())
    assert second == first.renewed(second.id, last)
    assert publisher("events", "reset", "--after", "1", "--home", installed).code == 0
    assert blocking(generation()).earlier == ((first.id, last), (second.id, 1))
    refused = publisher("events", "reset", "--after", last + 1, "--home", installed)
    assert (refused.code, f"the log ends at event {last}" in refused.err) == (1, True)
    assert len(publisher("events", "--limit", "1000", "--home", installed).rows) == last
