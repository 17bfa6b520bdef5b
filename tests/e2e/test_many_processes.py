"""Several processes on one PostgreSQL database: by role, on machines whose clocks are wrong, and on SQLite refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from support.delivering import endpoint, eventually
from support.service import LOOPBACK, Service, api_client, key_of, migrated, publisher, write_installation
from support.wallclock import faked, preloaded

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>t</title><link>http://x/</link>
<item><title>Kabar</title><link>http://x/kabar</link><description>Isi kabar.</description></item></channel></rss>"""


@asynccontextmanager
async def upstream() -> AsyncIterator[tuple[str, list[float]]]:
    """A feed with one item, and when it was read, by the loop's clock."""
    readings: list[float] = []

    async def handle(_request: web.Request) -> web.Response:
        readings.append(asyncio.get_running_loop().time())
        return web.Response(body=RSS, content_type="application/rss+xml")

    application = web.Application()
    application.router.add_get("/feed", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/feed", readings
    await runner.cleanup()


def installation(home: Path, url: str, feed: str = "", **source: str) -> Path:
    settings = f"""
[server]
port = 0
[storage]
url = "{url}"
[fetch]
{LOOPBACK}
robots = false
pause = "0s"
[delivery]
{LOOPBACK}
schedule = ["1s", "1s", "1s"]
"""
    keys = {"every": "2s", "backfill": "push", **source}
    lines = ["[[source]]", 'name = "wire"', 'kind = "feed"', f'url = "{feed}"']
    lines += [f'{key} = "{value}"' for key, value in keys.items()]
    text = "\n".join(lines) if feed else ""
    return write_installation(home, {"config/publisher.toml": settings, "config/sources.toml": text})


@asynccontextmanager
async def running(home: Path, *nodes: tuple[str, str, Mapping[str, str]]) -> AsyncIterator[list[Service]]:
    """Processes of these names and roles, with these variables in their environment."""
    services = [Service(home, {"PUBLISHER_SERVER__NODE": name, **more}, role=role) for name, role, more in nodes]
    try:
        for service in services:
            await service.start()
        yield services
    finally:
        for service in services:
            await service.kill()


def paces(readings: list[float], every: float) -> int:
    """How many readings there may be for one source: one for each pace between the first and the last of them, and
    those two, of which the first may have come late."""
    return int((readings[-1] - readings[0]) / every) + 2


async def operator(home: Path) -> str:
    return await key_of(home)


async def test_three_processes_of_a_role_each_are_one_whole_service(tmp_path: Path, postgres_url: str) -> None:
    async with upstream() as (feed, _), endpoint() as receiver:
        home = installation(tmp_path / "home", postgres_url, feed)
        key = await operator(home)
        alone: Mapping[str, str] = {}
        async with running(home, ("a", "web", alone), ("b", "ingest", alone), ("c", "deliver", alone)) as services:
            web_, ingest, deliver = services
            async with api_client(key) as client:
                hook = {"url": receiver.url(), "feeds": ["news"]}
                assert (await client.post(f"{web_.url}/api/v1/webhooks", json=hook)).status == 201
                article = {"title": "Pesan", "body": "<p>Isi.</p>"}
                assert (await client.put(f"{web_.url}/api/v1/articles/a1", json=article)).status == 201
                await receiver.until(lambda: any(b"Pesan" in one.body for one in receiver.got))

                async def titles() -> list[str]:
                    answer = await client.get(f"{web_.url}/feeds/news.json")
                    return sorted(item["title"] for item in (await answer.json(content_type=None))["items"])

                await eventually(titles, ["Kabar", "Pesan"])
                for service in (ingest, deliver):
                    assert (await client.get(f"{service.url}/healthz")).status == 200
                    assert (await client.get(f"{service.url}/feeds/news.json")).status == 404
                    assert b"publisher_nodes 3.0" in await (await client.get(f"{service.url}/metrics")).read()
                parts = [(await (await client.get(f"{one.url}/readyz")).json())["parts"] for one in services]
                assert all(state == "ok" for found in parts for state in found.values())
                assert [{"scheduler", "deliverer"} & found.keys() for found in parts] == [
                    set(), {"scheduler"}, {"deliverer"}
                ]  # fmt: skip
            shown = json.loads(await publisher("nodes", "--json", "--home", str(home)))
            assert [(one["name"], one["roles"], one["lost"]) for one in shown] == [
                ("a", ["web"], False), ("b", ["ingest"], False), ("c", ["deliver"], False)
            ]  # fmt: skip
            assert {one["pid"] for one in shown} == {one.pid for one in services}
            assert {one["definitions"] for one in shown} == {1}
            (source,) = json.loads(await publisher("sources", "--json", "--home", str(home)))
            assert source["node"] == "b"
            assert await web_.stop() == 0
            assert [one["name"] for one in json.loads(await publisher("nodes", "--json", "--home", str(home)))] == [
                "b", "c"
            ]  # fmt: skip


async def test_nodes_whose_clocks_are_wrong_by_an_hour_do_no_harm(
    tmp_path: Path, postgres_url: str, program: Callable[[str], str]
) -> None:
    library = preloaded(program("faketime"))
    clocks = {}
    for hours in ("+1", "-1"):
        clocks[hours] = tmp_path / f"clock{hours}"
        clocks[hours].write_text(f"{hours}h\n")
    # The first attempt fails, so that a retry waits by somebody's clock.
    async with upstream() as (feed, readings), endpoint(lambda number: 500 if number == 0 else 204) as receiver:
        home = installation(tmp_path / "home", postgres_url, feed)
        key = await operator(home)
        ahead, behind = (faked(library, clocks[hours]) for hours in ("+1", "-1"))
        began = datetime.now(UTC)
        nodes = (("ahead", "all", ahead), ("behind", "all", behind))
        async with running(home, *nodes) as services, api_client(key) as client:
            hook = {"url": receiver.url(), "feeds": ["news"]}
            assert (await client.post(f"{services[0].url}/api/v1/webhooks", json=hook)).status == 201
            soon = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
            for number, service in enumerate(services):
                article = {"title": f"Kabar {number}", "body": "<p>Isi.</p>"}
                assert (await client.put(f"{service.url}/api/v1/articles/now{number}", json=article)).status == 201
                later = {**article, "published": soon}
                assert (await client.put(f"{service.url}/api/v1/articles/later{number}", json=later)).status == 202
                past = {**article, "published": (began - timedelta(minutes=30)).isoformat()}
                assert (await client.put(f"{service.url}/api/v1/articles/past{number}", json=past)).status == 201
            await receiver.until(lambda: len(receiver.taken) >= 4)
            shown = json.loads(await publisher("nodes", "--json", "--home", str(home)))
            answer = await client.get(f"{services[1].url}/api/v1/events")
            events = (await answer.json())["events"]
        ended = datetime.now(UTC)
        slack = timedelta(seconds=5)
        sent = [datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), UTC) for one in receiver.got]
        logged = [datetime.fromisoformat(one["timestamp"]) for one in events]
        assert sent and logged
        assert all(began - slack <= at <= ended + slack for at in (*sent, *logged))
        assert len(readings) <= paces(readings, 2.0)
        assert [round(one["clock_offset"] / 3600) for one in shown] == [1, -1]
        assert all(any(entry["event"] == "clock.wrong" for entry in service.log) for service in services)


async def test_two_processes_read_a_source_once_for_each_pace(tmp_path: Path, postgres_url: str) -> None:
    async with upstream() as (feed, readings):
        home = installation(tmp_path / "home", postgres_url, feed, every="1s")
        async with running(home, ("a", "ingest", {}), ("b", "ingest", {})):

            async def enough() -> bool:
                return len(readings) >= 8

            await eventually(enough, True)
    assert len(readings) <= paces(readings, 1.0)


async def test_a_second_process_that_reads_is_refused_on_sqlite_and_one_that_only_answers_is_not(
    tmp_path: Path,
) -> None:
    home = migrated(installation(tmp_path / "home", "sqlite"))
    async with running(home, ("a", "all", {})) as (first,):
        with pytest.raises(AssertionError, match=rf"process {first.pid} \(web, ingest, deliver\).*--role web"):
            await Service(home, role="ingest").start()
        async with running(home, ("b", "web", {})) as (second,), aiohttp.ClientSession() as client:
            assert (await client.get(f"{second.url}/feeds/news.json")).status == 200
