"""A small web site on a real socket: pages by path, each with a strong ETag; what was asked is kept."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from publisher.clock import Clock
from publisher.configfile import TomlFile
from publisher.outbound import Outbound
from publisher.sources.base import Source, SourceContext
from publisher.sources.kinds import kind_for
from publisher.sources.profiles.profile import parse_profile


@dataclass
class Answer:
    """What stands at a path. A redirect has ``headers={"Location": …}``."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Site:
    """``site["/path"]`` is set to text (a page), bytes, an :class:`Answer`, or a status.

    ``site.asked`` are path and status of each answer.
    """

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[tuple[str, int]] = []
        self.headers: list[Mapping[str, str]] = []
        self.url = ""

    def __setitem__(self, path: str, given: str | bytes | int | Answer) -> None:
        kind = {"Content-Type": "text/html; charset=utf-8"}
        match given:
            case str():
                self.pages[path] = Answer(given.encode(), headers=kind)
            case bytes():
                self.pages[path] = Answer(given)
            case int():
                self.pages[path] = Answer(b"", given)
            case _:
                self.pages[path] = given

    def forget(self) -> None:
        """Begin to count anew."""
        self.asked.clear()
        self.headers.clear()

    async def answer(self, request: web.Request) -> web.Response:
        page = self.pages.get(request.path_qs, Answer(b"", 404))
        etag = hashlib.sha256(page.body).hexdigest()[:16]
        same = page.status == 200 and request.headers.get("If-None-Match") == f'"{etag}"'
        response = web.Response(body=b"" if same else page.body, status=304 if same else page.status)
        response.headers.update(page.headers)
        if page.status == 200:
            response.etag = etag
        self.asked.append((request.path_qs, response.status))
        self.headers.append(dict(request.headers))
        return response


@asynccontextmanager
async def serving(site: Site | None = None) -> AsyncIterator[Site]:
    """A site that answers; ``site.url`` has no slash at its end."""
    site = site or Site()
    application = web.Application()
    application.router.add_route("GET", "/{path:.*}", site.answer)
    async with TestServer(application) as server:
        site.url = str(server.make_url("")).rstrip("/")
        yield site


@asynccontextmanager
async def client(**more: Any) -> AsyncIterator[Outbound]:
    """The guarded client, which may reach this machine."""
    http = Outbound(allow_private=["127.0.0.0/8:*"], **more)
    try:
        yield http
    finally:
        await http.close()


def article(title: str, text: str = "One sentence.", head: str = "") -> str:
    """A page as :data:`PROFILE` reads it."""
    body = f"<h1>{title}</h1><time>2 March 2026 08:00</time><div class=text><p>{text}</p></div>"
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"


def linking(*paths: str) -> str:
    """A page with links."""
    links = "".join(f'<li><a href="{path}">{path}</a></li>' for path in paths)
    return f"<!doctype html><nav><a href='/about'>About</a></nav><ul class=latest>{links}</ul>"


PROFILE = """
kind = "html"
base_url = "http://127.0.0.1/"
locale = "en"
timezone = "Asia/Jakarta"
language = "en"
[index]
links = "ul.latest a"
[article]
title = "h1"
published = "time"
[article.body]
select = "div.text"
"""


def reading_site(
    kind: str, http: Outbound, clock: Clock, home: Path, *, profile: str | None = PROFILE, **options: Any
) -> Source:
    """A source of that kind with the guarded client; ``profile`` is TOML."""
    cls = kind_for(kind)
    parsed = profile and parse_profile(TomlFile("site.toml", profile, tomllib.loads(profile)))
    context = SourceContext(home, parsed or None, http, "Asia/Jakarta", "en", now=clock)
    return cls("news", cls.Options.model_validate(options), context)
