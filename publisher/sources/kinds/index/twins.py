"""Pages of an index that give one address for themselves: one article on two pages, or two articles told apart."""

from __future__ import annotations

from dataclasses import replace

from publisher.model import identity_id
from publisher.sources.kinds.index.bookmark import Page
from publisher.sources.kinds.index.visit import Visit
from publisher.sources.reading.draft import Reading
from publisher.sources.urls import addresses, identifying

MAX_SHARED = 20
"""Addresses that are remembered of those that several articles give for themselves: mostly one, a section's."""


def twin_of(page: Page, visit: Visit) -> Page | None:
    """Another page whose article has the id that this page's would have."""
    return next((one for one in visit.pages.values() if one.id == page.id and one.link != page.link), None)


def know_by_link(page: Page, found: Reading) -> str:
    """Make an article's link its address, since other articles have the same address; returns the link."""
    assert found.fields is not None
    said = "is the address that other articles of this source give for themselves too; the link is taken"
    found.warn(said, "url", found.fields.get("url"))
    found.fields["url"] = page.link
    return page.link


def part(page: Page, twin: Page, found: Reading, visit: Visit) -> tuple[str, ...]:
    """Know a page by its link, whose address for itself is one that another article of this source gives too.

    So is the other, where it was first read just now, and nobody knows it by that address yet. Returns the addresses
    by which the page's article is known then.
    """
    visit.shared = (page.identity, *visit.shared)[:MAX_SHARED]
    know_by_link(page, found)
    for number, one in enumerate(visit.articles):
        if one.article.id == twin.id and twin.link in visit.fresh:
            twin.identity = identifying(twin.link)
            twin.id = identity_id(twin.identity)
            article = one.article.model_copy(update={"id": twin.id, "url": twin.link})
            known_by = addresses(twin.link)
            visit.articles[number] = replace(one, article=article, identity=twin.identity, addresses=known_by)
    page.identity = identifying(page.link)
    page.id = identity_id(page.identity)
    return addresses(page.link)
