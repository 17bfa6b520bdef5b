"""A proxy between a client and a server, both on loopback: what passes is not changed, and is kept to be looked at."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

# What belongs to one connection and not to the message (RFC 9110 section 7.6.1), and what each side works out anew.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; the names of headers are in lower case, ``body`` is as it came over the wire."""

    asked: dict[str, str]
    status: int
    answered: dict[str, str]
    body: bytes

    @property
    def packed(self) -> bool:
        """Whether gzip was asked for, and the answer is gzip."""
        asked = "gzip" in self.asked.get("accept-encoding", "")
        return asked and self.answered.get("content-encoding") == "gzip" and bool(gzip.decompress(self.body))

    @property
    def document(self) -> bytes:
        """The body, unpacked."""
        return gzip.decompress(self.body) if "content-encoding" in self.answered else self.body


@dataclass
class Recording:
    """What passed, in order. ``url`` is the server's own address as clients of the proxy see it."""

    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def last(self) -> Exchange:
        """The newest exchange."""
        return self.exchanges[-1]


@asynccontextmanager
async def recording(upstream: str) -> AsyncIterator[Recording]:
    """A running proxy before the server at ``upstream``."""
    kept = Recording()
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def forward(request: web.Request) -> web.Response:
            asked = {name.lower(): value for name, value in request.headers.items()}
            async with session.request(
                request.method,
                f"{upstream}{request.rel_url}",
                headers={name: value for name, value in asked.items() if name not in _HOP_BY_HOP},
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
            answered = {name.lower(): value for name, value in answer.headers.items()}
            kept.exchanges.append(Exchange(asked, answer.status, answered, body))
            sent = {name: value for name, value in answered.items() if name not in _HOP_BY_HOP}
            return web.Response(status=answer.status, headers=sent, body=body)

        application = web.Application()
        application.router.add_get("/{path:.*}", forward)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        kept.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield kept
        finally:
            await runner.cleanup()
