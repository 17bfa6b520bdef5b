"""The clients in docs/api.md do what they say: they follow the log by the address that each page gives them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.clock import ManualClock
from support.delivering import eventually
from web.webroom import Newsroom, open_newsroom

from publisher.storage.configuration import installation
from publisher.storage.engine.database import Database

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
SECTION = PAGE[PAGE.index("### Follow the log") : PAGE.index("### After a restore")]
HOST = "http://127.0.0.1:8080"


@pytest.fixture
async def newsroom(sqlite_db: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Newsroom]:
    async with open_newsroom(sqlite_db, tmp_path / "data", clock) as running:
        yield running


@asynccontextmanager
async def running(newsroom: Newsroom, language: str, *command: str) -> AsyncIterator[asyncio.StreamReader]:
    """What the recipe in this language prints, run against this newsroom."""
    (recipe,) = re.findall(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    assert recipe.count(HOST) == 1
    text = recipe.replace(HOST, str(newsroom.client.make_url("")).rstrip("/"))
    process = await asyncio.create_subprocess_exec(
        *command, text, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def line(printed: asyncio.StreamReader) -> str:
    return (await asyncio.wait_for(printed.readline(), 120)).decode()


async def test_the_python_client_follows_from_the_start_and_over_a_reset(newsroom: Newsroom) -> None:
    await newsroom.db.write(installation.claim, b"proof")
    await newsroom.push("a1")
    async with running(newsroom, "python", sys.executable, "-u", "-c") as printed:
        assert await line(printed) == "1 article.published a1\n"
        await newsroom.push("a2", "rahasia")
        await newsroom.push("a3")
        assert await line(printed) == "3 article.published a3\n"
        await newsroom.db.write(installation.renew, 1)
        # What both logs have not in common is told again.
        assert await line(printed) == "3 article.published a3\n"


async def test_the_shell_client_follows_from_now_on(newsroom: Newsroom, program: Callable[[str], str]) -> None:
    program("curl")
    program("jq")
    await newsroom.push("a1")

    async def waiting() -> int:
        return len(newsroom.db._growth._news._waiters)

    async with running(newsroom, "sh", "sh", "-c") as printed:
        await eventually(waiting, 1)
        await newsroom.push("a2", "rahasia")
        await newsroom.push("a3")
        assert '"seq":3' in await line(printed)
