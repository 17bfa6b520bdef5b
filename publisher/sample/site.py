"""The sample newsroom as a web site, built like the pages that the shipped profiles read.

Every page has an ETag and a Last-Modified and answers conditional requests, as a site should.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import cache, partial
from importlib.resources import files
from typing import Any

from aiohttp import web
from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined

from publisher.clock import Clock
from publisher.locale import format_decimal
from publisher.sample.newsroom import ZONE, Newsroom, Piece
from publisher.sample.picture import draw

WORDS = {
    "id": {
        "home": "/",
        "sections": "/rubrik/",
        "banner": "Ruang redaksi contoh; semua perusahaan di sini rekaan",
        "footer": "Warta Niaga adalah contoh.",
        "indicators": "INDIKATOR",
        "latest": "TERBARU",
        "illustration": "ILUSTRASI.",
        "source": "Sumber",
        "also": "Baca Juga",
        "follow": "Cek Berita dan Artikel lain dari Warta Niaga di halaman depan",
    },
    "en": {
        "home": "/en",
        "sections": "/section/",
        "banner": "A sample newsroom; every company here is invented",
        "footer": "Warta Niaga is a sample.",
        "indicators": "INDICATORS",
        "latest": "LATEST",
        "illustration": "ILLUSTRATION.",
        "source": "Source",
        "also": "Read also",
        "follow": "More from Warta Niaga is on the front page",
    },
}


def make_site(newsroom: Newsroom, now: Clock) -> web.Application:
    """The site over a newsroom; it shows what there is and moves nothing."""
    site = _Site(newsroom, now)
    app = web.Application()
    for path, language in (("/", "id"), ("/en", "en"), ("/rubrik/{section}", "id"), ("/section/{section}", "en")):
        app.router.add_get(path, partial(site.list, language))
    app.router.add_get("/news/{slug}", site.article)
    app.router.add_get("/photo/{slug:[a-z0-9-]{1,100}}.png", site.photo)
    app.router.add_get("/site.css", site.style)
    return app


class _Site:
    def __init__(self, newsroom: Newsroom, now: Clock) -> None:
        self._newsroom = newsroom
        self._now = now

    async def list(self, language: str, request: web.Request) -> web.Response:
        """The front page with the ticker, or the list of a section."""
        newsroom, now = self._newsroom, self._now()
        section = request.match_info.get("section")
        pieces = newsroom.latest(language, section.casefold() if section else None)
        if section and not pieces:
            raise web.HTTPNotFound
        html = _render(
            "front.html",
            language,
            indicators=[] if section else newsroom.market.indicators,
            clock=f"{newsroom.market_moved.astimezone(ZONE):%H:%M:%S}",
            sections=newsroom.sections(language),
            heading=pieces[0].story.section.upper() if section else WORDS[language]["latest"],
            pieces=[(piece, _ago(now - piece.published, language)) for piece in pieces],
            number=partial(format_decimal, locale=language),
        )
        # "5 minutes ago" changes with the minute, whether or not there is news.
        changed = max(newsroom.news_changed, newsroom.market_moved, now.replace(second=0, microsecond=0))
        return _send(request, html.encode(), "text/html", changed)

    async def article(self, request: web.Request) -> web.Response:
        """One article; 410 for one that was withdrawn."""
        slug = request.match_info["slug"]
        piece = self._newsroom.piece(slug)
        if piece is None:
            raise web.HTTPGone if self._newsroom.was_withdrawn(slug) else web.HTTPNotFound
        html = article_html(piece, str(request.url.origin()))
        return _send(request, html.encode(), "text/html", piece.changed)

    async def photo(self, request: web.Request) -> web.Response:
        """The illustration of a story, on this site or elsewhere: it is drawn from the name alone."""
        return _send(request, draw(request.match_info["slug"]), "image/png", None)

    async def style(self, request: web.Request) -> web.Response:
        """The style sheet."""
        body = files("publisher.sample").joinpath("templates/site.css").read_bytes()
        return _send(request, body, "text/css", None)


def article_html(piece: Piece, origin: str) -> str:
    """The page of a piece on a site at ``origin`` (no slash at its end)."""
    story, local = piece.story, piece.published.astimezone(ZONE)
    return _render(
        "article.html",
        story.language,
        piece=piece,
        story=story,
        origin=origin,
        dated=f"{format_date(local, 'EEEE, dd MMMM y', locale=story.language)} / {local:%H:%M} WIB",
        short_date=f"{local.day}/{local.month}/{local.year}",
    )


def _ago(age: timedelta, language: str) -> str:
    minutes = int(age.total_seconds()) // 60
    hours, minutes = divmod(minutes, 60)
    if language == "en":
        return f"{hours} h {minutes} min ago" if hours else f"{minutes} min ago"
    return f"{hours} Jam {minutes} Menit lalu" if hours else f"{minutes} Menit lalu"


def _render(template: str, language: str, **values: Any) -> str:
    return _environment().get_template(template).render(language=language, words=WORDS[language], **values)


def _send(request: web.Request, body: bytes, content_type: str, changed: datetime | None) -> web.Response:
    response = web.Response(body=body, content_type=content_type)
    if content_type.startswith("text/"):
        response.charset = "utf-8"
    response.etag = hashlib.sha256(body).hexdigest()[:24]
    if changed:
        response.last_modified = changed
    response.headers["Cache-Control"] = "no-cache"
    if _has_it(request, response):
        response.set_status(304)
        response.body = None
    return response


def _has_it(request: web.Request, response: web.Response) -> bool:
    if request.if_none_match is not None:
        return any(tag.value in (response.etag and response.etag.value, "*") for tag in request.if_none_match)
    since, changed = request.if_modified_since, response.last_modified
    return since is not None and changed is not None and changed <= since


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("publisher.sample"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
