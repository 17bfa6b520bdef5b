"""A running service holds its clients to what its configuration says."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from support.delivering import PAUSE
from support.service import Service, migrated, write_installation

LONGEST_STOP = 10
"""Seconds after which a service manager may lose patience."""

LONG = f"<p>{'isi ' * 200_000}</p>"


async def _configured(tmp_path: Path, server: str) -> Service:
    articles = {
        f"inbox/a{number}.json": f'{{"id": "a{number}", "title": "Kabar", "body": "{LONG}"}}' for number in range(6)
    }
    source = '[[source]]\nname = "desk"\nkind = "folder"\npath = "inbox"\n'
    home = migrated(write_installation(tmp_path, {"config/sources.toml": source, **articles}))
    file = home / "config/publisher.toml"
    file.write_text(file.read_text().replace("[server]\n", f"[server]\n{server}\n"))
    service = Service(home)
    await service.start()
    return service


async def test_beyond_the_connections_that_are_configured_clients_get_503_and_metrics_count_them(
    tmp_path: Path,
) -> None:
    service = await _configured(tmp_path, 'connections = 10\nmetrics = "open"')
    try:
        begun = [await _begun(service) for _ in range(10)]
        # Whoever is not known to have begun gives way to the next; once all ten are, the next is refused.
        while not any(first.done() and b"503 Service Unavailable" in first.result() for first, _ in begun):
            assert len(begun) < 1000
            begun.append(await _begun(service))
        for first, writer in begun:
            writer.close()
            await first
        async with aiohttp.ClientSession() as session:
            counted = await _until_counted(session, service.url)
        assert re.search(r'publisher_connections_ended_total\{reason="full"\} [1-9]', counted)
    finally:
        await service.kill()


async def _begun(service: Service) -> tuple[asyncio.Task[bytes], asyncio.StreamWriter]:
    """A connection with half a head, and the first line that comes of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(service.url).port)
    writer.write(b"GET / HT")
    return asyncio.create_task(_first_line(reader)), writer


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ConnectionResetError:
        return b""


async def _until_counted(session: aiohttp.ClientSession, url: str) -> str:
    """The metrics, once a place is free to ask for them."""
    while True:
        async with session.get(f"{url}/metrics") as answer:
            if answer.status == 200:
                return await answer.text()
            assert answer.status == 503, await answer.text()
        await asyncio.sleep(PAUSE)


async def test_readers_who_have_stopped_reading_do_not_hold_up_the_end_of_the_service(tmp_path: Path) -> None:
    service = await _configured(tmp_path, "")
    stalled: list[asyncio.StreamWriter] = []
    try:
        await service.logged("source.read", source="desk")
        port = urlsplit(service.url).port
        for path in ("/feeds/news.rss", "/api/v1/articles"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
            stalled.append(writer)
        assert await asyncio.wait_for(service.stop(), LONGEST_STOP) == 0
    finally:
        for writer in stalled:
            writer.transport.abort()
        await service.kill()
