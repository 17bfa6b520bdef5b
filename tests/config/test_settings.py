"""What `config/publisher.toml` and the environment say."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from publisher import configfile, settings
from publisher.errors import ConfigErrors

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PUBLISHER_SITE__URL", "PUBLISHER_SERVER__PORT", "PUBLISHER_STORAGE__URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path


def load(home: Path, text: str) -> settings.Settings:
    (home / settings.FILE).write_text(text)
    return settings.load(home)


def faults(home: Path, text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load(home, text)
    return [str(error) for error in caught.value.errors]


def test_an_empty_file_gives_every_default(home: Path) -> None:
    found = load(home, "")
    assert (found.server.host, found.server.port, found.storage.url) == ("127.0.0.1", 8080, "sqlite")
    assert found.delivery.schedule == (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    assert (found.fetch.timeout, found.delivery.timeout) == (20, 20)


def test_durations_are_read_as_they_are_written(home: Path) -> None:
    found = load(home, '[delivery]\nschedule = ["0s", "250ms", "5s", "5m", "2h", "1d"]')
    assert found.delivery.schedule == (0, 0.25, 5, 300, 7200, 86400)


def test_the_canonical_url_is_a_uri_however_it_is_written(home: Path) -> None:
    found = load(home, '[site]\nurl = "https://bücher.example:8443/kabar/é"').site.url
    assert found == "https://xn--bcher-kva.example:8443/kabar/%C3%A9"


def test_the_canonical_url_ends_without_a_slash(home: Path) -> None:
    assert load(home, '[site]\nurl = "https://example.org/news/"').site.url == "https://example.org/news"


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8080", "/news", "ftp://example.org", "https://", "https://example.org/?a=1", "https://u:p@example.org"],
)
def test_a_canonical_url_that_links_cannot_stand_on_is_refused(home: Path, url: str) -> None:
    (fault,) = faults(home, f'[site]\nurl = "{url}"')
    shown = url.replace("u:p@", "***@")  # no message names a password
    assert fault.startswith(f'config/publisher.toml:2: site.url: "{shown}" ')


def test_the_environment_stands_above_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_SERVER__PORT", "9000")
    monkeypatch.setenv("PUBLISHER_FETCH__ALLOW_PRIVATE_NETWORKS", "10.0.0.0/8, 127.0.0.1")
    monkeypatch.setenv("PUBLISHER_DELIVERY__SCHEDULE", '["1s", "1m"]')
    found = load(home, '[server]\nhost = "0.0.0.0"\nport = 8000')
    assert (found.server.host, found.server.port) == ("0.0.0.0", 9000)
    assert found.fetch.allow_private_networks == ("10.0.0.0/8", "127.0.0.1/32")
    assert found.delivery.schedule == (1, 60)
    monkeypatch.setenv("PUBLISHER_FETCH__ALLOW_PRIVATE_NETWORKS", "[fd00::/8]:443, 10.0.0.0/8:9000-9100")
    assert load(home, "").fetch.allow_private_networks == ("[fd00::/8]:443", "10.0.0.0/8:9000-9100")


def test_a_fault_in_the_environment_names_its_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_SERVER__PORT", "web")
    monkeypatch.setenv("PUBLISHER_SITTE__URL", "https://example.org")
    monkeypatch.setenv("PUBLISHER_SITE__TITEL", "News")
    assert faults(home, "") == [
        'environment: PUBLISHER_SITE__TITEL: is not a known key; did you mean "title"?',
        'environment: PUBLISHER_SITTE__URL: names no section of config/publisher.toml; did you mean "SITE"?',
        'environment: PUBLISHER_SERVER__PORT: "web" should be a valid integer',
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("site = 3", "site: 3 should be a table of keys and values"),
        ("delivery.schedule = []", "delivery.schedule: [] should not be empty"),
    ],
)
def test_what_would_be_right_is_said_without_the_names_of_pythons_types(home: Path, text: str, fault: str) -> None:
    assert faults(home, text) == [f"config/publisher.toml:1: {fault}"]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("PUBLISHER_SERVER_PORT", "PUBLISHER_SERVER__PORT"),
        ("PUBLISHER_SERVER_IDLE_TIMEOUT", "PUBLISHER_SERVER__IDLE_TIMEOUT"),
        ("publisher_delivery_schedule", "PUBLISHER_DELIVERY__SCHEDULE"),
    ],
)
def test_a_variable_with_one_underscore_too_few_is_an_error_that_names_the_right_form(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, right: str
) -> None:
    monkeypatch.setenv(name, "9000")
    (told,) = faults(home, "")
    assert told.startswith(f"environment: {name}: is not read")
    assert told.endswith(f"write {right}")


def test_a_slip_in_a_variable_of_another_section_is_no_reason_not_to_open_storage(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / settings.FILE).write_text("")
    monkeypatch.setenv("PUBLISHER_SERVER_PORT", "9000")
    _, told = settings.load_storage(home)
    assert [one.key for one in told] == ["PUBLISHER_SERVER_PORT"]
    monkeypatch.setenv("PUBLISHER_STORAGE_URL", "sqlite")
    with pytest.raises(ConfigErrors, match="PUBLISHER_STORAGE__URL"):
        settings.load_storage(home)


def test_shared_settings_are_read_as_they_were_written_and_defaults_are_left_to_the_release(home: Path) -> None:
    written = '[site]\ntitle = "Meja"\n[delivery]\nschedule = ["90s", "1500ms"]\n[registration]\ntests_per_minute = 3\n'
    shared = load(home, written).shared
    assert shared.written() == {
        "site": {"title": "Meja"}, "delivery": {"schedule": ["90s", "1.5s"]}, "registration": {"tests_per_minute": 3},
    }  # fmt: skip
    assert settings.Shared.model_validate(shared.written()) == shared
    assert load(home, "").under(shared) == load(home, written)
    assert "delivery.schedule" not in load(home, "").own()
    assert "delivery.allow_private_networks" in load(home, "").own()


def test_variables_of_other_programs_are_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_TEST_POSTGRES", "postgresql://example.org")
    assert load(home, "").storage.url == "sqlite"


def test_every_fault_is_told_at_once_with_line_key_value_and_what_is_right(home: Path) -> None:
    text = """
[site]
titel = "News"
timezone = "Asia/Jakrta"
language = "Indonesian"
[server]
port = 70000
trusted_proxies = ["10.0.0.0/8", "proxy"]
[storage]
url = "mysql://db"
[registration]
mode = "any"
[fetch]
timeout = 5
[delivery]
schedule = ["5s", "5 sec"]
[deliveries]
x = 1
"""
    assert [fault.removeprefix("config/publisher.toml:") for fault in faults(home, text)] == [
        '3: site.titel: is not a known key; did you mean "title"?',
        '4: site.timezone: "Asia/Jakrta" is no IANA time zone; write it as "Asia/Jakarta"',
        '5: site.language: "Indonesian" is no language tag; write it as "id" or "en-GB"',
        "7: server.port: 70000 should be less than or equal to 65535",
        '8: server.trusted_proxies[2]: "proxy" is no network; write it as "10.0.0.0/8" or "fd00::/8" '
        "('proxy' does not appear to be an IPv4 or IPv6 network)",
        '10: storage.url: mysql:// is not served; use "sqlite", or a URL as in "postgresql+asyncpg://host/database"',
        "12: registration.mode: \"any\" should be 'key' or 'open'",
        '14: fetch.timeout: 5 is no duration; write it as "5s", "5m", "2h" or "1d"',
        '16: delivery.schedule[2]: "5 sec" is no duration; write it as "5s", "5m", "2h" or "1d"',
        '17: deliveries: is not a known key; did you mean "delivery"?',
    ]


def test_a_file_that_is_no_toml_is_told_with_line_and_column(home: Path) -> None:
    (fault,) = faults(home, '[site]\ntitle = "News\n')
    assert fault == "config/publisher.toml:2: is no valid TOML: Illegal character '\\n' (column 14)"


def test_a_file_that_is_not_utf_8_is_told(home: Path) -> None:
    (home / settings.FILE).write_bytes(b'[site]\ntitle = "\xff"')
    with pytest.raises(ConfigErrors, match="is not UTF-8"):
        settings.load(home)


def test_a_folder_without_an_installation_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="publisher init"):
        settings.load(tmp_path)


@pytest.mark.parametrize(("depth", "read"), [(configfile.MAX_DEPTH, True), (configfile.MAX_DEPTH + 1, False)])
def test_tables_stand_as_deep_in_one_another_as_is_documented(depth: int, read: bool) -> None:
    assert "stand up to 32 deep" in (ROOT / "docs/configuration.md").read_text()
    assert configfile.MAX_DEPTH == 32
    text = "a = " + "[" * depth + "]" * depth + "\n"
    refused = pytest.raises(ConfigErrors, match="nested too deeply")
    with contextlib.nullcontext() if read else refused:
        configfile.parse_toml(text, "a.toml")


def test_mail_needs_who_sends_and_whom_to_and_tells_no_password(home: Path) -> None:
    told = faults(home, '[mail]\nhost = "mail.example"\npassword = "hunter2"')
    assert len(told) == 1 and 'needs "sender" and "to"' in told[0]
    address = faults(home, '[mail]\nsender = "desk"\nto = ["a@ops.example", "b"]\npassword = 5')
    assert [one.partition(": ")[2].partition(":")[0] for one in address] == [
        "mail.sender",
        "mail.to[2]",
        "mail.password",
    ]
    clear = 'host = "mail.example"\nsender = "a@b.example"\nto = "c@d.example"\nuser = "x"\npassword = "hunter2"'
    insecure = faults(home, f'[mail]\n{clear}\ntls = "none"')
    assert "in the clear" in insecure[0]
    assert all("hunter2" not in one for one in (*told, *address, *insecure))


def test_mail_is_set_by_the_environment_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HOST", "mail.example"), ("SENDER", "a@b.example"), ("TO", "c@d.example, e@f.example")):
        monkeypatch.setenv(f"PUBLISHER_MAIL__{name}", value)
    monkeypatch.setenv("PUBLISHER_MAIL__PASSWORD", "hunter2")
    (home / settings.FILE).write_text("")
    mail = settings.load(home).mail
    assert (mail.host, mail.to, mail.password) == ("mail.example", ("c@d.example", "e@f.example"), "hunter2")
    assert "hunter2" not in repr(mail)
