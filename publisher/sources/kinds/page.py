"""The kind ``page``: one page over HTTP, with an article, a ticker, or both; asked for only when it has changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from publisher import retryafter
from publisher.configfile import Zone
from publisher.content import absolute
from publisher.errors import AddressRefused, FetchError, Overrun, ReadError
from publisher.locale import known_locale
from publisher.model import identity_id
from publisher.model.base import Frozen
from publisher.model.observed import Batch, Problem
from publisher.sources import silence
from publisher.sources.base import PAGE_LIMIT, Limit, Response, Source, SourceContext
from publisher.sources.html import read_html
from publisher.sources.profile import HtmlProfile, TextProfile
from publisher.sources.reading import Reading, observed
from publisher.sources.text import read_text
from publisher.sources.unprofiled import conventions, read_any
from publisher.sources.urls import addresses, identifying

OVERRUN_WAIT = 300.0
"""Seconds that a source is left alone after one of its documents took more than it may."""

_LANG = re.compile(rb"""<html\b[^>]{0,500}?\slang\s*=\s*["']?([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)""", re.IGNORECASE)
COMMON = frozenset(
    ["ar", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "ms", "nl", "pl", "pt", "ru", "th", "tr", "vi", "zh"]
)
"""Languages that a page may name for its dates, besides the installation's own: each loads something anew when it is
first met, and strangers are not to choose how often. Dates in others are read as English ones."""

_CHALLENGE = re.compile(
    rb"just a moment\.\.\.|attention required|cf-browser-verification|challenge-platform|cf_chl_|captcha"
    rb"|verify(?:ing)? (?:that )?you are (?:a )?human|are you a robot|access denied|pardon our interruption",
    re.IGNORECASE,
)


def web_address(value: str) -> str:
    """An absolute http or https URL; raises ValueError."""
    if absolute(value, None) is None:
        raise ValueError(f'"{value}" is no absolute http or https URL')
    return value


class PageOptions(Frozen):
    """The keys of a page. ``limit`` is in bytes. ``timezone`` holds where its dates name none, and no profile does.

    ``identity``: what its article is known by, ``url`` its canonical URL, ``path`` the ``url`` of this source.
    """

    url: str
    limit: Limit = PAGE_LIMIT
    timezone: Zone | None = None
    identity: Literal["url", "path"] = "url"

    _web = field_validator("url")(web_address)


class PageSource(Source):
    """Reads one page.

    The bookmark keeps its ``etag`` and ``last_modified``, what was ``found`` in it, and of which ``symbols`` a row was.
    """

    kind: ClassVar[str] = "page"
    Options = PageOptions
    options: PageOptions

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        """What the page holds; nothing where it has not changed.

        Raises FetchError, also where the page has lost what it had before.
        """
        response = await get(self, self.options.url, bookmark, self.options.limit)
        if response.status == 304:
            return Batch(bookmark=bookmark, unchanged=True)
        reading = await parse_page(response, self.context.within(self.options.timezone), self.options.url)
        found = silence.parts(reading)
        for part in bookmark.get("found", ()):
            if part not in found:
                raise FetchError(silence.in_words(reading, part), status=response.status)
        address = (reading.fields or {}).get("url") or response.url
        known_by = address if self.options.identity == "url" else self.options.url
        identity = identifying(known_by)
        article = observed(reading, identity_id(identity), identity)
        article = article and replace(article, addresses=addresses(known_by))
        symbols, lost = silence.lost_rows(
            bookmark.get("symbols", ()), reading.indicators, reading.problems, self.options.url
        )
        remembered = {**validators(response), "found": found, **({"symbols": symbols} if symbols else {})}
        return Batch(
            (article,) if article else (),
            tuple(reading.indicators),
            (*moved(response, self.options.url), *reading.problems, *lost),
            remembered,
            shown=True,
        )


async def parse_page(response: Response, context: SourceContext, origin: str) -> Reading:
    """What a page that was fetched holds, by the source's profile, else by what it says of itself.

    Raises FetchError for what is no page.
    """
    kind = header(response, "content-type").partition(";")[0].strip().lower()
    if kind and not re.search(r"html|xml|^text/", kind):
        raise FetchError(f"is {kind}, no page")
    try:
        return await parse_document(response.body, context, origin, response.url, header(response, "content-type"))
    except ReadError as error:
        raise unreadable(error, response.status) from error


async def parse_document(
    body: bytes, context: SourceContext, origin: str, url: str | None, content_type: str = ""
) -> Reading:
    """What a page or file holds. ``url`` is where it was fetched from, null for a file. Raises ReadError."""
    found = await context.parse(
        "page",
        body,
        indicators=getattr(context.profile, "ticker", None) is not None,
        origin=origin,
        url=url or "",
        fetched=url is not None,
        content_type=content_type,
        **({"locale": _own_locale(body, context.language)} if context.profile is None else {}),
    )
    profile = context.profile or conventions(url or "", context.language, context.timezone)
    fields, origins = found.rest.get("fields"), found.rest.get("origins") or {}
    return Reading(origin, profile, fields, found.indicators, found.problems, origins)


def read_document(
    document: Response, context: SourceContext, origin: str, *, fetched: bool, locale: str = "en"
) -> Reading:
    """What :func:`parse_document` says, where documents are read."""
    now, specs, profile = context.now(), context.indicators, context.profile
    kind = header(document, "content-type")
    if profile is None:
        where = {"origin": origin, "url": document.url, "content_type": kind, "locale": locale}
        return read_any(
            document.body, language=context.language, timezone=context.timezone, assumed=context.assumed, **where
        )
    if isinstance(profile, TextProfile):
        return read_text(document.body, profile, origin=origin, now=now, specs=specs)
    assert isinstance(profile, HtmlProfile)
    url = document.url if fetched else None
    return read_html(document.body, profile, origin=origin, now=now, url=url, content_type=kind, specs=specs)


def unreadable(error: ReadError, status: int, url: str | None = None) -> FetchError:
    """A source's document that cannot be read. One that took too much leaves its source alone for a while.

    ``url`` is said where a source has several.
    """
    wait = OVERRUN_WAIT if isinstance(error, Overrun) else None
    return FetchError(f"{url}: {error}" if url else str(error), status=status, retry_after=wait)


def _own_locale(body: bytes, language: str) -> str:
    """The locale of the dates in a page that no profile describes: what it names, as far as that is at hand."""
    found = _LANG.search(body, 0, 4_096)
    named = found[1].decode().lower() if found else language.lower()
    if named.replace("_", "-") == language.lower().replace("_", "-"):
        try:
            return str(known_locale(language))
        except ReadError:
            return "en"
    spoken = named.partition("-")[0]
    return spoken if spoken in COMMON else "en"


async def get(
    source: Source, url: str, bookmark: Mapping[str, Any], limit: int, headers: Mapping[str, str] | None = None
) -> Response:
    """A document, or 304 where it is the one that ``bookmark`` is of. Raises FetchError for every other answer."""
    asked = {"If-None-Match": bookmark.get("etag"), "If-Modified-Since": bookmark.get("last_modified")}
    sent = {**(headers or {}), **{name: value for name, value in asked.items() if value}}
    try:
        response = await source.context.http.get(url, sent, limit)
    except AddressRefused as error:
        raise FetchError(f"refused: {error}", advice=error.advice) from error
    except TimeoutError as error:
        raise FetchError("did not answer in time") from error
    if response.status == 304 and any(asked.values()):
        return response
    if response.status == 200:
        if len(response.body) > limit:
            raise FetchError(f"is too large: the limit is {limit:,} bytes")
        return response
    raise refusal(response, source.context.now())


def moved(response: Response, url: str) -> list[Problem]:
    """What is to be said of a source's own address that has moved for good."""
    to = getattr(response, "moved", None)
    message = f"has moved for good to {to}; correct the url of the source"
    return [Problem(url, message, field="url", severity="warning")] if to else []


def header(response: Response, name: str) -> str:
    """A header's value, whatever the case of its name; empty where there is none."""
    return next((value for key, value in response.headers.items() if key.lower() == name), "")


def validators(response: Response) -> dict[str, str]:
    """What a conditional request for the same document sends back."""
    named = {"etag": header(response, "etag"), "last_modified": header(response, "last-modified")}
    return {name: value for name, value in named.items() if value}


def refusal(response: Response, now: datetime) -> FetchError:
    """Why an answer is none that can be used, in words, and for how long its server wants to be left alone."""
    status = response.status
    said = f"answered {status}"
    challenged = header(response, "cf-mitigated").lower() == "challenge" or _CHALLENGE.search(response.body[:65_536])
    if status in (401, 403, 429, 503) and challenged:
        said += " with a challenge page: blocked"
    elif status in (404, 410):
        said += ": there is no such page"
    elif status == 429:
        said += ": asked too often"
    asked = retryafter.read(header(response, "retry-after"), now)
    if asked.ignored:
        said += f" ({asked.ignored})"
    return FetchError(said, status=status, retry_after=asked.seconds)
