"""Feeds as they stand on the wire: heads that were written before are no different from those that aiohttp writes."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from support.clock import ManualClock
from webroom import Newsroom

from publisher.web.ops.health import STOPPING

Answer = tuple[int, dict[str, str], bytes]


class Wire:
    """One connection to the application."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, newsroom: Newsroom, **options: Any) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", newsroom.client.port, **options))

    def ask(self, *lines: str, method: str = "GET", path: str = "/feeds/news.rss", version: str = "1.1") -> None:
        head = [f"{method} {path} HTTP/{version}", "Host: news.example", *lines, "", ""]
        self._writer.write("\r\n".join(head).encode())

    async def answer(self, *, body: bool = True) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name: value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        status = int(head[0].split()[1])
        length = int(headers.get("Content-Length", 0)) if body and status != 304 else 0
        return status, headers, await self._reader.readexactly(length)

    async def closed(self) -> bool:
        return await self._reader.read() == b""

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


VARYING = {"Date", "Connection", "Server"}


def lasting(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in VARYING}


@pytest.mark.parametrize("lines", [(), ("Accept-Encoding: gzip",), ("If-None-Match: *",)])
async def test_a_kept_connection_is_answered_as_one_that_ends(
    newsroom: Newsroom, clock: ManualClock, lines: tuple[str, ...]
) -> None:
    await newsroom.push("a1")
    clock.advance(60)
    kept, ending = await Wire.to(newsroom), await Wire.to(newsroom)
    ending.ask(*lines, "Connection: close")
    status, headers, body = await ending.answer()
    assert await ending.closed()
    for _ in range(3):
        kept.ask(*lines)
        again = await kept.answer()
        assert (again[0], lasting(again[1]), again[2]) == (status, lasting(headers), body)
        assert again[1]["Date"].endswith(" GMT")
        assert "Connection" not in again[1]
    await kept.close()
    await ending.close()


async def test_a_head_follows_what_it_depends_on(newsroom: Newsroom, clock: ManualClock) -> None:
    wire = await Wire.to(newsroom)
    tags = set()
    clock.advance(0.5)  # so that a change lies within its second
    for number in range(3):
        clock.advance(60)
        await newsroom.push(f"a{number}")
        wire.ask()
        _, early, _ = await wire.answer()
        assert "Last-Modified" not in early
        clock.advance(1)
        wire.ask()
        _, late, _ = await wire.answer()
        assert late["ETag"] == early["ETag"]
        assert late["Last-Modified"]
        assert late["Date"] != early["Date"]
        tags.add(late["ETag"])
    assert len(tags) == 3
    await wire.close()


async def test_head_is_answered_without_the_body_and_the_connection_goes_on(newsroom: Newsroom) -> None:
    await newsroom.push("a1")
    wire = await Wire.to(newsroom)
    wire.ask()
    _, got, body = await wire.answer()
    wire.ask(method="HEAD")
    status, asked, _ = await wire.answer(body=False)
    assert (status, asked["Content-Length"]) == (200, str(len(body)))
    assert lasting(asked) == lasting(got)
    wire.ask()
    assert (await wire.answer())[2] == body
    await wire.close()


async def test_an_old_client_is_answered_and_let_go(newsroom: Newsroom) -> None:
    wire = await Wire.to(newsroom)
    wire.ask(version="1.0")
    assert (await wire.answer())[0] == 200
    assert await wire.closed()
    await wire.close()


async def test_while_it_stops_every_connection_is_ended(newsroom: Newsroom) -> None:
    app = newsroom.client.app
    assert app is not None
    wire = await Wire.to(newsroom)
    wire.ask()
    assert "Connection" not in (await wire.answer())[1]
    app[STOPPING].append(True)
    wire.ask()
    assert (await wire.answer())[1]["Connection"] == "close"
    assert await wire.closed()
    await wire.close()


async def test_one_who_asks_much_and_reads_late_is_answered_in_order_and_whole(newsroom: Newsroom) -> None:
    for number in range(20):
        await newsroom.push(f"a{number}", body=f"<p>{'isi ' * 5000}</p>")
    slow = socket.create_connection(("127.0.0.1", newsroom.client.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    wire = Wire(*await asyncio.open_connection(sock=slow))
    formats = ["rss", "json", "atom"] * 10
    for one in formats:
        wire.ask(path=f"/feeds/news.{one}")
    await newsroom.get("/api/v1/articles")  # the others are served meanwhile
    sizes = set()
    for one in formats:
        _, headers, body = await wire.answer()
        assert headers["Content-Type"].startswith({"rss": "application/rss", "json": "application/feed"}.get(one, "a"))
        sizes.add((one, len(body)))
    assert len(sizes) == 3
    assert min(size for _, size in sizes) > 300_000
    await wire.close()
