"""What a page shows, decided: stored items as values that a template has only to write down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import idna

from publisher.content import opening, shortened
from publisher.locale.lookup import text_direction
from publisher.model import FeedDefinition, IndicatorSpec
from publisher.model.names import joined
from publisher.model.uri import uri
from publisher.publish import Address, page_path
from publisher.render import FORMATS, Format
from publisher.render.identity import symbol_slug
from publisher.render.media import attached
from publisher.storage.items.articles import StoredArticle
from publisher.storage.items.indicators import StoredIndicator
from publisher.web.pages.localised import Localised, Shown
from publisher.web.pages.texts import TEXTS

EXCERPT = 220
"""Characters of an article's text that a list shows."""


@dataclass(frozen=True, slots=True)
class Link:
    """One address of a feed: a format of it. ``short`` is its label where there is little room."""

    label: str
    short: str
    media_type: str
    path: str
    url: str


@dataclass(frozen=True, slots=True)
class FeedCard:
    """A feed and where to follow it. ``selects`` has the selection's keys that readers may know, as (what, values)."""

    name: str
    title: str
    description: str
    items: str
    language: str
    path: str
    url: str
    links: tuple[Link, ...]
    for_programs: Link
    full: bool
    limit: int
    selects: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that has an address."""

    url: str
    caption: str | None
    credit: str | None


@dataclass(frozen=True, slots=True)
class Headline:
    """An article in a list. ``outlet`` is who brought it first: the agency, else the host of its original."""

    path: str
    title: str
    excerpt: str
    section: str | None
    dateline: str | None
    outlet: str | None
    language: str
    direction: str
    time: Shown
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article on its page. ``body`` is HTML that was sanitised when it was taken in, None where it is not shown.

    ``authors`` are their names in one. ``attachments`` are (file name, address), ``related`` (title, address).
    """

    id: str
    title: str
    body: str | None
    summary: str | None
    section: str | None
    dateline: str | None
    authors: str
    editor: str | None
    agency: str | None
    topics: tuple[str, ...]
    language: str
    direction: str
    published: Shown | None
    updated: Shown | None
    first_seen: Shown
    picture: Picture | None
    attachments: tuple[tuple[str, str], ...]
    related: tuple[tuple[str, str | None], ...]
    original: str | None
    original_host: str | None
    canonical: str


@dataclass(frozen=True, slots=True)
class Quote:
    """An indicator in the ticker. ``direction`` is ``up``, ``down``, ``flat`` or empty where no change is known."""

    anchor: str
    symbol: str
    name: str
    unit: str | None
    value: str
    change: str | None
    percent: str | None
    direction: str
    time: Shown
    timed_by_market: bool


class Views:
    """Makes the values of one site; ``today`` is when the page is asked for."""

    def __init__(self, site_url: str, language: str, timezone: str, today: datetime) -> None:
        self.url = site_url.rstrip("/")
        self.root = urlsplit(self.url).path
        self.language = language
        self.today = today
        self.localised = Localised(language, timezone)

    def feed(self, feed: FeedDefinition) -> FeedCard:
        """The card of a feed."""
        return FeedCard(
            name=feed.name,
            title=feed.title,
            description=feed.description,
            items=feed.items,
            language=feed.language or self.language,
            path=f"{self.root}{page_path(feed.name)}",
            url=f"{self.url}{page_path(feed.name)}",
            links=tuple(self._link(feed, format) for format in FORMATS.values()),
            for_programs=self._link(feed, FORMATS.for_programs),
            full=feed.content == "full",
            limit=feed.limit,
            selects=tuple(
                (TEXTS[f"select_{key}"], ", ".join(values))
                for key, values in feed.select
                if values and key != "sources"
            ),
        )

    def _link(self, feed: FeedDefinition, format: Format) -> Link:
        address = Address(feed.name, format.name)
        return Link(
            label=format.label,
            short=format.short,
            media_type=format.media_type,
            path=f"{self.root}{address.path}",
            url=address.url(self.url),
        )

    def headline(self, item: StoredArticle) -> Headline:
        """An article as a list shows it."""
        data = item.data
        return Headline(
            path=self._article_path(item.id),
            title=data["title"],
            excerpt=shortened(data.get("summary") or opening(data["body"] or "") or "", EXCERPT),
            section=data.get("section"),
            dateline=data.get("dateline"),
            outlet=data.get("agency") or _outlet(data.get("url")),
            language=data.get("language") or self.language,
            direction=text_direction(data.get("language") or self.language),
            time=self.localised.brief(item.ordered_at, self.today),
            picture=_picture(data),
        )

    def article(self, item: StoredArticle) -> ArticleView:
        """An article as its own page shows it."""
        data = item.data
        here = f"{self.url}{self._article_path(item.id).removeprefix(self.root)}"
        url = uri(data["url"]) if data.get("url") else None
        return ArticleView(
            id=item.id,
            title=data["title"],
            body=data["body"],
            summary=data.get("summary"),
            section=data.get("section"),
            dateline=data.get("dateline"),
            authors=joined(data.get("authors") or ()),
            editor=data.get("editor"),
            agency=data.get("agency"),
            topics=tuple(data.get("topics") or ()),
            language=data.get("language") or self.language,
            direction=text_direction(data.get("language") or self.language),
            published=self._moment(data.get("published")),
            updated=self._moment(data.get("updated")),
            first_seen=self.localised.moment(item.first_seen_at),
            picture=_picture(data),
            attachments=tuple((_file_name(one.url), one.url) for one in attached(data.get("attachments") or ())),
            related=tuple(
                (one["title"], uri(one["url"]) if one.get("url") else None) for one in data.get("related") or ()
            ),
            original=url,
            original_host=_host(url),
            canonical=url or here,
        )

    def quote(self, item: StoredIndicator, spec: IndicatorSpec | None) -> Quote:
        """An indicator's newest observation."""
        data = item.data
        change, percent = _decimal(data, "change"), _decimal(data, "percent")
        return Quote(
            anchor=f"indicator-{symbol_slug(item.symbol)}",
            symbol=item.symbol,
            name=spec.names.get(self.language, spec.name) if spec else data["name"],
            unit=data.get("unit"),
            value=self.localised.number(Decimal(data["value"])),
            change=None if change is None else self.localised.number(change, signed=True),
            percent=None if percent is None else self.localised.percent(percent),
            direction=_direction(percent if change is None else change),
            time=self.localised.moment(datetime.fromisoformat(data.get("as_of") or data["observed_at"])),
            timed_by_market=bool(data.get("as_of")),
        )

    def _moment(self, text: str | None) -> Shown | None:
        return self.localised.moment(datetime.fromisoformat(text)) if text else None

    def _article_path(self, id: str) -> str:
        return f"{self.root}/articles/{quote(id)}"


def in_order(found: Iterable[StoredIndicator], order: Collection[str]) -> list[StoredIndicator]:
    """Indicators as ``order`` has their symbols, others behind them by symbol."""
    place = {symbol: n for n, symbol in enumerate(order)}
    return sorted(found, key=lambda item: (place.get(item.symbol, len(place)), item.symbol))


def _direction(moved: Decimal | None) -> str:
    if moved is None:
        return ""
    return "up" if moved > 0 else "down" if moved < 0 else "flat"


def _decimal(data: Mapping[str, Any], key: str) -> Decimal | None:
    return None if data.get(key) is None else Decimal(data[key])


def _host(url: str | None) -> str | None:
    """The host as people write it."""
    host = (urlsplit(uri(url)).hostname or "").removeprefix("www.") if url else ""
    try:
        return idna.decode(host) if "xn--" in host else host or None
    except idna.IDNAError:
        return host


def _outlet(url: str | None) -> str | None:
    """The host as readers know it; an address of numbers, as a site on this machine has, says nothing to them."""
    host = _host(url)
    try:
        ip_address(host or "")
    except ValueError:
        return host
    return None


def _file_name(url: str) -> str:
    """The last part of an address's path as people read it, else its host."""
    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or url


def _picture(data: Mapping[str, Any]) -> Picture | None:
    for image in data.get("images") or ():
        if image.get("url"):
            return Picture(uri(image["url"]), image.get("caption"), image.get("credit"))
    return None
