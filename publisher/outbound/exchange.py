"""One POST whose whole answer is wanted: a test that its owner looks at, or a challenge that must come back.

It goes over a connection of its own, which is closed after it: by aiohttp, since what deliveries are sent with reads
no more of an answer than its status needs.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from publisher import retryafter
from publisher.clock import Clock
from publisher.model.subscription import ErrorClass
from publisher.outbound.addresses import is_public
from publisher.outbound.faults import advice_of, explain, fault_of, is_ours
from publisher.outbound.guard import Guard
from publisher.outbound.http1 import Tls
from publisher.outbound.http1.answer import EXCERPT, POST_LIMIT
from publisher.outbound.identity import Identity
from publisher.outbound.results import PostResult
from publisher.outbound.transport import BUDGET, Budget, BudgetedConnector

BODY_LIMIT = 16 * 1024
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True)
class Exchange(PostResult):
    """As :class:`PostResult`, with the request as it was sent and the answer as it came.

    ``sent`` and ``received`` are their headers, ``request`` and ``answer`` their bodies, the latter up to 16 KiB of it;
    ``addresses`` are what was connected to, the last of which answered.
    """

    sent: Mapping[str, str] = field(default_factory=dict)
    request: bytes = b""
    received: tuple[tuple[str, str], ...] = ()
    answer: bytes = b""
    addresses: tuple[str, ...] = ()

    @property
    def public(self) -> bool:
        """Whether nothing but public addresses were connected to."""
        return all(is_public(one) for one in self.addresses)


class Exchanges:
    """Makes them, under this guard. ``timeout`` is in seconds, for all of one."""

    def __init__(self, guard: Guard, resolver: AbstractResolver, tls: Tls, now: Clock) -> None:
        self._guard = guard
        self._resolver = resolver
        self._tls = tls
        self._now = now

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout: float, identity: Identity | None = None
    ) -> Exchange:
        """POST once; redirects are not followed, and faults of the network are a result. Raises AddressRefused."""
        checked = self._guard.checked(url)
        blank = Exchange(None, sent=headers, request=body)
        began, tried = time.monotonic(), list[str]()
        BUDGET.set(Budget(POST_LIMIT))
        try:
            trust = self._tls.context if identity is None else identity.context(self._tls.context)
            async with asyncio.timeout(timeout), self._session(tried) as session:
                answering = session.post(checked, data=body, headers=headers, allow_redirects=False, ssl=trust)
                async with answering as response:
                    found = replace(blank, status=response.status, duration_ms=_since(began))
                    answer = await _read(response)
                    return self._told(replace(found, addresses=tuple(tried)), response, answer)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            fault = ErrorClass.TIMEOUT if isinstance(error, TimeoutError) else fault_of(error)
            said, blank = explain(error, timeout), replace(blank, addresses=tuple(tried))
            return replace(
                blank, error=said, duration_ms=_since(began), ours=is_ours(error), advice=advice_of(error), fault=fault
            )

    def _session(self, tried: list[str]) -> aiohttp.ClientSession:
        """A session for one request; the addresses that it connects to are added to ``tried``."""

        def opened(
            info: tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]],
        ) -> socket.socket:
            made = self._guard.open_socket(info)
            tried.append(str(info[4][0]))
            return made

        connector = BudgetedConnector(
            keep=0,
            resolver=_Lent(self._resolver),
            socket_factory=opened,
            force_close=True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            skip_auto_headers=("Content-Type",),
        )

    def _told(self, found: Exchange, response: aiohttp.ClientResponse, answer: bytes) -> Exchange:
        wait = retryafter.read(response.headers.get("Retry-After"), self._now())
        excerpt = None if found.delivered else answer[:EXCERPT].decode("utf-8", "replace")
        received = tuple((str(name), value[:1000]) for name, value in list(response.headers.items())[:50])
        return replace(
            found,
            retry_after=wait.seconds,
            ignored=wait.ignored,
            response_excerpt=excerpt,
            received=received,
            answer=answer,
        )


class _Lent(AbstractResolver):
    """A resolver that is not closed with the connector."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return await self._resolver.resolve(host, port, family)

    async def close(self) -> None:
        """Nothing: its owner goes on using it."""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """What there is of the body, up to the limit; a body that breaks off is as long as it came."""
    parts, size = [], 0
    try:
        async for piece in response.content.iter_any():
            parts.append(piece)
            size += len(piece)
            if size >= BODY_LIMIT:
                break
    except aiohttp.ClientError:
        pass
    return b"".join(parts)[:BODY_LIMIT]


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
