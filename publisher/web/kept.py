"""Pages as they were last rendered, for as long as storage does not answer (RFC 5861, stale-if-error).

Only what anyone may read is kept: these pages are the same for all. They are dropped once the definitions change, an
article is withdrawn or erased here, or an hour has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from publisher.errors import StorageError
from publisher.publish.cache import Bounded
from publisher.web.headers import STALE_SECONDS
from publisher.web.services import CatalogView, services_of

PAGES_BYTES = 8 * 1024 * 1024

PATIENCE = 3.0
"""Seconds that a page may take before one that is kept is given in its place."""

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class _Page:
    body: bytes
    headers: dict[str, str]
    catalog: CatalogView
    rendered_at: float


class Pages:
    """The last rendered page at each address."""

    def __init__(self) -> None:
        self._held: Bounded[str, _Page] = Bounded(PAGES_BYTES, lambda page: len(page.body))

    def keep(self, path: str, response: web.Response, catalog: CatalogView) -> None:
        """Keep a page that was just rendered."""
        if isinstance(response.body, bytes):
            self._held.put(path, _Page(response.body, dict(response.headers), catalog, time.monotonic()))

    def find(self, path: str, catalog: CatalogView) -> web.Response | None:
        """A page that may still be shown."""
        page = self._held.get(path)
        if page is None or page.catalog is not catalog or time.monotonic() - page.rendered_at > STALE_SECONDS:
            return None
        response = web.Response(body=page.body, headers=page.headers)
        response.enable_compression()
        return response

    def drop(self, path: str) -> None:
        """What stood at this address is gone."""
        self._held.drop(path)

    def clear(self) -> None:
        """Keep nothing of what was rendered so far."""
        self._held.clear()


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


def kept(handler: Handler) -> Handler:
    """The handler of a public page; what it rendered last stands in for it while storage fails."""

    async def answer(request: web.Request) -> web.Response:
        pages, catalog = request.app[PAGES], services_of(request).catalog()
        held = pages.find(request.path, catalog)
        try:
            response = await asyncio.wait_for(handler(request), None if held is None else PATIENCE)
        except (StorageError, TimeoutError):
            if held is None:
                raise
            return held
        if response.status == 200:
            pages.keep(request.path, response, catalog)
        elif response.status != 304:
            pages.drop(request.path)
        return response

    return answer
