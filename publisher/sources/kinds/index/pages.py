"""The pages that an index follows: each requested if it has changed, and read as an article."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from publisher.errors import FetchError, Unread, Unready
from publisher.model import identity_id
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.base import PAGE_LIMIT, Response, SourceContext
from publisher.sources.fetching.request import get, validators
from publisher.sources.kinds.index import twins
from publisher.sources.kinds.index.bookmark import Page
from publisher.sources.kinds.index.options import IndexOptions
from publisher.sources.kinds.index.visit import Visit
from publisher.sources.kinds.page import parse_page
from publisher.sources.reading.draft import Reading, observed
from publisher.sources.urls import addresses, canonical, identifying

LONGEST_READING = timedelta(minutes=4)
"""A reading that takes longer leaves the rest to the next: nobody else may read the source meanwhile."""


class Pages:
    """Reads the pages of one index; ``is_own`` says whether an address is on a host that may be followed to."""

    def __init__(
        self, options: IndexOptions, context: SourceContext, visit: Visit, is_own: Callable[[str], bool]
    ) -> None:
        self._options = options
        self._context = context
        self._visit = visit
        self._is_own = is_own

    async def read(self, page: Page) -> None:
        """Request one page, unless the server had enough already."""
        visit, now = self._visit, self._context.now()
        visit.overloaded = visit.overloaded or now - visit.began > LONGEST_READING
        if visit.overloaded:
            return
        page.requested(now)
        visit.requested += 1
        visit.pages.setdefault(page.link, page)
        try:
            await self._take(page)
        except Unread as error:
            # What is remembered of it stays; what was refused of it before still is.
            if isinstance(error, Unready):
                page.at = 0
            visit.failures.append(error)
            visit.problems.append(Problem(page.address, f"{error}; it is read again", severity="warning"))
            visit.overloaded = error.retry_after is not None
        except FetchError as error:
            self._failed(page, error)

    async def _take(self, page: Page) -> None:
        response = await get(self._context, page.address, page.validators, PAGE_LIMIT)
        moved = getattr(response, "moved", None)
        if not self._is_own(response.url):
            raise FetchError(f"leads to another host, {response.url}; allow_hosts names those to follow")
        if moved:
            page.to = canonical(moved)
        if response.status == 304:
            page.found()
        else:
            await self._article(page, response)

    def _failed(self, page: Page, error: FetchError) -> None:
        visit = self._visit
        visit.judged.update((page.link, page.address))
        page.digest = page.etag = page.last_modified = ""  # so that what is wrong in it is found again with it
        if error.status in (404, 410):
            was_gone = page.gone
            page.missed(for_good=error.status == 410, gone_after=self._options.gone_after)
            if page.listed and not was_gone:
                visit.problems.append(Problem(page.address, f"is listed, but {error}", severity="warning"))
            return
        visit.failures.append(error)
        visit.problems.append(Problem(page.address, str(error), advice=error.advice))
        visit.overloaded = error.status == 429 or error.retry_after is not None

    async def _article(self, page: Page, response: Response) -> None:
        visit = self._visit
        digest = sha256(response.body).hexdigest()[:32]
        if page.digest == digest and not page.gone:
            _keep_validators(page, response)
            page.found()
            return
        found = await parse_page(response, self._context.within(self._options.timezone), page.link)
        _keep_validators(page, response)
        visit.judged.update((page.link, page.address))
        page.found()
        page.digest = digest
        visit.parsed += 1
        one = self._observed(page, found, response)
        visit.problems += found.problems
        if one is not None:
            page.id, page.identity = one.article.id, one.identity
            visit.articles.append(one)

    def _observed(self, page: Page, found: Reading, response: Response) -> ObservedArticle | None:
        visit = self._visit
        if found.fields is None:
            visit.silent = visit.silent or found
            return None
        known_by: tuple[str, ...] = ()
        address = found.fields.get("url") or response.url
        if identifying(address) in visit.shared:
            address = twins.know_by_link(page, found)
        if not page.id:
            visit.fresh.add(page.link)
            known_by = addresses(address if self._options.identity == "url" else page.link)
            page.identity = known_by[0]
            page.id = identity_id(page.identity)
        title, before = _digest(found.fields["title"]), page.title
        page.title = title
        twin = twins.twin_of(page, visit)
        if twin is not None and twin.title not in ("", title, before):
            known_by = twins.part(page, twin, found, visit)
            twin = twins.twin_of(page, visit)
        if twin is not None and not twin.gone:
            found.warn(f"is the same article as {twin.link}, which stands", "url", page.identity)
            page.id = page.identity = ""
            return None
        one = observed(found, page.id, page.identity)
        return one and replace(one, key=page.link, addresses=known_by)


def _keep_validators(page: Page, response: Response) -> None:
    sent = validators(response)
    page.etag, page.last_modified = sent.get("etag", ""), sent.get("last_modified", "")


def _digest(title: str) -> str:
    """What is remembered of a headline: enough to know it again."""
    return sha256(" ".join(title.split()).casefold().encode()).hexdigest()[:16]
