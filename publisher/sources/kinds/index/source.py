"""One reading of an index: its lists, then the pages that left them, then those that are listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from publisher.errors import FetchError
from publisher.model import identity_id
from publisher.model.observed import Batch, Problem
from publisher.sources.base import Response, Sample, Source
from publisher.sources.html.listing import Link
from publisher.sources.html.unprofiled.titles import shared_ending, without_ending
from publisher.sources.kinds.index import bookmark as bookmarks
from publisher.sources.kinds.index.bookmark import Page
from publisher.sources.kinds.index.lists import Lists
from publisher.sources.kinds.index.options import IndexOptions
from publisher.sources.kinds.index.pages import Pages
from publisher.sources.kinds.index.visit import Visit
from publisher.sources.parsed import Parsed
from publisher.sources.reading import silence

SILENT_AFTER = 3
"""So many pages of which none gives an article, where earlier ones did, mean that the site was rebuilt."""

_SITEMAP = (
    b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://a.example/</loc></url></urlset>'
)
_PAGE = b"<!doctype html><title>T</title><a href=/1>one</a>"


class IndexSource(Source):
    """Reads lists and the pages that they link to.

    The bookmark keeps ``lists`` (URL → validators and links), ``pages`` (those that are listed first, at most
    ``limit``; see :mod:`publisher.sources.kinds.index.bookmark`), ``shared``: addresses that name no single article,
    and ``ending``: what all headlines end with.
    """

    kind: ClassVar[str] = "index"
    Options = IndexOptions
    options: IndexOptions
    samples: ClassVar[tuple[Sample, ...]] = (
        (_SITEMAP, {"url": "https://a.example/"}),
        (_PAGE, {"url": "https://a.example/", "links": "a"}),
    )

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        """What is new and changed. Raises FetchError if a list, or every page requested, cannot be read."""
        known = bookmarks.load(bookmark.get("pages", ()))
        visit = Visit(self.context.now(), known, shared=tuple(bookmark.get("shared", ())))
        reader = Lists(self.options, self.context)
        pages = Pages(self.options, self.context, visit, reader.is_own)
        before = bookmark.get("lists", {})
        lists = {url: await reader.read(url, before.get(url, {}), visit) for url in self.options.url}
        links: dict[str, Link] = {}
        for one in lists.values():
            links |= {link: Link(link, stamp) for link, stamp in one["links"] if link not in links}
        followed = dict(list(links.items())[: self.options.limit])
        _rename(visit, followed)
        await self._left(visit, followed, pages)
        _rename(visit, followed)
        listed = await self._listed(visit, followed, pages)
        _judge(visit)
        ending = self._without_site(visit, bookmark.get("ending", ""))
        return self._batch(visit, lists, listed, unlisted=len(links) - len(followed), ending=ending)

    def parse(self, document: Response) -> Parsed:
        """What a list links to. Raises ReadError where it is not one."""
        return Lists(self.options, self.context).parse(document)

    async def _left(self, visit: Visit, followed: Mapping[str, Link], pages: Pages) -> None:
        """Read the pages that left the list."""
        for page in [page for link, page in visit.pages.items() if link not in followed]:
            if page.listed or page.is_due(visit.began, self.options.recheck):
                await pages.read(page)
            page.listed = False

    async def _listed(self, visit: Visit, followed: Mapping[str, Link], pages: Pages) -> dict[str, Page]:
        """Read the pages that are listed, those that are due or new; all of them, in the order of the list."""
        ordered: dict[str, Page] = {}
        for link, listed in followed.items():
            page = ordered[link] = visit.pages.get(link) or Page(link)
            changed = page.stamp != listed.stamp
            page.stamp, page.listed = listed.stamp, True
            if changed or page.is_due(visit.began, self.options.recheck):
                await pages.read(page)
        return ordered

    def _batch(
        self, visit: Visit, lists: Mapping[str, Any], listed: Mapping[str, Page], *, unlisted: int, ending: str
    ) -> Batch:
        kept = [*listed.values(), *(page for link, page in visit.pages.items() if link not in listed)]
        kept = kept[: self.options.limit]
        if self.options.complete and unlisted:
            limit = self.options.limit
            message = f"lists {len(listed) + unlisted} pages, the limit is {limit}; it is not taken for complete"
            visit.problems.append(Problem(self.options.url[0], message, severity="warning"))
        whole = self.options.complete and not (unlisted or visit.overloaded or visit.cut)
        return Batch(
            tuple(visit.articles),
            (),
            tuple(visit.problems),
            {
                "lists": lists,
                "pages": bookmarks.dump(kept),
                **({"shared": list(visit.shared)} if visit.shared else {}),
                **({"ending": ending} if ending else {}),
            },
            gone=frozenset(page.id for page in kept if page.gone and page.id),
            listed=frozenset(map(_id, listed.values())) if whole else None,
            gone_after=self.options.gone_after,
            hold_above=self.options.hold_above,
            unread=frozenset(_addresses(kept, lists)) - visit.judged,
            shown=True,
        )

    def _without_site(self, visit: Visit, known: str) -> str:
        """Free the headlines of what all of them end with, here or in an earlier reading; a profile knows better."""
        if self.context.profile is not None:
            return ""
        ending = shared_ending([one.article.title for one in visit.articles]) or known
        for number, one in enumerate(visit.articles if ending else ()):
            title = without_ending(one.article.title, ending)
            visit.articles[number] = replace(one, article=one.article.model_copy(update={"title": title}))
        return ending


def _id(page: Page) -> str:
    """The id of a page's article; of one that could not be read yet, the one that it most likely has."""
    return page.id or identity_id(page.link)


def _addresses(pages: Iterable[Page], lists: Iterable[str]) -> Iterator[str]:
    """Every address that a problem may name."""
    yield from lists
    for page in pages:
        yield from (page.link, page.address)


def _rename(visit: Visit, followed: Mapping[str, Link]) -> None:
    """Give a page that moved the address that is listed now."""
    for link, page in list(visit.pages.items()):
        if page.to in followed and page.to != link and link not in followed and page.to not in visit.pages:
            del visit.pages[link]
            page.link = page.to
            visit.pages[page.link] = page


def _judge(visit: Visit) -> None:
    """Raise FetchError where this went so wrong that it is the source's fault, and none of its pages'."""
    if visit.failures and len(visit.failures) == visit.requested and visit.requested > 1:
        error = visit.failures[0]
        waits = [one.retry_after for one in visit.failures if one.retry_after is not None]
        message = f"none of the {visit.requested} pages asked for could be read: {error}"
        raise FetchError(message, status=error.status, retry_after=max(waits, default=None), advice=error.advice)
    knew = any(page.id for page in visit.pages.values())
    if visit.parsed >= SILENT_AFTER and not visit.articles and knew and visit.silent:
        said = silence.in_words(visit.silent, "article")
        raise FetchError(f"none of {visit.parsed} changed pages is an article any more: {said}"[:500])
