"""The guarded HTTP client, for fetching sources and for sending webhooks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import AsyncResolver
from yarl import URL

from publisher import __version__, clock, retryafter
from publisher.clock import Clock
from publisher.deadlines import Deadlines
from publisher.errors import AddressRefused, FetchError
from publisher.outbound.faults import advice_of, explain, is_ours
from publisher.outbound.guard import SETTING, Guard
from publisher.outbound.results import FetchResponse, PostResult
from publisher.outbound.transport import BUDGET, HEAD_LIMIT, Budget, BudgetedConnector
from publisher.privatenetworks import WEB_PORTS

MAX_REDIRECTS = 5
# A receiver's answer is read this far, so that its connection can be kept, and kept this far for people to look at.
RESPONSE_LIMIT = 16 * 1024
EXCERPT = 1024
POST_LIMIT = 64 * 1024
"""Bytes of the whole response to a POST, as they arrive: heads, framing and body."""
_POST_BUDGET = Budget(POST_LIMIT, cut=True)
KEPT_BODIES = 16
KEPT_CONNECTIONS = 256
FIRST_REST = 0.1
CHUNK = 64 * 1024
STREAM_FROM = 1024 * 1024
# What is sent on where a redirect leads to another server; any other header may be a key.
_FOR_ANYONE = ("accept", "accept-language", "if-none-match", "if-modified-since", "user-agent")
USER_AGENT = f"publisher/{__version__}"


class Outbound:
    """An HTTP client that reaches public addresses only, and those in ``allow_private``.

    ``ports`` may be connected to at the former, those written with each network at the latter; ``setting`` is where an
    operator adds to these. ``timeout`` is the total for one request, in
    seconds. ``keep`` connections stay open for the next request at most. ``resolver`` replaces DNS. Raises ValueError
    for a network that is none. Close it with :meth:`close`.
    """

    def __init__(
        self,
        *,
        allow_private: Sequence[str] = (),
        ports: Sequence[int] = WEB_PORTS,
        setting: str = SETTING,
        user_agent: str = USER_AGENT,
        timeout: float = 20.0,
        keep: int = KEPT_CONNECTIONS,
        resolver: AbstractResolver | None = None,
        now: Clock = clock.now,
    ) -> None:
        self.guard = Guard(allow_private, ports, setting)
        self._user_agent = user_agent
        self._timeout = timeout
        self._resolver = resolver
        self._now = now
        self._deadlines = Deadlines()
        self._keep = keep
        self._session: aiohttp.ClientSession | None = None
        self._connector: BudgetedConnector | None = None
        self._payload = lru_cache(KEPT_BODIES)(aiohttp.BytesPayload)

    def introduce(self, user_agent: str) -> None:
        """Name ourselves so from the next GET on."""
        self._user_agent = user_agent

    def check_url(self, url: str) -> str:
        """The URL as it will be sent: scheme and host in normal form, the rest as it was given, without fragment.

        Raises AddressRefused with the reason: scheme, user and password, host, port, or an address that is not public.
        What a name resolves to is judged when it is connected to.
        """
        return str(self.guard.checked(url))

    async def get(self, url: str, headers: Mapping[str, str] | None = None, limit: int = 10_000_000) -> FetchResponse:
        """GET a document of up to ``limit`` bytes once decompressed; follows up to five redirects, each checked.

        Raises FetchError where the guard refuses, nothing answers in time, or the document is too large.
        """
        sent = {"User-Agent": self._user_agent, **(headers or {})}
        try:
            async with asyncio.timeout(self._timeout):
                return await self._follow_once_possible(self.guard.checked(url), sent, limit)
        except AddressRefused as error:
            raise FetchError(f"refused: {error}", advice=error.advice) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(explain(error, self._timeout), advice=advice_of(error)) from error

    async def _follow_once_possible(self, target: URL, headers: dict[str, str], limit: int) -> FetchResponse:
        """As :meth:`_follow`, again and again while it is this machine that cannot: that is no fault of the site's."""
        rest, until = FIRST_REST, time.monotonic() + self._timeout
        while True:
            try:
                return await self._follow(target, headers, limit)
            except (aiohttp.ClientError, OSError) as error:
                if not is_ours(error) or time.monotonic() + rest >= until:
                    raise
            if self._connector is not None:
                self._connector.close_idle()
            await asyncio.sleep(rest)
            rest *= 2

    async def _follow(self, target: URL, headers: dict[str, str], limit: int) -> FetchResponse:
        moved, lasting = None, True
        BUDGET.set(Budget(limit + HEAD_LIMIT))
        for _ in range(MAX_REDIRECTS + 1):
            async with self._open().get(
                target, headers=headers, allow_redirects=False, auto_decompress=True
            ) as response:
                location = response.headers.get("Location")
                if response.status not in (301, 302, 303, 307, 308) or not location:
                    body = await _read_within(response, limit)
                    return FetchResponse(response.status, response.headers, body, str(target), moved)
            step = self.guard.checked(_joined(str(target), location))
            if target.scheme == "https" and step.scheme != "https":
                raise FetchError(f"refused: a redirect leads from https to {step.scheme}")
            if step.origin() != target.origin():
                headers = {k: v for k, v in headers.items() if k.lower() in _FOR_ANYONE}
            target = step
            lasting = lasting and response.status in (301, 308)
            moved = str(target) if lasting else moved
        raise FetchError(f"more than {MAX_REDIRECTS} redirects")

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout: float | None = None) -> PostResult:
        """POST once, within ``timeout`` seconds in all; redirects are not followed.

        Faults of the network are a result, not an exception. The status line decides: what goes wrong after it,
        in the answer's body, changes nothing.
        """
        began = time.perf_counter()
        limit = self._timeout if timeout is None else timeout
        status, error, wait, excerpt, ours, advice = None, None, retryafter.RetryAfter(), None, False, None
        # What is kept of the answer is for people to read; aiohttp wants large bodies as streams.
        sent = {"Accept-Encoding": "identity", **headers}
        data = self._payload(body) if len(body) < STREAM_FROM else BytesIO(body)
        BUDGET.set(_POST_BUDGET)
        try:
            with self._deadlines.within(limit):
                async with self._open().post(
                    self.guard.checked(url), data=data, headers=sent, allow_redirects=False
                ) as response:
                    status = response.status
                    wait = retryafter.read(response.headers.get("Retry-After"), self._now())
                    excerpt = await _excerpt(response)
        except AddressRefused as refused:
            error, advice = f"refused: {refused}", refused.advice
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            if status is None:
                error, ours, advice = explain(fault, limit), is_ours(fault), advice_of(fault)
        if ours and self._connector is not None:
            self._connector.close_idle()
        spent = round((time.perf_counter() - began) * 1000)
        return PostResult(status, error, wait.seconds, excerpt, spent, ours, wait.ignored, advice)

    @property
    def idle(self) -> int:
        """How many connections are open and unused."""
        return self._connector.idle if self._connector is not None else 0

    async def close(self) -> None:
        """Close every connection."""
        self._deadlines.close()
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._resolver is not None:
            await self._resolver.close()
            self._resolver = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # The default resolver shares a few threads, where names that never answer hold up all others.
            self._resolver = self._resolver or AsyncResolver(timeout=3.0, tries=2)
            connector = self._connector = BudgetedConnector(
                keep=self._keep,
                resolver=self._resolver,
                socket_factory=self.guard.open_socket,
                limit=0,
                ttl_dns_cache=10,
                keepalive_timeout=30,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),  # else one receiver's cookie would reach another
                trust_env=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                headers={"User-Agent": self._user_agent},
            )
        return self._session


def _joined(base: str, location: str) -> str:
    """Where a redirect leads; white space, which has no place in an address, is encoded as browsers do."""
    return urljoin(base, location.strip().replace(" ", "%20"))


async def _read_within(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if (response.content_length or 0) > limit:
        raise FetchError(f"the document is larger than {limit} bytes", status=response.status)
    parts, size = [], 0
    async for chunk in response.content.iter_chunked(CHUNK):
        size += len(chunk)
        if size > limit:
            response.close()
            raise FetchError(f"the document is larger than {limit} bytes", status=response.status)
        parts.append(chunk)
    return b"".join(parts)


async def _excerpt(response: aiohttp.ClientResponse) -> str | None:
    """The beginning of an answer as text. Reads no further than the limit, then closes instead of draining."""
    kept = b""
    try:
        while len(kept) < RESPONSE_LIMIT and (chunk := await response.content.read(RESPONSE_LIMIT - len(kept))):
            kept += chunk
    except (aiohttp.ClientError, OSError):
        response.close()
    if not response.content.at_eof():
        response.close()
    return kept[:EXCERPT].decode("utf-8", "replace").replace("\x00", "") or None
