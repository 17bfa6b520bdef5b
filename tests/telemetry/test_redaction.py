"""No password of an address is in anything that is shown."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from publisher import settings
from publisher.errors import ConfigErrors, FetchError, StorageError
from publisher.model.observed import Problem
from publisher.redaction import bare, endpoint, redacted
from publisher.storage.engine.database import Database

SECRET = "hunter2"

ADDRESSES = [
    "postgresql+asyncpg://news:{}@db.example/news",
    "postgresql+asyncpg://news:{}/%2F@db.example/news",
    "postgresql+asyncpg://news:a@{}@db.example/news",
    "postgresql+asyncpg://news:a#{}?b@db.example/news",
    "postgresql+asyncpg://:{}@db.example:5432/news",
    "postgresql+asyncpg://db.example/news?user=news&password={}",
    "https://{}@news.example/feed",
    "https://user:{}@news.example/feed?x=1",
    "http://proxy:{}@127.0.0.1:3128",
    "https://api.example/latest?api_key={}&limit=5",
    "https://api.example/latest?access_token={}",
    "https://bucket.example/file?X-Amz-Signature={}",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_password_is_hidden_wherever_an_address_stands_in_a_text(address: str) -> None:
    text = f"cannot read {address.format(SECRET)!r} (it is away), nor {address.format(SECRET)}"
    assert SECRET not in redacted(text)
    assert "(it is away), nor " in redacted(text)
    assert "***" in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://medium.example/@someone/story",
        "http://127.0.0.1:8080/@someone",
        "mail desk@news.example about https://news.example/a?page=2&keys=3",
        "[storage] url: use sqlite, or postgresql+asyncpg://host/database",
        "key=feeds is unknown",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("piece", ["://", "a:", "a@", "://a:b@", "?token=", "token_", "?key", "https://u:"])
def test_hiding_takes_time_in_proportion_to_the_text(piece: str) -> None:
    def spent(size: int) -> float:
        text = "://" + piece * (size // len(piece)) + "="
        took = []
        for _ in range(5):
            began = time.process_time()
            redacted(text)
            took.append(time.process_time() - began)
        return min(took)

    assert spent(256 * 1024) < 20 * max(spent(32 * 1024), 0.0005)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@receiver.example:8443/hooks/news?token=x#y", "https://receiver.example:8443/hooks/news"),
        ("https://hooks.slack.com/services/T024BE7LD/B024BE7LE/XXXXXXXXXXXXXXXXXXXXXXXX",
         "https://hooks.slack.com/services/T024BE7LD/B024BE7LE/***"),
        ("https://discord.com/api/webhooks/123456789012345678/" + "k" * 68,
         "https://discord.com/api/webhooks/123456789012345678/***"),
        ("https://api.telegram.org/bot123:AA-B_c", "https://api.telegram.org/***"),
        ("https://api.telegram.org/bot123:AA-B_c/sendPhoto", "https://api.telegram.org/***/sendPhoto"),
        ("https://prod-1.example/workflows/" + "0123456789abcdef" * 2 + "/triggers",
         "https://prod-1.example/workflows/***/triggers"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
    ],
)  # fmt: skip
def test_keys_that_stand_in_the_path_of_an_endpoint_are_not_shown(url: str, shown: str) -> None:
    assert endpoint(url) == shown


def test_a_bare_url_has_neither_user_nor_query() -> None:
    assert bare("https://u:p@hook.example:8443/a%2Fb?token=x#y") == "https://hook.example:8443/a%2Fb"


def test_errors_and_problems_name_no_password() -> None:
    address = f"https://user:{SECRET}@news.example/"
    assert SECRET not in str(FetchError(f"{address} is away"))
    problem = Problem(address, f"moved to {address}")
    assert SECRET not in repr(problem)
    assert "news.example" in str(problem)


def test_a_wrong_storage_url_is_told_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / settings.FILE).write_text(f'[storage]\nurl = "postgres://news:{SECRET}@db.example/news"\n')
    with pytest.raises(ConfigErrors) as caught:
        settings.load(tmp_path)
    said = [str(caught.value), *(one.reason for one in caught.value.errors)]
    assert all("postgres://" in one and SECRET not in one for one in said)


async def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path, unused_tcp_port: int) -> None:
    with pytest.raises(StorageError) as caught:
        await Database.open(f"postgresql+asyncpg://news:{SECRET}@127.0.0.1:{unused_tcp_port}/news", tmp_path)
    assert SECRET not in str(caught.value)


LOGGED = """
from publisher import telemetry
telemetry.configure(json={json})
log = telemetry.logger("x")
try:
    raise ValueError("cannot open https://u:{secret}@host/?password={secret}")
except ValueError as error:
    log.exception("it.failed", url="https://u:{secret}@host/", error=str(error))
import logging
logging.getLogger("library").error("at %s", "https://u:{secret}@host/")
from publisher.cli import main
def crash(**_):
    raise RuntimeError("at https://u:{secret}@host/")
main.cli = crash
main.main([])
raise SystemExit("unreached")
"""


@pytest.mark.parametrize("json", [True, False])
def test_no_line_of_the_log_and_no_traceback_names_a_password(json: bool) -> None:
    script = LOGGED.format(json=json, secret=SECRET)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.count("***") >= 4
    assert SECRET not in run.stderr + run.stdout
