"""The kind ``page``: one page over HTTP, with an article, a ticker, or both; requested only when it has changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from publisher.configfile import Zone
from publisher.errors import FetchError, ReadError
from publisher.locale import known_locale
from publisher.model import identity_id
from publisher.model.base import Frozen
from publisher.model.observed import Batch
from publisher.sources.base import PAGE_LIMIT, Limit, Response, Source, SourceContext
from publisher.sources.documents.spoken import COMMON, language_of_page
from publisher.sources.fetching.request import (
    get,
    header,
    moved,
    unreadable,
    validators,
    web_address,
)
from publisher.sources.profiles.profile import HtmlProfile, TextProfile, conventions
from publisher.sources.reading import silence
from publisher.sources.reading.draft import Reading, observed
from publisher.sources.urls import addresses, identifying


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
        response = await get(self.context, self.options.url, bookmark, self.options.limit)
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
    """What a page or file holds. ``url`` is where it was fetched from, None for a file. Raises ReadError."""
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
    # The service itself reads no document, so it does without its readers: 1 MB.
    from publisher.sources.html.profiled import read_html
    from publisher.sources.html.unprofiled.page import read_any
    from publisher.sources.text.dump import read_text

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


def _own_locale(body: bytes, language: str) -> str:
    """The locale of the dates in a page that no profile describes: what it names, as far as that is at hand."""
    named = language_of_page(body) or language.lower()
    if named.replace("_", "-") == language.lower().replace("_", "-"):
        try:
            return str(known_locale(language))
        except ReadError:
            return "en"
    spoken = named.partition("-")[0]
    return spoken if spoken in COMMON else "en"
