"""Pages as they were last rendered, for as long as storage does not answer (RFC 5861, stale-if-error).

Only what anyone may read is kept: these pages are the same for all. They are dropped once the definitions change, an
article or indicator is changed over the API of this process, one is erased by any, or an hour has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from publisher.catalog import Catalog
from publisher.errors import StorageError
from publisher.publish.cache import Bounded
from publisher.web.http.headers import STALE_SECONDS
from publisher.web.http.negotiation import matching_tag
from publisher.web.http.parameters import for_readers
from publisher.web.http.response import in_pieces, whole
from publisher.web.services import services_of

PAGES_BYTES = 8 * 1024 * 1024

PATIENCE = 3.0
"""Seconds that a page may take before one that is kept is given in its place."""

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class _Page:
    status: int
    body: bytes
    headers: dict[str, str]
    tag: str | None
    rendered_at: float

    @classmethod
    def of(cls, response: web.Response) -> _Page:
        tag = None if response.etag is None else response.etag.value
        return cls(response.status, whole(response), dict(response.headers), tag, time.monotonic())

    def answer(self, request: web.Request) -> web.Response:
        """The page as a response; 304 where the browser has these very bytes."""
        if self.tag is not None and matching_tag(request, self.tag) is not None:
            headers = {name: value for name, value in self.headers.items() if name != "Content-Type"}
            return web.Response(status=304, headers=headers)
        response = web.Response(body=in_pieces(self.body), status=self.status, headers=self.headers)
        response.enable_compression()
        return response


@dataclass(frozen=True, slots=True)
class _Rendering:
    generation: int
    task: asyncio.Task[_Page]


class Pages:
    """The last rendered page at each address, and those that are being rendered.

    Each change begins a new generation: a page whose rendering began in the one before may show what is gone by now, so
    it is not kept, and no later request is given it.
    """

    def __init__(self) -> None:
        self._held: Bounded[str, _Page] = Bounded(PAGES_BYTES, lambda page: len(page.body))
        self._rendering: dict[str, _Rendering] = {}
        self._tasks: set[asyncio.Task[_Page]] = set()
        self._generation = 0
        self._catalog: Catalog | None = None
        self._epoch: int | None = None

    def under(self, catalog: Catalog, epoch: int) -> None:
        """Keep nothing that was rendered under other definitions, or in another ``epoch`` of the log: before something
        was erased."""
        if catalog is not self._catalog or epoch != self._epoch:
            self._catalog, self._epoch = catalog, epoch
            self.clear()

    def rendering(self, request: web.Request, handler: Handler) -> asyncio.Task[_Page]:
        """The page being rendered: once for all requests that come meanwhile, and to its end even if their clients
        leave.

        To cancel it would end its connection to the database, which costs a database that is slow already more.
        """
        path = request.path
        found = self._rendering.get(path)
        if found is not None and found.generation == self._generation:
            return found.task
        task = asyncio.create_task(self._render(request, handler, self._generation), name=f"page {path}")
        self._rendering[path] = _Rendering(self._generation, task)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(path, done))
        return task

    async def _render(self, request: web.Request, handler: Handler, generation: int) -> _Page:
        page = _Page.of(await handler(request))
        if page.status != 200:
            self._held.drop(request.path)
        elif generation == self._generation:
            self._held.put(request.path, page)
        return page

    def _ended(self, path: str, task: asyncio.Task[_Page]) -> None:
        self._tasks.discard(task)
        if (found := self._rendering.get(path)) is not None and found.task is task:
            del self._rendering[path]
        if not task.cancelled():
            task.exception()  # the requests that waited got the error; if none did, it does not matter

    def find(self, path: str) -> _Page | None:
        """A kept page that may still be shown."""
        page = self._held.get(path)
        return None if page is None or time.monotonic() - page.rendered_at > STALE_SECONDS else page

    def clear(self) -> None:
        """Discard all pages rendered so far, and those that are being rendered now."""
        self._generation += 1
        self._held.clear()

    async def stop(self) -> None:
        """End what is still being rendered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


def prepare(app: web.Application) -> None:
    """Keep pages for as long as the application runs."""
    app[PAGES] = pages = Pages()

    async def running(_app: web.Application) -> AsyncIterator[None]:
        yield
        await pages.stop()

    app.cleanup_ctx.append(running)


@contextmanager
def outdated(request: web.Request) -> Iterator[None]:
    """Discard at the end of the block, however it ends, every page that was rendered before."""
    try:
        yield
    finally:
        request.app[PAGES].clear()


def kept(handler: Handler) -> Handler:
    """The handler of a public page; its last rendering is served while storage fails or takes long."""

    async def answer(request: web.Request) -> web.Response:
        pages = request.app[PAGES]
        services = services_of(request)
        pages.under(services.catalog(), services.db.epoch)
        task = pages.rendering(request, handler)
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        if not done:
            if (held := pages.find(request.path)) is not None:
                return held.answer(request)
            await asyncio.wait([task])
        try:
            page = task.result()
        except StorageError:
            if (held := pages.find(request.path)) is None:
                raise
            page = held
        return page.answer(request)

    return for_readers(answer)
