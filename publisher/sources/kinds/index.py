"""The kind ``index``: the articles that a list links to, a site's "latest" page or a sitemap.

Each reading asks for the list, for pages that are new to it, for those that left it, and for those that were not looked
at for ``recheck``; each only if it has changed. A page is known by the link, so an article whose address changes stays
the same article. A page that leaves the list is no sign that its article is gone: lists are short. It is gone when its
page says so, or, where the list is ``complete``, when it is not listed any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, TypeAdapter, field_validator

from publisher.configfile import Duration, Whole, Zone
from publisher.errors import Faulty, FetchError, ReadError, Unread, Unready
from publisher.model import identity_id
from publisher.model.base import Frozen
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.sources.base import PAGE_LIMIT, Response, Source
from publisher.sources.documents.limits import MAX_ENTRIES
from publisher.sources.fetching import bookmarks
from publisher.sources.fetching.bookmarks import Page
from publisher.sources.fetching.request import get, header, unreadable, validators, web_address
from publisher.sources.html.listing import LIST_LIMIT, Link, Listing, is_sitemap, read_list, read_sitemap
from publisher.sources.html.unprofiled import shared_ending, without_ending
from publisher.sources.kinds.page import parse_page
from publisher.sources.parsed import Parsed
from publisher.sources.profiles.patterns import Pattern, Selector, find
from publisher.sources.profiles.profile import HtmlProfile
from publisher.sources.reading import silence
from publisher.sources.reading.draft import Reading, observed
from publisher.sources.urls import addresses, canonical, identifying

LONGEST_READING = timedelta(minutes=4)
"""A reading that takes longer leaves the rest to the next: nobody else may read the source meanwhile."""

FURTHER = 10
"""Sitemaps that are followed of a sitemap index, those that changed last."""

SILENT_AFTER = 3
"""So many pages of which none gives an article, where earlier ones did, mean that the site was rebuilt."""

MAX_SHARED = 20
"""Addresses that are remembered of those that several articles give for themselves: mostly one, a section's."""

_PAIRS = TypeAdapter(list[tuple[str, str]])


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class IndexOptions(Frozen):
    """The keys of an index. ``url`` is one list or several, ``limit`` how many pages are followed and remembered.

    ``links`` selects the links, or what they stand in; without it the profile's ``[index]`` does. ``match``: a pattern
    that an address must match. ``allow_hosts``: hosts besides the list's own that may be followed to. ``identity``:
    what an article is known by at first, ``url`` its canonical URL, ``path`` the link. ``timezone`` holds where the
    pages' dates name none, and no profile does.
    """

    url: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
    links: Annotated[tuple[Selector, ...], BeforeValidator(_listed)] = ()
    match: Pattern | None = None
    limit: Annotated[Whole, Field(ge=1, le=1000)] = 50
    recheck: Duration = 600.0
    allow_hosts: tuple[str, ...] = ()
    timezone: Zone | None = None
    identity: Literal["url", "path"] = "url"
    complete: bool = False
    gone_after: Annotated[Whole, Field(ge=1, le=100)] = 3
    hold_above: Annotated[float, Field(gt=0, le=1)] = 0.3

    pace: ClassVar[frozenset[str]] = frozenset(("limit", "recheck", "complete", "gone_after", "hold_above"))

    @field_validator("url")
    @classmethod
    def _web(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(web_address, value))


def _told(pairs: object) -> list[Link]:
    """Links as the process says them that read a list. Raises Faulty for what are none."""
    try:
        links = [Link(canonical(url), stamp) for url, stamp in _PAIRS.validate_python(pairs)]
    except ValueError as error:
        raise Faulty(f"was read as something that it cannot be: {error}"[:500]) from error
    return [link for link in links if urlsplit(link.url).scheme in ("http", "https")]


def _id(page: Page) -> str:
    """The id of a page's article; of one that could not be read yet, the one that it most likely has."""
    return page.id or identity_id(page.link)


def _digest(title: str) -> str:
    """What is remembered of a headline: enough to know it again."""
    return sha256(" ".join(title.split()).casefold().encode()).hexdigest()[:16]


def _addresses(pages: Iterable[Page], lists: Iterable[str]) -> Iterator[str]:
    """Whatever a problem may be told of."""
    yield from lists
    for page in pages:
        yield from (page.link, page.address)


@dataclass(slots=True)
class _Round:
    """One reading under way. ``overloaded`` is set when the server, or the time, has had enough of it.

    ``judged`` are the addresses of what was read, or could not be: what was said of it before holds no more. ``cut`` is
    set when a list may have more than was read of it. ``fresh`` are the links of pages that gave no article before,
    ``shared`` the addresses that several articles give for themselves.
    """

    began: datetime
    pages: dict[str, Page]
    articles: list[ObservedArticle] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    asked: int = 0
    parsed: int = 0
    silent: Reading | None = None
    failures: list[FetchError] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    overloaded: bool = False
    cut: bool = False
    fresh: set[str] = field(default_factory=set)
    shared: tuple[str, ...] = ()


class IndexSource(Source):
    """Reads lists and the pages that they link to.

    The bookmark keeps ``lists`` (URL → validators and links), ``pages`` (those that are listed
    first, at most ``limit``; see :mod:`publisher.sources.fetching.bookmarks`), ``shared``: addresses that name no
    single article, and ``ending``: what all headlines end with.
    """

    kind: ClassVar[str] = "index"
    Options = IndexOptions
    options: IndexOptions

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        """What is new and changed. Raises FetchError if a list, or every page asked for, cannot be read."""
        now = self.context.now()
        reading = _Round(now, bookmarks.load(bookmark.get("pages", ())), shared=tuple(bookmark.get("shared", ())))
        lists: dict[str, Any] = {}
        links: dict[str, Link] = {}
        for url in self.options.url:
            lists[url] = await self._list(url, bookmark.get("lists", {}).get(url, {}), reading)
            reading.cut = reading.cut or bool(lists[url].get("cut"))
            links |= {link: Link(link, stamp) for link, stamp in lists[url]["links"] if link not in links}
        followed = dict(list(links.items())[: self.options.limit])
        self._renamed(reading, followed)
        left = [page for link, page in reading.pages.items() if link not in followed]
        for page in left:
            if page.listed or page.is_due(now, self.options.recheck):
                await self._page(page, reading)
            page.listed = False
        self._renamed(reading, followed)
        ordered: dict[str, Page] = {}
        for link, listed in followed.items():
            page = ordered[link] = reading.pages.get(link) or Page(link)
            changed = page.stamp != listed.stamp
            page.stamp, page.listed = listed.stamp, True
            if changed or page.is_due(now, self.options.recheck):
                await self._page(page, reading)
        self._judge(reading)
        ending = self._without_site(reading, bookmark.get("ending", ""))
        kept = [*ordered.values(), *(page for link, page in reading.pages.items() if link not in ordered)]
        kept = kept[: self.options.limit]
        whole = self.options.complete and len(followed) == len(links) and not (reading.overloaded or reading.cut)
        if self.options.complete and len(followed) < len(links):
            message = f"lists {len(links)} pages, the limit is {self.options.limit}; it is not taken for complete"
            reading.problems.append(Problem(self.options.url[0], message, severity="warning"))
        return Batch(
            tuple(reading.articles),
            (),
            tuple(reading.problems),
            {
                "lists": lists,
                "pages": bookmarks.dump(kept),
                **({"shared": list(reading.shared)} if reading.shared else {}),
                **({"ending": ending} if ending else {}),
            },
            gone=frozenset(page.id for page in kept if page.gone and page.id),
            listed=frozenset(map(_id, ordered.values())) if whole else None,
            gone_after=self.options.gone_after,
            hold_above=self.options.hold_above,
            unread=frozenset(_addresses(kept, lists)) - reading.judged,
            shown=True,
        )

    # --- lists

    async def _list(self, url: str, known: Mapping[str, Any], reading: _Round) -> dict[str, Any]:
        """Validators and links of a list; those that are remembered where it has not changed."""
        try:
            response = await get(self, url, known, LIST_LIMIT)
        except FetchError as error:
            said = f"{url}: {error}"
            raise FetchError(said, status=error.status, retry_after=error.retry_after, advice=error.advice) from error
        if response.status == 304:
            return dict(known)
        reading.judged.add(url)
        try:
            own, further, cut = await self._links(response)
        except ReadError as error:
            raise unreadable(error, response.status, url) from error
        if cut and self.options.complete:
            message = f"names more than {FURTHER} sitemaps, or {MAX_ENTRIES:,} pages; it is not taken for complete"
            reading.problems.append(Problem(url, message, severity="warning"))
        for one in further:
            found = await self._further(one.url, reading)
            own += found or []
            cut = cut or found is None
        if not own and not is_sitemap(response.body):
            self._nothing_found(url, known, reading)
        # A sitemap index may stay as it is when its parts change.
        remembered_as = {} if further else validators(response)
        return {
            **remembered_as,
            "links": [[link.url, link.stamp] for link in own],
            **({"cut": True} if cut else {}),
        }

    async def _links(self, response: Response) -> tuple[list[Link], list[Link], bool]:
        """The links of a list that are followed, the lists that it leads on to, and whether it has more of them.

        Raises ReadError.
        """
        kept = self.options.model_dump(mode="json", include={"url", "links", "match", "allow_hosts"})
        kind = header(response, "content-type")
        found = await self.context.parse("list", response.body, url=response.url, content_type=kind, options=kept)
        links, further = (_told(found.rest.get(name)) for name in ("links", "further"))
        return await asyncio.to_thread(self._followed, links), further[:FURTHER], found.rest.get("cut") is not False

    def _followed(self, links: Iterable[Link]) -> list[Link]:
        """Those that this source follows, whoever says so."""
        return [link for link in links if self._follows(link.url)][:MAX_ENTRIES]

    def parse_list(self, response: Response) -> Parsed:
        """What :meth:`_links` says, where documents are read."""
        listing = self._listing(response)
        own = [link for link in listing.links if self._follows(link.url)]
        return Parsed(rest={
            "links": [[link.url, link.stamp] for link in own[:MAX_ENTRIES]],
            "further": [[link.url, link.stamp] for link in listing.further[:FURTHER]],
            "cut": len(own) > MAX_ENTRIES or len(listing.further) > FURTHER,
        })  # fmt: skip

    def _listing(self, response: Response) -> Listing:
        if is_sitemap(response.body):
            return read_sitemap(response.body, response.url)
        if not self._selectors:
            raise ReadError('is a page, so the source needs "links": a selector of the links to follow')
        return read_list(response.body, response.url, self._selectors, header(response, "content-type"))

    async def _further(self, url: str, reading: _Round) -> list[Link] | None:
        """The links of a part of a list; null where they are not all known."""
        if not self._is_own(url):
            reading.problems.append(Problem(url, "is a sitemap of another host; it is not followed"))
            return []
        try:
            response = await get(self, url, {}, LIST_LIMIT)
            if not is_sitemap(response.body):
                raise ReadError("is no sitemap")
            found, deeper, cut = await self._links(response)
        except Unread as error:
            reading.problems.append(Problem(url, f"{error}; it is read again", severity="warning"))
        except (FetchError, ReadError) as error:
            reading.problems.append(Problem(url, str(error), advice=getattr(error, "advice", None)))
        else:
            reading.cut = reading.cut or cut or bool(deeper)
            return found
        return None

    def _nothing_found(self, url: str, known: Mapping[str, Any], reading: _Round) -> None:
        shown = ", ".join(f'"{selector}"' for selector in self._selectors)
        if known.get("links"):
            raise FetchError(f"{url}: {shown} finds no links any more; has the page changed?")
        reading.problems.append(Problem(url, f"{shown} finds no links", field="links"))

    @cached_property
    def _lists(self) -> frozenset[str]:
        return frozenset(canonical(one) for one in self.options.url)

    @property
    def _selectors(self) -> tuple[str, ...]:
        profile = self.context.profile
        given = profile.index.links if isinstance(profile, HtmlProfile) and profile.index else ()
        return self.options.links or given

    def _follows(self, url: str) -> bool:
        is_list = url in self._lists
        matches = self.options.match is None or find(self.options.match, url) is not None
        return not is_list and matches and self._is_own(url)

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(canonical(url))
        own = {urlsplit(one).netloc for one in self._lists}
        return parts.netloc in own or bool({parts.netloc, parts.hostname or ""} & set(self.options.allow_hosts))

    # --- pages

    async def _page(self, page: Page, reading: _Round) -> None:
        """Ask for one page, unless the server had enough already."""
        now = self.context.now()
        reading.overloaded = reading.overloaded or now - reading.began > LONGEST_READING
        if reading.overloaded:
            return
        page.asked(now)
        reading.asked += 1
        reading.pages.setdefault(page.link, page)
        try:
            response = await get(self, page.address, page.validators, PAGE_LIMIT)
            moved = getattr(response, "moved", None)
            if not self._is_own(response.url):
                raise FetchError(f"leads to another host, {response.url}; allow_hosts names those to follow")
            if moved:
                page.to = canonical(moved)
            if response.status == 304:
                page.found()
            else:
                await self._article(page, response, reading)
        except Unread as error:
            # What is remembered of it stays; what was refused of it before still is.
            if isinstance(error, Unready):
                page.at = 0
            reading.failures.append(error)
            reading.problems.append(Problem(page.address, f"{error}; it is read again", severity="warning"))
            reading.overloaded = error.retry_after is not None
        except FetchError as error:
            self._failed(page, error, reading)

    def _failed(self, page: Page, error: FetchError, reading: _Round) -> None:
        reading.judged.update((page.link, page.address))
        page.digest = page.etag = page.last_modified = ""  # so that what is wrong in it is found again with it
        if error.status in (404, 410):
            was_gone = page.gone
            page.missed(for_good=error.status == 410, gone_after=self.options.gone_after)
            if page.listed and not was_gone:
                reading.problems.append(Problem(page.address, f"is listed, but {error}", severity="warning"))
            return
        reading.failures.append(error)
        reading.problems.append(Problem(page.address, str(error), advice=error.advice))
        reading.overloaded = error.status == 429 or error.retry_after is not None

    async def _article(self, page: Page, response: Response, reading: _Round) -> None:
        digest = sha256(response.body).hexdigest()[:32]
        sent = validators(response)
        if page.digest == digest and not page.gone:
            page.etag, page.last_modified = sent.get("etag", ""), sent.get("last_modified", "")
            page.found()
            return
        found = await parse_page(response, self.context.within(self.options.timezone), page.link)
        page.etag, page.last_modified = sent.get("etag", ""), sent.get("last_modified", "")
        reading.judged.update((page.link, page.address))
        page.found()
        page.digest = digest
        reading.parsed += 1
        one = self._observed(page, found, response, reading)
        reading.problems += found.problems
        if one is not None:
            page.id, page.identity = one.article.id, one.identity
            reading.articles.append(one)

    def _observed(self, page: Page, found: Reading, response: Response, reading: _Round) -> ObservedArticle | None:
        if found.fields is None:
            reading.silent = reading.silent or found
            return None
        known_by: tuple[str, ...] = ()
        address = found.fields.get("url") or response.url
        if identifying(address) in reading.shared:
            address = self._by_link(page, found)
        if not page.id:
            reading.fresh.add(page.link)
            known_by = addresses(address if self.options.identity == "url" else page.link)
            page.identity = known_by[0]
            page.id = identity_id(page.identity)
        title, before = _digest(found.fields["title"]), page.title
        page.title = title
        twin = self._twin(page, reading)
        if twin is not None and twin.title not in ("", title, before):
            known_by = self._shared(page, twin, found, reading)
            twin = self._twin(page, reading)
        if twin is not None and not twin.gone:
            found.warn(f"is the same article as {twin.link}, which stands", "url", page.identity)
            page.id = page.identity = ""
            return None
        one = observed(found, page.id, page.identity)
        return one and replace(one, key=page.link, addresses=known_by)

    def _twin(self, page: Page, reading: _Round) -> Page | None:
        """Another page that gave the article by which this one would be known."""
        return next((one for one in reading.pages.values() if one.id == page.id and one.link != page.link), None)

    def _by_link(self, page: Page, found: Reading) -> str:
        """Take an article's link for its address, since other articles give the same for theirs."""
        assert found.fields is not None
        said = "is the address that other articles of this source give for themselves too; the link is taken"
        found.warn(said, "url", found.fields.get("url"))
        found.fields["url"] = page.link
        return page.link

    def _shared(self, page: Page, twin: Page, found: Reading, reading: _Round) -> tuple[str, ...]:
        """Know a page by its link, whose address for itself is one that another article of this source gives too.

        So is the other, where it was first read just now, and nobody knows it by that address yet.
        """
        reading.shared = (page.identity, *reading.shared)[:MAX_SHARED]
        self._by_link(page, found)
        for number, one in enumerate(reading.articles):
            if one.article.id == twin.id and twin.link in reading.fresh:
                twin.identity = identifying(twin.link)
                twin.id = identity_id(twin.identity)
                article = one.article.model_copy(update={"id": twin.id, "url": twin.link})
                known_by = addresses(twin.link)
                reading.articles[number] = replace(one, article=article, identity=twin.identity, addresses=known_by)
        page.identity = identifying(page.link)
        page.id = identity_id(page.identity)
        return addresses(page.link)

    def _without_site(self, reading: _Round, known: str) -> str:
        """Free the headlines of what all of them end with, here or in an earlier reading; a profile knows better."""
        if self.context.profile is not None:
            return ""
        ending = shared_ending([one.article.title for one in reading.articles]) or known
        for number, one in enumerate(reading.articles if ending else ()):
            title = without_ending(one.article.title, ending)
            reading.articles[number] = replace(one, article=one.article.model_copy(update={"title": title}))
        return ending

    def _renamed(self, reading: _Round, followed: Iterable[str]) -> None:
        """Know a page that moved by the address that is listed now."""
        for link, page in list(reading.pages.items()):
            if page.to in followed and page.to != link and link not in followed and page.to not in reading.pages:
                del reading.pages[link]
                page.link = page.to
                reading.pages[page.link] = page

    def _judge(self, reading: _Round) -> None:
        """Raise FetchError where this went so wrong that it is the source's fault, and none of its pages'."""
        if reading.failures and len(reading.failures) == reading.asked and reading.asked > 1:
            error = reading.failures[0]
            waits = [one.retry_after for one in reading.failures if one.retry_after is not None]
            message = f"none of the {reading.asked} pages asked for could be read: {error}"
            raise FetchError(message, status=error.status, retry_after=max(waits, default=None), advice=error.advice)
        knew = any(page.id for page in reading.pages.values())
        if reading.parsed >= SILENT_AFTER and not reading.articles and knew and reading.silent:
            said = silence.in_words(reading.silent, "article")
            raise FetchError(f"none of {reading.parsed} changed pages is an article any more: {said}"[:500])
