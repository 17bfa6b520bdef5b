"""A feed of 60 KB over HTTP against a bare aiohttp handler that returns constant bytes.

    python -m benchmarks.serving [--quick]

Ours is the whole application (routes, access rules, validators, metrics) over SQLite; the bare one knows nothing and
has the same bytes and headers at hand. Each runs in a process of its own on uvloop; a third asks both in turns over
kept connections, for a 200, for a 200 in gzip and conditionally for a 304. Results are ratios of requests per second
(best round) and of the server's CPU time a request (median round); over 1 is better than the bare one.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar

import aiohttp
import uvloop
from aiohttp import web

from publisher.delivery import Deliverer
from publisher.ingest import Definitions, Intake
from publisher.model import Article, FeedDefinition, IndicatorSpec
from publisher.model.observed import ObservedArticle
from publisher.outbound import Outbound
from publisher.publish import Publications, SiteInfo
from publisher.storage.access.sealing import Sealer
from publisher.storage.configuration import feeds
from publisher.storage.engine.database import Database
from publisher.storage.log.tail import Tail
from publisher.web.app import make_app
from publisher.web.ops.metrics import add_metrics
from publisher.web.services import Services

CONNECTIONS = 16
SITE = SiteInfo("Berita", "https://news.example", "id", "Asia/Jakarta")
NEWS = FeedDefinition(name="news", title="Berita", limit=50)
WORDS = [
    "harga",
    "kopi",
    "naik",
    "pada",
    "perdagangan",
    "hari",
    "ini",
    "di",
    "tengah",
    "permintaan",
    "yang",
    "kuat",
    "dari",
    "luar",
    "negeri",
]
KINDS = {
    "200": {},
    "200 in gzip": {"Accept-Encoding": "gzip"},
    "304": {"Accept-Encoding": "gzip", "If-None-Match": "{etag}"},
}


class Catalog:
    """What the application asks of the configuration."""

    feeds: ClassVar[dict[str, FeedDefinition]] = {"news": NEWS}
    indicators: ClassVar[dict[str, IndicatorSpec]] = {}


async def application(data: Path) -> web.Application:
    """The publisher's own, over a feed of 50 articles."""
    db = await Database.open("sqlite", data)
    await db.write(feeds.sync, {"news": NEWS.digest})
    definitions = Definitions(
        feeds=lambda: Catalog.feeds, sources=frozenset, indicators=dict, timezone=lambda: SITE.timezone
    )
    intake = Intake(db, definitions)
    chance = random.Random(1)
    for number in range(50):
        # Text that packs about as well as news does.
        body = "".join(
            f"<p>{' '.join(chance.choice(WORDS) + chance.choice('aiueo') for _ in range(14))}.</p>" for _ in range(7)
        )
        article = Article(id=f"a{number}", title=f"Berita {number}", body=body)
        await intake.push_article(ObservedArticle(article, article.id, article.id))
    outbound, sealer = Outbound(), Sealer.open(data)
    app = make_app(
        Services(
            db=db,
            site=lambda: SITE,
            catalog=Catalog,
            tail=Tail(db),
            ingest=intake,
            publications=Publications(db, Catalog.feeds, SITE, data),
            deliverer=Deliverer(db, outbound, sealer, schedule=[1.0], timeout=5.0),
            sealer=sealer,
            guard=outbound,
            probes={},
        )
    )
    add_metrics(app)
    return app


async def bare(data: Path) -> web.Application:
    """Constant answers; they are put into the folder by whoever asks."""
    plain, packed = (data / "plain").read_bytes(), (data / "packed").read_bytes()
    etag, kind = (data / "etag").read_text(), "application/rss+xml; charset=utf-8"

    async def answer(request: web.Request) -> web.Response:
        if "If-None-Match" in request.headers:
            return web.Response(status=304, headers={"ETag": etag})
        if "Accept-Encoding" in request.headers:
            coding = {"Content-Encoding": "gzip", "Content-Type": kind, "ETag": etag}
            return web.Response(body=packed, headers=coding)
        return web.Response(body=plain, headers={"Content-Type": kind, "ETag": etag})

    app = web.Application()
    app.router.add_get("/feeds/news.rss", answer)
    return app


def serve(make: Callable[[Path], object], data: Path, pipe: Connection) -> None:
    """Serve an application; sends its port, and its CPU seconds whenever it is asked."""

    async def run() -> None:
        runner = web.AppRunner(await make(data), access_log=None)  # type: ignore[misc]
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, pipe.recv):
            pipe.send(time.process_time())

    uvloop.run(run())


class Asker(asyncio.Protocol):
    """One kept connection that asks as soon as it was answered; counts whole answers."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._missing = 0
        self._head = b""
        self.count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._missing = (0 if b" 304 " in head[:13] else int(length)) - len(body)
            self._head = b""
        if not self._missing:
            self.count += 1
            self._transport.write(self._request)  # type: ignore[attr-defined]


async def ask(port: int, headers: dict[str, str], seconds: float) -> float:
    """Requests per second over :data:`CONNECTIONS`."""
    lines = [
        "GET /feeds/news.rss HTTP/1.1",
        "Host: news.example",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    request = "\r\n".join([*lines, "", ""]).encode()
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Asker(request), "127.0.0.1", port) for _ in range(CONNECTIONS)]
    began, before = time.perf_counter(), sum(asker.count for _, asker in made)
    await asyncio.sleep(seconds)
    done = sum(asker.count for _, asker in made) - before
    rate = done / (time.perf_counter() - began)
    for transport, _ in made:
        transport.close()
    return rate


async def fetch(port: int, folder: Path) -> str:
    """Put what the bare server shall answer into the folder; returns the entity tag."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        for coding, name in (("identity", "plain"), ("gzip", "packed")):
            headers = {"Accept-Encoding": coding}
            async with session.get(f"http://127.0.0.1:{port}/feeds/news.rss", headers=headers) as answer:
                (folder / name).write_bytes(await answer.read())
                etag = answer.headers["ETag"]
    (folder / "etag").write_text(etag)
    return etag


class Server:
    """One of the two, in a process of its own."""

    def __init__(self, make: Callable[[Path], object], data: Path) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=serve, args=(make, data, theirs), daemon=True)
        self._process.start()
        self.port: int = self._pipe.recv()

    def cpu(self) -> float:
        """CPU seconds that it has used so far."""
        self._pipe.send(True)
        return float(self._pipe.recv())

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.join()


async def measure(folder: Path, rounds: int, seconds: float) -> None:
    """Print a line for each kind of answer."""
    ours = Server(application, folder)
    etag = await fetch(ours.port, folder)
    servers = {"ours": ours, "bare": Server(bare, folder)}
    sizes = [len((folder / name).read_bytes()) // 1024 for name in ("plain", "packed")]
    print(f"serving: a feed of {sizes[0]} KB ({sizes[1]} KB in gzip), {CONNECTIONS} connections")
    for kind, headers in KINDS.items():
        asked = {name: value.format(etag=etag) for name, value in headers.items()}
        rates: dict[str, list[float]] = {name: [] for name in servers}
        costs: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, server in servers.items():
                before = server.cpu()
                rate = await ask(server.port, asked, seconds)
                rates[name].append(rate)
                costs[name].append((server.cpu() - before) / (rate * seconds) * 1e6)
        best = {name: max(found) for name, found in rates.items()}
        cost = {name: statistics.median(found) for name, found in costs.items()}
        print(
            f"  {kind:12} {best['ours']:7,.0f}/s of {best['bare']:7,.0f}/s ×{best['ours'] / best['bare']:.2f}"
            f"   {cost['ours']:4.0f} µs of CPU, bare {cost['bare']:4.0f} µs ×{cost['bare'] / cost['ours']:.2f}"
        )
    for server in servers.values():
        server.stop()


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short rounds: whether it runs, not how fast")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(measure(Path(folder), 1 if quick else 5, 0.5 if quick else 2.0))


if __name__ == "__main__":
    main()
