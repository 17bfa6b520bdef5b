"""When a request may be sent, in one place around the client that all sources share.

One request at a time to a host, a pause before the next, robots.txt obeyed, and no request to a host that answered 429
or 503 until its ``Retry-After`` is over. Redirects within one request are followed as one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cachetools import LRUCache

from publisher import clock, retryafter
from publisher.clock import Clock
from publisher.errors import FetchError
from publisher.sources.base import PAGE_LIMIT, Fetcher, Pause, Response
from publisher.sources.fetching.request import header
from publisher.sources.fetching.robots import Robots, parse

ROBOT = "publisher"
"""The product token under which robots.txt knows us; the User-Agent begins with it."""

ROBOTS_LIMIT = 1_000_000
ROBOTS_KEPT = timedelta(hours=1)
ROBOTS_RETRIED = timedelta(minutes=5)
"""How long a robots.txt is taken for unreachable."""

HOSTS_KEPT = 2000


@dataclass(slots=True)
class _Host:
    """What is known of one host. ``closed_until``: no request is sent before."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: datetime | None = None
    closed_until: datetime | None = None
    robots: Robots | None = None
    robots_until: datetime | None = None
    unreachable: str | None = None


class _Hosts(LRUCache[str, _Host]):
    """The hosts requested last. One with a request under way stays: another lock would let a second one through."""

    def popitem(self) -> tuple[str, _Host]:
        """Forget the host whose last request is the longest ago."""
        busy: list[tuple[str, _Host]] = []
        while self:
            name, host = super().popitem()
            if not host.lock.locked():
                break
            busy.append((name, host))
        else:
            name, host = busy.pop(0)
        for one in busy:
            self[one[0]] = one[1]
        return name, host


class Polite:
    """A polite client around one that is not. ``pause`` is in seconds; without ``robots``, robots.txt is not read."""

    def __init__(
        self,
        http: Fetcher,
        *,
        robots: bool = True,
        pause: float = 0.5,
        now: Clock = clock.now,
        sleep: Pause = asyncio.sleep,
    ) -> None:
        self._http = http
        self._obey = robots
        self._pause = pause
        self._now = now
        self._sleep = sleep
        self._hosts = _Hosts(HOSTS_KEPT)

    async def get(self, url: str, headers: Mapping[str, str] | None = None, limit: int = PAGE_LIMIT) -> Response:
        """GET one document when it is its turn.

        Raises FetchError where robots.txt forbids it or a ``Retry-After`` of the host is not over, and as clients do.
        """
        host = self._host(url)
        async with host.lock:
            self._heed(host)
            if self._obey:
                await self._permitted(host, url)
            await self._turn(host)
            try:
                response = await self._http.get(url, headers, limit)
            finally:
                self._rest(host)
            if response.status in (429, 503):
                self._close(host, response)
            return response

    def _host(self, url: str) -> _Host:
        parts = urlsplit(url)
        name = f"{parts.scheme}://{parts.netloc.lower()}"
        return self._hosts.setdefault(name, _Host())

    def _heed(self, host: _Host) -> None:
        """Raise FetchError while the host's last ``Retry-After`` is not over."""
        if host.closed_until is None:
            return
        left = (host.closed_until - self._now()).total_seconds()
        if left > 0:
            until = clock.rfc3339(host.closed_until)
            raise FetchError(f"is left alone until {until}, as its server asked", retry_after=left)
        host.closed_until = None

    async def _turn(self, host: _Host) -> None:
        wait = (host.free_at - self._now()).total_seconds() if host.free_at else 0.0
        if wait > 0:
            await self._sleep(wait)

    def _rest(self, host: _Host) -> None:
        """Note when the next request to the host may be sent."""
        pause = max(self._pause, host.robots.delay if host.robots and self._obey else 0.0)
        host.free_at = self._now() + timedelta(seconds=pause)

    def _close(self, host: _Host, response: Response) -> None:
        """Send no request to the host before its ``Retry-After`` is over; without one the source's own pace counts."""
        wait = retryafter.read(header(response, "retry-after"), self._now()).seconds
        if wait is not None:
            host.closed_until = self._now() + timedelta(seconds=wait)

    # --- robots.txt

    async def _permitted(self, host: _Host, url: str) -> None:
        if host.robots_until is None or host.robots_until <= self._now():
            await self._read_robots(host, url)
        if host.unreachable:
            raise FetchError(f"robots.txt {host.unreachable}, so that nothing may be read for now")
        if host.robots is not None and not host.robots.allows(url):
            said = f"robots.txt of {urlsplit(url).netloc} does not let {ROBOT} read this"
            raise FetchError(said, advice="ask the site, or set [fetch] robots = false")

    async def _read_robots(self, host: _Host, url: str) -> None:
        """Read the rules again. What is not there allows everything, what cannot be had nothing (RFC 9309, 2.3.1)."""
        parts = urlsplit(url)
        await self._turn(host)
        host.robots, host.unreachable = None, None
        try:
            response = await self._http.get(f"{parts.scheme}://{parts.netloc}/robots.txt", {}, ROBOTS_LIMIT)
        except FetchError as error:
            if error.status is None:
                raise  # the host itself cannot be reached, and that is what is to be told
            host.unreachable = str(error)
        else:
            if response.status == 200:
                text = response.body.decode("utf-8", "replace").removeprefix("\ufeff")
                # Thousands of rules take half a second.
                host.robots = await asyncio.to_thread(parse, text, ROBOT)
            elif response.status >= 500 or response.status == 429:
                host.unreachable = f"answered {response.status}"
                self._close(host, response)
        finally:
            self._rest(host)
        host.robots_until = self._now() + (ROBOTS_RETRIED if host.unreachable else ROBOTS_KEPT)
