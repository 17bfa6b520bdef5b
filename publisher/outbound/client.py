"""The guarded HTTP client, for fetching sources and for sending webhooks."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import AsyncResolver
from yarl import URL

from publisher import __version__, clock, descriptors
from publisher.clock import Clock
from publisher.deadlines import Deadlines
from publisher.errors import AddressRefused, FetchError
from publisher.model.subscription import ErrorClass
from publisher.outbound.exchange import Exchange, Exchanges
from publisher.outbound.faults import advice_of, explain, is_ours
from publisher.outbound.guard import KEPT_URLS, SETTING, Guard
from publisher.outbound.http1 import STOPPED, Pool, Sending, Target, Tls, head
from publisher.outbound.identity import Identity
from publisher.outbound.results import FetchResponse, PostResult
from publisher.outbound.transport import BUDGET, HEAD_LIMIT, Budget, BudgetedConnector
from publisher.privatenetworks import WEB_PORTS
from publisher.redaction import redacted

MAX_REDIRECTS = 5
KEPT_CONNECTIONS = 256
FIRST_REST = 0.1
CHUNK = 64 * 1024
# What is sent on where a redirect leads to another server; any other header may be a key.
_FOR_ANYONE = ("accept", "accept-language", "if-none-match", "if-modified-since", "user-agent")
USER_AGENT = f"publisher/{__version__}"
_NOWHERE = Target("", False, "", 0, (), b"")


class Outbound:
    """An HTTP client that reaches public addresses only, and those in ``allow_private``.

    ``ports`` may be connected to at the former, those written with each network at the latter; ``setting`` is where an
    operator adds to these. ``timeout`` is the total for one request, in
    seconds. ``keep`` connections stay open for the next request at most. ``limit`` connections are open for sending in
    all, by default a share of the process's descriptors. ``resolver`` replaces DNS, ``tls`` whom to trust.
    Raises ValueError for a network that is none. Close it with :meth:`close`.
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
        limit: int | None = None,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
        now: Clock = clock.now,
    ) -> None:
        self.guard = Guard(allow_private, ports, setting)
        self._public = Guard((), ports, setting) if allow_private else self.guard
        self._user_agent = user_agent
        self._timeout = timeout
        self._resolver = resolver
        self._now = now
        self._deadlines = Deadlines()
        self._keep = keep
        self._session: aiohttp.ClientSession | None = None
        self._connector: BudgetedConnector | None = None
        self._limit = limit
        self._tls = Tls(tls)
        self._pool: Pool | None = None
        self._closed = False
        self._target = lru_cache(KEPT_URLS)(self._checked_target)

    def introduce(self, user_agent: str) -> None:
        """Name ourselves so from the next request on."""
        self._user_agent = user_agent

    def check_url(self, url: str, *, public_only: bool = False) -> str:
        """The URL as it will be sent: scheme and host in normal form, the rest as it was given, without fragment.

        Raises AddressRefused with the reason: scheme, user and password, host, port, or an address that is not public.
        What a name resolves to is judged when it is connected to. ``public_only``: private networks do not count that
        an operator has opened.
        """
        return str((self._public if public_only else self.guard).checked(url))

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
            trust = self._tls.context if target.scheme == "https" else True
            async with self._open().get(
                target, headers=headers, allow_redirects=False, auto_decompress=True, ssl=trust
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

    def send(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout: float,
        done: Callable[[PostResult], None],
        *,
        begins: Callable[[], bool] | None = None,
        reads: bool = False,
        identity: Identity | None = None,
        public_only: bool = False,
    ) -> Sending:
        """POST once, without a task; redirects are not followed. To be called from the event loop.

        ``done`` is called exactly once, later, from the event loop: faults of the network are a result, and the status
        line decides. ``begins`` is called once there is a connection, right before the first byte is written, which
        may be within this call; False: nothing is written, the connection is kept for others, and the result is
        ``stopped``. ``timeout``, in seconds, is for all of the attempt up to the status line, from when it had its
        turn: the time for which it waits for room in this client is not the receiver's. Neither may raise. ``reads``:
        the first kilobyte of the answer's body is told of a success too, or what of it comes within a second. Once
        the client is closed, nothing is sent, and the result is ``stopped``. With an ``identity`` it goes over
        connections that present its certificate and serve nothing else. ``public_only``: it goes to no private network,
        also where an operator has opened it for others, by connections that were made so.
        """
        pool = self._pool or self._open_pool()
        if self._closed:
            return self._refused(pool, done, STOPPED)
        try:
            target = self._target(url, public_only and self._public is not self.guard)
            if identity is not None:
                target = target.presenting(identity)
            sent = head(target.start, self._user_agent, headers, len(body))
        except AddressRefused as refused:
            return self._refused(
                pool, done, PostResult(None, f"refused: {refused}", advice=refused.advice, fault=ErrorClass.REFUSED)
            )
        except ValueError as error:
            return self._refused(pool, done, PostResult(None, redacted(f"not sent: {error}"[:300])))
        sending = Sending(pool, target, sent, body, timeout, done, begins, reads=reads)
        pool.send(sending)
        return sending

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout: float | None = None,
        identity: Identity | None = None,
        *,
        public_only: bool = False,
        reads: bool = False,
    ) -> PostResult:
        """As :meth:`send`, and wait for the outcome; cancelled, it is sent no more."""
        outcome: asyncio.Future[PostResult] = asyncio.get_running_loop().create_future()

        def done(result: PostResult) -> None:
            if not outcome.done():
                outcome.set_result(result)

        limit = self._timeout if timeout is None else timeout
        sending = self.send(url, body, headers, limit, done, identity=identity, public_only=public_only, reads=reads)
        try:
            return await outcome
        except asyncio.CancelledError:
            sending.cancel()
            raise

    async def exchange(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout: float,
        identity: Identity | None = None,
        *,
        public_only: bool = False,
    ) -> Exchange:
        """POST once by itself, and tell all of it: for what its owner looks at. Arguments as of :meth:`send`."""
        guard = self._public if public_only else self.guard
        sent = {
            "User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": "identity", **headers,
        }  # fmt: skip
        try:
            return await Exchanges(guard, self._resolve(), self._tls, self._now).post(
                url, body, sent, timeout, identity
            )
        except AddressRefused as refused:
            said = f"refused: {refused}"
            return Exchange(None, said, advice=refused.advice, fault=ErrorClass.REFUSED, sent=sent, request=body)

    def _refused(self, pool: Pool, done: Callable[[PostResult], None], result: PostResult) -> Sending:
        sending = Sending(pool, _NOWHERE, b"", b"", 0.0, done, None)
        sending.tell_soon(result)
        return sending

    def _checked_target(self, url: str, public_only: bool) -> Target:
        if public_only:
            return Target.of(self._public.checked(url)).in_public()
        return Target.of(self.guard.checked(url))

    def _open_pool(self) -> Pool:
        limit = self._limit if self._limit is not None else descriptors.shares(descriptors.limit()).connections
        self._pool = Pool(
            self.guard,
            self._resolve,
            keep=self._keep,
            limit=limit,
            tls=self._tls,
            now=self._now,
            deadlines=self._deadlines,
            public=self._public,
        )
        return self._pool

    def _resolve(self) -> AbstractResolver:
        # The default resolver shares a few threads, where names that never answer hold up all others.
        if self._resolver is None:
            self._resolver = AsyncResolver(timeout=3.0, tries=2)
        return self._resolver

    @property
    def idle(self) -> int:
        """How many connections are open and unused."""
        fetching = self._connector.idle if self._connector is not None else 0
        return fetching + (self._pool.idle if self._pool is not None else 0)

    async def close(self) -> None:
        """Close every connection; what is being sent is cancelled, and nothing is sent after that."""
        self._closed = True
        if self._pool is not None:
            self._pool.close()
            await asyncio.sleep(0)  # for those who are told
        self._deadlines.close()
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self._resolver is not None:
            await self._resolver.close()
            self._resolver = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = self._connector = BudgetedConnector(
                keep=self._keep,
                resolver=self._resolve(),
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
