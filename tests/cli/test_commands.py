"""What each command does, prints, and exits with."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.commands import ARTICLE, Done, Publisher
from support.deliveries import subscribe

from publisher import __version__
from publisher.storage.engine.database import Database


def test_a_new_installation_passes_its_own_check(home: Path, publisher: Publisher) -> None:
    made = publisher("init", home, "--port", 8080)
    assert made.code == 0
    assert sorted(path.relative_to(home).as_posix() for path in home.rglob("*")) == [
        "config",
        "config/indicators.toml",
        "config/profiles",
        "config/publisher.toml",
        "config/sources.toml",
        "feeds",
        "feeds/indicators.toml",
        "feeds/news.toml",
        "inbox",
    ]
    assert publisher("check", "--home", home) == Done(0, "sources: 1, feeds: 2, indicators: 11; nothing is wrong\n", "")


def test_what_the_new_installation_shows_as_defaults_are_the_defaults(home: Path, publisher: Publisher) -> None:
    from publisher import settings

    publisher("init", home, "--port", 8080)
    before = settings.load(home)
    path = home / settings.FILE
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.removeprefix("# ") if " = " in line else line for line in lines))
    assert settings.load(home) == before


def test_init_leaves_a_folder_that_is_not_empty_alone(home: Path, publisher: Publisher) -> None:
    home.mkdir()
    (home / "notes.txt").write_text("mine")
    refused = publisher("init", home)
    assert (refused.code, refused.out) == (1, "")
    assert "is not empty" in refused.err and "--force" in refused.err
    assert [path.name for path in home.iterdir()] == ["notes.txt"]


def test_init_by_force_adds_what_is_missing_and_keeps_what_is_there(home: Path, publisher: Publisher) -> None:
    (home / "feeds").mkdir(parents=True)
    (home / "feeds/news.toml").write_text('title = "Mine"')
    assert publisher("init", home, "--force").code == 0
    assert (home / "feeds/news.toml").read_text() == 'title = "Mine"'
    assert (home / "config/publisher.toml").is_file()


def test_check_tells_the_faults_of_all_files_at_once_and_exits_2(installed: Path, publisher: Publisher) -> None:
    (installed / "config/publisher.toml").write_text('[site]\nurl = "nowhere"')
    (installed / "feeds/news.toml").write_text('title = "N"\nselect.sources = ["deks"]')
    checked = publisher("check", "--home", installed)
    assert (checked.code, checked.out) == (2, "")
    assert checked.err.splitlines() == [
        'config/publisher.toml:2: site.url: "nowhere" is no absolute URL; write it as "https://news.example.org"',
        'feeds/news.toml:2: select.sources: "deks" is no known source; did you mean "desk"?',
    ]


def test_check_tells_once_of_a_profile_whether_a_source_uses_it_or_not(installed: Path, publisher: Publisher) -> None:
    for name in ("used", "spare"):
        (installed / f"config/profiles/{name}.toml").write_text('kind = "pdf"')
    sources = installed / "config/sources.toml"
    sources.write_text(sources.read_text().replace('path = "inbox"', 'path = "inbox"\nprofile = "used"'))
    checked = publisher("check", "--home", installed)
    assert checked.code == 2
    said = 'kind: "pdf" is no kind of profile; write "html" for pages or "text" for text dumps'
    assert sorted(checked.err.splitlines()) == [
        f"config/profiles/spare.toml:1: {said}",
        f"config/profiles/used.toml:1: {said}",
    ]


@pytest.mark.parametrize("command", ["run", "load", "sources", "events", "check"])
def test_a_command_in_a_folder_without_an_installation_says_so_and_exits_2(
    command: str, tmp_path: Path, publisher: Publisher
) -> None:
    done = publisher(command, "--home", tmp_path)
    assert done.code == 2
    assert "config/publisher.toml: is not there" in done.err and "Traceback" not in done.err


def test_loading_tells_a_line_for_each_source_and_the_second_time_finds_nothing_new(
    installed: Path, publisher: Publisher
) -> None:
    assert publisher("load", "--home", installed) == Done(0, "desk: 1 item (1 new), 1 event\n", "")
    again = publisher("load", "desk", "--home", installed)
    assert again.code == 0
    assert again.out.startswith("desk: ") and again.out.endswith(" 0 events\n")


def test_loading_tells_what_it_refused_and_exits_1(installed: Path, publisher: Publisher) -> None:
    (installed / "inbox/bad.json").write_text('{"title": "No body"}')
    done = publisher("load", "--home", installed)
    assert done.code == 1
    first, *problems = done.out.splitlines()
    assert first == "desk: 1 item (1 new), 1 event"
    assert any(line.startswith("  error: ") and "bad.json" in line for line in problems)


def test_loading_reports_as_json(installed: Path, publisher: Publisher) -> None:
    done = publisher("load", "--json", "--home", installed)
    (report,) = json.loads(done.out)
    assert {key: report[key] for key in ("source", "ok", "items", "events", "outcomes", "error")} == {
        "source": "desk", "ok": True, "items": 1, "events": 1, "outcomes": {"new": 1}, "error": None,
    }  # fmt: skip


def test_loading_an_unknown_source_names_those_there_are(installed: Path, publisher: Publisher) -> None:
    done = publisher("load", "deks", "--home", installed)
    assert done.code == 1
    assert "desk" in done.err and "Traceback" not in done.err


def test_loading_shows_a_bar_on_a_terminal(installed: Path) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "publisher", "load", "--home", str(installed)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(terminal)
    shown = _drained(controller)
    assert done.returncode == 0, done.stderr
    assert "\x1b[" in shown and "━" in shown and "1/1" in shown


def _drained(controller: int) -> str:
    parts = []
    try:
        while part := os.read(controller, 65536):
            parts.append(part)
    except OSError:  # how Linux says that the other end was closed
        pass
    os.close(controller)
    return b"".join(parts).decode()


def test_feeds_are_listed_with_their_addresses(installed: Path, publisher: Publisher) -> None:
    assert publisher("feeds", "list", "--home", installed).rows == [
        ["indicators", "indicators", "public", "http://127.0.0.1:8080/feeds/indicators.rss", "Indicators"],
        ["news", "articles", "public", "http://127.0.0.1:8080/feeds/news.rss", "News"],
    ]


@pytest.mark.parametrize(
    ("format", "beginning"), [("atom", "<?xml"), ("rss", "<?xml"), ("json", '{"version":"https://jsonfeed.org/')]
)
def test_a_feed_is_shown_as_it_is_served(installed: Path, publisher: Publisher, format: str, beginning: str) -> None:
    publisher("load", "--home", installed)
    shown = publisher("feeds", "show", "news", "--format", format, "--home", installed)
    assert shown.code == 0
    assert shown.out.startswith(beginning) and "Panen garam naik" in shown.out


def test_an_unknown_feed_is_told_with_the_nearest(installed: Path, publisher: Publisher) -> None:
    done = publisher("feeds", "show", "nwes", "--home", installed)
    assert (done.code, done.err) == (1, 'publisher: there is no feed "nwes"; did you mean "news"?\n')


def test_a_new_key_stands_alone_on_standard_output_and_is_listed_without_its_secret(
    installed: Path, publisher: Publisher
) -> None:
    made = publisher("keys", "create", "--role", "editor", "--owner", "cms", "--home", installed)
    (secret,) = made.out.splitlines()
    assert secret.startswith("pk_") and len(secret) > 32
    listed = publisher("keys", "list", "--home", installed)
    assert [row[1:3] for row in listed.rows] == [["editor", "cms"]]
    assert secret not in listed.out + made.err


def test_keys_without_a_named_owner_share_none(installed: Path, publisher: Publisher) -> None:
    for _ in range(2):
        publisher("keys", "create", "--role", "subscriber", "--home", installed)
    first, second = publisher("keys", "list", "--home", installed).rows
    assert first[2] != second[2]


def test_a_rotated_key_keeps_its_owner_and_a_revoked_one_cannot_be_rotated(
    installed: Path, publisher: Publisher
) -> None:
    secret = publisher("keys", "create", "--role", "operator", "--owner", "ops", "--home", installed).out
    ((key, *_),) = publisher("keys", "list", "--home", installed).rows
    rotated = publisher("keys", "rotate", key, "--home", installed)
    assert rotated.out.startswith("pk_") and rotated.out != secret
    assert publisher("keys", "list", "--home", installed).rows[0][2] == "ops"
    assert publisher("keys", "revoke", key, "--home", installed).code == 0
    assert publisher("keys", "rotate", key, "--home", installed).code == 1


@pytest.mark.parametrize(("options", "state"), [([], "paused by the publisher"), (["--keep-webhooks"], "active")])
def test_a_revoked_key_stops_its_owners_webhooks_unless_they_are_kept(
    installed: Path, publisher: Publisher, options: list[str], state: str
) -> None:
    publisher("keys", "create", "--role", "subscriber", "--owner", "acme", "--home", installed)
    ((key, *_),) = publisher("keys", "list", "--home", installed).rows
    _register(installed, "acme")
    assert publisher("keys", "revoke", key, *options, "--home", installed).code == 0
    ((_, shown, *_),) = publisher("webhooks", "list", "--home", installed).rows
    assert shown == state


def _register(home: Path, owner: str) -> None:
    """As the API does it: by the keys of its owner."""

    async def register() -> None:
        db = await Database.open("sqlite", home / "data")
        try:
            await db.write(subscribe, owner=owner, granted=None)
        finally:
            await db.close()

    asyncio.run(register())


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204 if self.path == "/taken" else 500)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def local(installed: Path) -> Path:
    """An installation that may send to this machine."""
    (installed / "config/publisher.toml").write_text('[delivery]\nallow_private_networks = ["127.0.0.0/8:*"]')
    return installed


def test_a_webhook_is_registered_tested_listed_and_removed(local: Path, publisher: Publisher, receiver: str) -> None:
    url = f"{receiver}/taken"
    added = publisher("webhooks", "add", url, "--feed", "news", "--event", "article.published", "--home", local)
    (_, webhook), (_, secret) = added.rows
    assert secret.startswith("whsec_")
    (listed,) = publisher("webhooks", "list", "--home", local).rows
    assert [*listed[:5], listed[6]] == [webhook, "active", "operator", "news", "article.published", url]
    shown = dict(publisher("webhooks", "show", webhook, "--home", local).rows)
    assert (shown["url"], shown["format"], shown["feeds"]) == (url, "standard (Standard Webhooks)", "news")
    one = json.loads(publisher("webhooks", "show", webhook, "--json", "--home", local).out)
    assert [one] == json.loads(publisher("webhooks", "list", "--json", "--home", local).out)
    assert (one["format"], one["feeds"], one["events"]) == ("standard", ["news"], ["article.published"])
    tested = publisher("webhooks", "test", webhook, "--home", local)
    assert tested.code == 0 and tested.out.startswith("taken with 204")
    assert publisher("webhooks", "remove", webhook, "--home", local).code == 0
    assert publisher("webhooks", "list", "--home", local).out == ""
    assert publisher("webhooks", "deliveries", webhook, "--home", local).code == 0
    unknown = publisher("webhooks", "deliveries", "wh_none", "--home", local)
    assert unknown.code == 1 and "'wh_none'" in unknown.err


def test_a_webhook_is_registered_with_what_its_format_needs(
    local: Path, publisher: Publisher, receiver: str, tmp_path: Path
) -> None:
    template = tmp_path / "body.json"
    template.write_text('{"text": "{{ data.webhook }}", "n": ["{{ seq }}"]}')
    for format, arguments, asked in (
        ("template", ["--template", str(template)], {"template": '{"text":"{{ data.webhook }}","n":["{{ seq }}"]}'}),
        ("discord", ["--parameter", "language=id", "--parameter", "images=false"],
         {"parameters": {"language": "id", "images": "false"}}),
        ("standard", ["--content", "thin"], {"content": "thin"}),
    ):  # fmt: skip
        given = [f"{receiver}/taken", "--feed", "news", "--format", format, *arguments]
        (_, webhook), _ = publisher("webhooks", "add", *given, "--home", local).rows
        one = json.loads(publisher("webhooks", "show", webhook, "--json", "--home", local).out)
        assert (one["format"], one["options"]) == (format, asked)
        assert publisher("webhooks", "show", webhook, "--home", local).code == 0
        tested = publisher("webhooks", "test", webhook, "--home", local)
        assert tested.code == 0 and tested.out.startswith("taken with 204")


def test_a_test_that_is_not_taken_says_why_and_exits_1(local: Path, publisher: Publisher, receiver: str) -> None:
    (_, webhook), _ = publisher("webhooks", "add", f"{receiver}/no", "--feed", "news", "--home", local).rows
    tested = publisher("webhooks", "test", webhook, "--home", local)
    assert tested.code == 1 and "500" in tested.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["http://127.0.0.1/", "--feed", "news"], "127.0.0.1"),
        (["ftp://example.org/", "--feed", "news"], "http"),
        (["https://example.org/", "--feed", "nwes"], 'did you mean "news"?'),
        (["https://example.org/", "--feed", "news", "--event", "article.new"], "is no type of event"),
        (["https://example.org/", "--feed", "news", "--format", "standart"], 'did you mean "standard"?'),
        (["https://example.org/", "--feed", "news", "--content", "x"], "--content"),
        (["https://example.org/", "--feed", "news", "--format", "ntfy"], "parameters.topic: is missing: the topic"),
        (["https://example.org/", "--feed", "news", "--format", "ntfy", "--parameter", "topic"], "NAME=VALUE"),
        (["https://example.org/", "--feed", "news", "--format", "template"], "template: is missing"),
        (["https://example.org/", "--feed", "news", "--template", "none.json"], "none.json: No such file"),
    ],
)
def test_a_webhook_that_cannot_be_served_is_refused_with_the_reason(
    installed: Path, publisher: Publisher, arguments: list[str], reason: str
) -> None:
    done = publisher("webhooks", "add", *arguments, "--home", installed)
    assert (done.code, done.out) == (1, "")
    assert reason in done.err and "Traceback" not in done.err


def test_removing_or_showing_an_unknown_webhook_exits_1(installed: Path, publisher: Publisher) -> None:
    assert publisher("webhooks", "remove", "wh_none", "--home", installed).code == 1
    shown = publisher("webhooks", "show", "wh_none", "--home", installed)
    assert shown.code == 1 and "'wh_none'" in shown.err


def test_sources_are_shown_with_how_they_are_doing(installed: Path, publisher: Publisher) -> None:
    (before,) = publisher("sources", "--home", installed).rows
    publisher("load", "--home", installed)
    (after,) = publisher("sources", "--home", installed).rows
    assert before[:4] == ["desk", "folder", "every 10 s", "never read"]
    assert after[:4] == ["desk", "folder", "every 10 s", "well"]


def test_the_last_events_are_printed_in_their_order(installed: Path, publisher: Publisher) -> None:
    publisher("load", "--home", installed)
    (installed / "inbox/rice.json").write_text(json.dumps({**ARTICLE, "title": "Panen padi"}))
    publisher("load", "--home", installed)
    first, second = publisher("events", "--home", installed).out.splitlines()
    assert "article.published" in first and first.endswith("Panen garam naik")
    assert second.endswith("Panen padi")
    (last,) = publisher("events", "--json", "--limit", "1", "--home", installed).out.splitlines()
    assert json.loads(last)["data"]["title"] == "Panen padi"


def test_events_are_followed_as_another_process_records_them(installed: Path, publisher: Publisher) -> None:
    publisher("load", "--home", installed)
    command = [sys.executable, "-m", "publisher", "events", "--follow", "--home", str(installed)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as follower:
        assert follower.stdout
        assert follower.stdout.readline().endswith("Panen garam naik\n")
        (installed / "inbox/rice.json").write_text(json.dumps({**ARTICLE, "title": "Panen padi"}))
        publisher("load", "--home", installed)
        assert follower.stdout.readline().endswith("Panen padi\n")
        follower.terminate()


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_version_is_shown(publisher: Publisher, arguments: list[str]) -> None:
    assert publisher(*arguments) == Done(0, f"publisher {__version__}\n", "")


def test_a_reader_that_stops_reading_is_no_traceback(installed: Path) -> None:
    command = f"{sys.executable} -m publisher feeds list --home '{installed}' | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


HEAVY = ("aiohttp", "sqlalchemy", "babel", "pydantic", "structlog", "rich", "feedgen", "lxml", "apscheduler", "jinja2")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from publisher.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    print('LOADED', *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    usage, _, loaded = done.stdout.partition("LOADED")
    assert "webhooks" in usage
    assert {name.partition(".")[0] for name in loaded.split()} & {*HEAVY} == set()


def test_the_sample_receiver_registers_itself_and_leaves_nothing_behind(local: Path, publisher: Publisher) -> None:
    with (local / "config/publisher.toml").open("a") as file:
        file.write("\n[server]\nport = 0\n")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    here = [sys.executable, "-m", "publisher"]
    with subprocess.Popen(
        [*here, "run", "--home", str(local)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as service:
        assert service.stdout
        url = service.stdout.readline().rpartition(" ")[2].strip()
        with subprocess.Popen(
            [*here, "sample", "receiver", "--url", url, "--home", str(local)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as receiver:
            assert receiver.stdout
            assert receiver.stdout.readline().startswith("Listening at ")
            assert len(publisher("webhooks", "list", "--home", local).rows) == 1
            receiver.terminate()
            assert "Unregistered." in receiver.stdout.read()
        assert receiver.returncode == 0
        service.terminate()
    assert service.returncode == 0
    assert publisher("webhooks", "list", "--home", local).out == ""
    ((*_, revoked),) = publisher("keys", "list", "--home", local).rows
    assert revoked != "-"
