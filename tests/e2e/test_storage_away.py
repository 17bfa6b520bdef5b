"""A running service whose database goes away and comes back."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp
from support.cut import line_to
from support.delivering import PAUSE
from support.service import api_client, key_of, serving, write_installation


async def _ready(client: aiohttp.ClientSession, url: str, status: int) -> None:
    """Ask until it is so ready; a minute without it is a failure."""
    async with asyncio.timeout(60):
        while True:
            async with client.get(f"{url}/readyz") as answer:
                if answer.status == status:
                    return
            await asyncio.sleep(PAUSE)


async def test_its_log_has_a_line_or_two_it_serves_what_anyone_may_read_and_goes_on_by_itself(
    tmp_path: Path, postgres_url: str
) -> None:
    async with line_to(postgres_url) as (line, url):
        sources = "".join(
            f'[[source]]\nname = "desk{n}"\nkind = "folder"\nnodes = ["*"]\npath = "inbox"\nevery = "200ms"\n'
            for n in range(5)
        )
        home = write_installation(tmp_path, {"config/sources.toml": sources, "inbox/a.txt": "Kabar\n\nIsi kabar.\n"})
        config = home / "config/publisher.toml"
        config.write_text(f'{config.read_text()}\n[storage]\nurl = "{url}"\n')
        key = await key_of(home)
        async with serving(home) as service, api_client(key) as client:
            article = {"title": "Kabar", "body": "<p>Isi.</p>"}
            assert (await client.put(f"{service.url}/api/v1/articles/a1", json=article)).status == 201
            paths = ("/", "/feeds/news.rss", "/feeds/news")
            before = {path: await (await client.get(service.url + path)).read() for path in paths}
            await _ready(client, service.url, 200)
            logged = len(service.log)

            await line.cut()
            await _ready(client, service.url, 503)
            for _ in range(30):
                assert (await client.put(f"{service.url}/api/v1/articles/a2", json=article)).status == 503
                for path in paths:
                    assert (await client.get(service.url + path)).status == 200
            assert {path: await (await client.get(service.url + path)).read() for path in paths} == before
            told = Counter((entry["event"], entry.get("doing")) for entry in service.log[logged:])
            assert max(told.values()) == 1, told
            assert len(told) <= 4, told

            await line.mend()
            await _ready(client, service.url, 200)
            assert (await client.put(f"{service.url}/api/v1/articles/a2", json=article)).status == 201
            assert b"a2" in await (await client.get(f"{service.url}/feeds/news.json")).read()
