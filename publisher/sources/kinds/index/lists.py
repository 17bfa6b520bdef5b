"""The lists of an index: what they link to, and which of those links are followed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from publisher.errors import Faulty, FetchError, ReadError, Unread
from publisher.model.observed import Problem
from publisher.sources.base import Response, SourceContext
from publisher.sources.documents.limits import MAX_ENTRIES
from publisher.sources.fetching.request import get, header, unreadable, validators
from publisher.sources.html.listing import LIST_LIMIT, Link, Listing, is_sitemap, read_list, read_sitemap
from publisher.sources.kinds.index.options import IndexOptions
from publisher.sources.kinds.index.visit import Visit
from publisher.sources.parsed import Parsed
from publisher.sources.profiles.patterns import find
from publisher.sources.profiles.profile import HtmlProfile
from publisher.sources.urls import canonical

FURTHER = 10
"""Sitemaps that are followed of a sitemap index, those that changed last."""

_PAIRS = TypeAdapter(list[tuple[str, str]])


class Lists:
    """The lists of one index."""

    def __init__(self, options: IndexOptions, context: SourceContext) -> None:
        self._options = options
        self._context = context

    async def read(self, url: str, known: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
        """Validators and links of a list; those that are remembered where it has not changed. Raises FetchError."""
        try:
            response = await get(self._context, url, known, LIST_LIMIT)
        except FetchError as error:
            said = f"{url}: {error}"
            raise FetchError(said, status=error.status, retry_after=error.retry_after, advice=error.advice) from error
        found = dict(known) if response.status == 304 else await self._changed(url, response, known, visit)
        visit.cut = visit.cut or bool(found.get("cut"))
        return found

    async def _changed(self, url: str, response: Response, known: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
        visit.judged.add(url)
        try:
            own, further, cut = await self._links(response)
        except ReadError as error:
            raise unreadable(error, response.status, url) from error
        if cut and self._options.complete:
            message = f"names more than {FURTHER} sitemaps, or {MAX_ENTRIES:,} pages; it is not taken for complete"
            visit.problems.append(Problem(url, message, severity="warning"))
        for one in further:
            found = await self._further(one.url, visit)
            own += found or []
            cut = cut or found is None
        if not own and not is_sitemap(response.body):
            self._nothing_found(url, known, visit)
        # A sitemap index may stay as it is when its parts change.
        remembered_as = {} if further else validators(response)
        links = [[link.url, link.stamp] for link in own]
        return {**remembered_as, "links": links, **({"cut": True} if cut else {})}

    async def _links(self, response: Response) -> tuple[list[Link], list[Link], bool]:
        """The links of a list that are followed, the lists that it leads on to, and whether it has more of them.

        Raises ReadError.
        """
        kept = self._options.model_dump(mode="json", include={"url", "links", "match", "allow_hosts"})
        kind = header(response, "content-type")
        found = await self._context.parse("index", response.body, url=response.url, content_type=kind, options=kept)
        links, further = (_checked(found.rest.get(name)) for name in ("links", "further"))
        return await asyncio.to_thread(self._followed, links), further[:FURTHER], found.rest.get("cut") is not False

    def _followed(self, links: Iterable[Link]) -> list[Link]:
        """The links that this source follows, whatever the process that parsed the list claims."""
        return [link for link in links if self._follows(link.url)][:MAX_ENTRIES]

    def parse(self, document: Response) -> Parsed:
        """What :meth:`_links` returns, in the process that parses documents."""
        listing = self._listing(document)
        own = [link for link in listing.links if self._follows(link.url)]
        return Parsed(rest={
            "links": [[link.url, link.stamp] for link in own[:MAX_ENTRIES]],
            "further": [[link.url, link.stamp] for link in listing.further[:FURTHER]],
            "cut": len(own) > MAX_ENTRIES or len(listing.further) > FURTHER,
        })  # fmt: skip

    def _listing(self, document: Response) -> Listing:
        if is_sitemap(document.body):
            return read_sitemap(document.body, document.url)
        if not self._selectors:
            raise ReadError('is a page, so the source needs "links": a selector of the links to follow')
        return read_list(document.body, document.url, self._selectors, header(document, "content-type"))

    async def _further(self, url: str, visit: Visit) -> list[Link] | None:
        """The links of a part of a list; None where they are not all known."""
        if not self.is_own(url):
            visit.problems.append(Problem(url, "is a sitemap of another host; it is not followed"))
            return []
        try:
            response = await get(self._context, url, {}, LIST_LIMIT)
            if not is_sitemap(response.body):
                raise ReadError("is no sitemap")
            found, deeper, cut = await self._links(response)
        except Unread as error:
            visit.problems.append(Problem(url, f"{error}; it is read again", severity="warning"))
        except (FetchError, ReadError) as error:
            visit.problems.append(Problem(url, str(error), advice=getattr(error, "advice", None)))
        else:
            visit.cut = visit.cut or cut or bool(deeper)
            return found
        return None

    def _nothing_found(self, url: str, known: Mapping[str, Any], visit: Visit) -> None:
        shown = ", ".join(f'"{selector}"' for selector in self._selectors)
        if known.get("links"):
            raise FetchError(f"{url}: {shown} finds no links any more; has the page changed?")
        visit.problems.append(Problem(url, f"{shown} finds no links", field="links"))

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset(canonical(one) for one in self._options.url)

    @property
    def _selectors(self) -> tuple[str, ...]:
        profile = self._context.profile
        given = profile.index.links if isinstance(profile, HtmlProfile) and profile.index else ()
        return self._options.links or given

    def _follows(self, url: str) -> bool:
        matches = self._options.match is None or find(self._options.match, url) is not None
        return url not in self._own and matches and self.is_own(url)

    def is_own(self, url: str) -> bool:
        """Whether an address is on the host of one of the lists, or on one of ``allow_hosts``."""
        parts = urlsplit(canonical(url))
        own = {urlsplit(one).netloc for one in self._own}
        return parts.netloc in own or bool({parts.netloc, parts.hostname or ""} & set(self._options.allow_hosts))


def _checked(pairs: object) -> list[Link]:
    """Links as the process that parsed the list names them. Raises Faulty where they are not links."""
    try:
        links = [Link(canonical(url), stamp) for url, stamp in _PAIRS.validate_python(pairs)]
    except ValueError as error:
        raise Faulty(f"was read as something that it cannot be: {error}"[:500]) from error
    return [link for link in links if urlsplit(link.url).scheme in ("http", "https")]
