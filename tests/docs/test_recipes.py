"""The recipes in docs/recipes.md do what they say."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import textwrap
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from support.clients import NODE
from support.clock import ManualClock
from web.webroom import Newsroom, open_newsroom

from publisher.storage.configuration import installation
from publisher.storage.engine.database import Database

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
HOST = "http://127.0.0.1:8080"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"article.published","id":"evt_1","data":{"title":"Harga “kopi” naik"}}'


def recipes(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(indent + text) for indent, text in found]


@pytest.fixture
async def newsroom(sqlite_db: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Newsroom]:
    async with open_newsroom(sqlite_db, tmp_path / "data", clock) as running:
        yield running


class Cron:
    """The job, run against a newsroom as cron runs it."""

    def __init__(self, newsroom: Newsroom, home: Path, script: str | None = None) -> None:
        text = script or next(one for one in recipes("sh") if one.startswith("#!/bin/sh"))
        assert text.count(HOST) == 1
        self._script = text.replace(HOST, str(newsroom.client.make_url("")).rstrip("/"))
        self._home = home

    async def run(self, code: int = 0) -> list[str]:
        """The ids that it prints."""
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", self._script),
            env={"PATH": os.environ["PATH"], "HOME": str(self._home)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == code, err.decode()
        return [line.split("\t")[1] for line in out.decode().splitlines()]


@pytest.fixture
def cron(newsroom: Newsroom, tmp_path: Path, program: Callable[[str], str]) -> Cron:
    program("curl")
    program("jq")
    return Cron(newsroom, tmp_path)


async def test_the_cron_job_prints_each_event_once_in_order(newsroom: Newsroom, cron: Cron) -> None:
    await newsroom.push("a1")
    await newsroom.push("a2")
    assert await cron.run() == ["a1", "a2"]
    assert await cron.run() == []
    await newsroom.push("a3", "rahasia")
    await newsroom.push("a1", title="Lain")  # another type
    await newsroom.push("a4")
    assert await cron.run() == ["a4"]


async def test_the_cron_job_reads_page_after_page(newsroom: Newsroom, tmp_path: Path, cron: Cron) -> None:
    for number in range(1, 8):
        await newsroom.push(f"a{number}")
    script = next(one for one in recipes("sh") if one.startswith("#!/bin/sh"))
    small = Cron(newsroom, tmp_path, script.replace("&type=article.published", "&type=article.published&limit=2"))
    assert await small.run() == [f"a{number}" for number in range(1, 8)]


async def test_the_cron_job_goes_on_over_a_reset_of_the_log(newsroom: Newsroom, cron: Cron) -> None:
    await newsroom.db.write(installation.claim, b"proof")
    await newsroom.push("a1")
    await newsroom.push("a2")
    assert await cron.run() == ["a1", "a2"]
    await newsroom.db.write(installation.renew, 1)
    assert await cron.run() == ["a2"]  # what both logs have not in common is told again


async def test_the_cron_job_that_fails_goes_on_where_the_last_ended(
    newsroom: Newsroom, cron: Cron, tmp_path: Path
) -> None:
    await newsroom.push("a1")
    assert await cron.run() == ["a1"]
    place = (tmp_path / ".publisher-place").read_text()
    (tmp_path / ".publisher-place").write_text("/api/v1/events?feed=none\n")
    assert await cron.run(code=1) == []
    (tmp_path / ".publisher-place").write_text(place)
    await newsroom.push("a2")
    assert await cron.run() == ["a2"]


def verified(body: str, headers: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What n8n's Code node makes of a request."""
    (code,) = recipes("js")
    assert "'whsec_…'" in code
    code = code.replace("'whsec_…'", repr(SECRET))
    program = f"""
const $input = {{ first: () => ({{ json: {{ headers: {json.dumps(headers)} }} }}) }}
const node = {{ helpers: {{ getBinaryDataBuffer: async () => Buffer.from({json.dumps(body)}) }} }}
async function run() {{
{code}
}}
run.call(node).then((items) => console.log(JSON.stringify(items)), (error) => {{
  console.error(String(error))
  process.exit(1)
}})
"""
    return subprocess.run([NODE, "--input-type=commonjs"], input=program, capture_output=True, text=True, check=False)


def signed(at: datetime) -> dict[str, str]:
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": f"v1,b3RoZXI= {Webhook(SECRET).sign('evt_1', at, BODY)}",
    }


def test_the_node_of_n8n_takes_what_is_genuine() -> None:
    done = verified(BODY, signed(datetime.now(UTC)))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"json": json.loads(BODY)}]


@pytest.mark.parametrize(
    ("body", "age"), [(BODY.replace("naik", "turun"), timedelta()), (BODY, timedelta(minutes=6))], ids=["forged", "old"]
)
def test_the_node_of_n8n_refuses_what_is_forged_or_old(body: str, age: timedelta) -> None:
    done = verified(body, signed(datetime.now(UTC) - age))
    assert done.returncode == 1
    assert "not from the publisher" in done.stderr


async def test_what_the_recipes_register_can_be_registered(newsroom: Newsroom) -> None:
    bodies = [json.loads(body) for one in recipes("sh") for body in re.findall(r"-d '(.*?)'", one, re.DOTALL)]
    assert len(bodies) == 2
    for body in bodies:
        answer = await newsroom.client.post("/api/v1/webhooks", json=body, headers=newsroom.as_("subscriber"))
        assert answer.status == 201, await answer.text()
