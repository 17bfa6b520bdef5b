"""The guarded HTTP client, for fetching sources and for sending webhooks.

Others choose where it connects, so nothing but public addresses may be reached unless the operator opts in. A check
of the URL gives an early, readable refusal; what holds is the check **at the socket**: every address is judged in the
connector's socket factory, after names are resolved and whatever the URL looked like. A guard in the resolver alone is
never asked about literals, and a check before connecting falls to a name that changes its address in between.
"""

from __future__ import annotations

import asyncio
import errno
import math
import re
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from io import BytesIO
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import AsyncResolver
from yarl import URL

from publisher import __version__, clock
from publisher.clock import Clock
from publisher.deadlines import Deadlines
from publisher.errors import AddressRefused, FetchError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = (80, 443, 8080, 8443)
MAX_REDIRECTS = 5
MAX_URL = 2048
# A receiver's answer is read this far, so that its connection can be kept, and kept this far for people to look at.
RESPONSE_LIMIT = 16 * 1024
EXCERPT = 1024
# Checked URLs and bodies under way are kept for as many endpoints as one installation usually has: 1 KB a URL.
KEPT_URLS = 16_384
KEPT_BODIES = 16
CHUNK = 64 * 1024
STREAM_FROM = 1024 * 1024
# What is sent on where a redirect leads to another server; any other header may be a key.
_FOR_ANYONE = ("accept", "accept-language", "if-none-match", "if-modified-since")
USER_AGENT = f"publisher/{__version__}"

BEFORE_SENDING: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("before_sending", default=None)
"""Awaited, where it is set, once a request has its connection and before anything is written to it; what it raises
ends the request unsent."""


def _networks(*blocks: str) -> tuple[Network, ...]:
    return tuple(ip_network(block) for block in blocks)


# Where clouds hand out credentials to whoever can connect. Refused even inside a network that is opted in.
# AWS, Azure, GCP, OpenStack, DigitalOcean share 169.254.169.254; ECS and EKS 169.254.170.x; Alibaba 100.100.100.200;
# Oracle 192.0.0.192; Azure's wire server 168.63.129.16; over IPv6 AWS fd00:ec2::/32 and GCP fd20:ce::254.
METADATA = _networks(
    "169.254.169.0/24",
    "169.254.170.0/24",
    "100.100.100.200/32",
    "192.0.0.192/32",
    "168.63.129.16/32",
    "fd00:ec2::/32",
    "fd20:ce::/32",
)

# IANA's special-purpose registries (RFC 6890), multicast and reserved space. Kept here since ipaddress.is_global of
# Python 3.11 lets 6to4, NAT64, IPv4-compatible and multicast addresses through.
SPECIAL_V4 = _networks(
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
GLOBAL_V6 = ip_network("2000::/3")
SPECIAL_V6 = _networks("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20")
NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """What a server answered. ``url`` is where the last redirect led; ``headers`` are looked up in any case.

    ``moved`` is where redirects led that are for good (301, 308: RFC 9110 section 15.4); null where none was.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    moved: str | None = None


@dataclass(frozen=True, slots=True)
class PostResult:
    """How one POST went.

    ``status`` is null where no status line came; ``error`` then says why. ``retry_after`` is in seconds from now.
    """

    status: int | None
    error: str | None = None
    retry_after: float | None = None
    response_excerpt: str | None = None
    duration_ms: int = 0

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it: 2xx alone, and a redirect is none."""
        return self.status is not None and 200 <= self.status < 300


class _SocketRefused(OSError):
    """Raised inside the connector, which tries the name's next address and reports the last failure."""


def _unwrap(address: Address) -> Address:
    """The IPv4 address that a mapped or NAT64 address connects to; any other address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _embedded(address: Address) -> Address:
    """As :func:`_unwrap`, and also for forms that are refused: 6to4 (RFC 3056) and IPv4-compatible (RFC 4291)."""
    if isinstance(address, IPv6Address):
        if address.sixtofour:
            return address.sixtofour
        if int(address) >> 32 == 0:
            return IPv4Address(int(address))
    return _unwrap(address)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


class Outbound:
    """An HTTP client that reaches public addresses only, and those in ``allow_private`` (CIDRs).

    ``ports`` may be connected to anywhere, any port in ``allow_private``. ``timeout`` is the total for one request, in
    seconds. ``resolver`` replaces DNS. Raises ValueError for a CIDR that is none. Close it with :meth:`close`.
    """

    def __init__(
        self,
        *,
        allow_private: Sequence[str] = (),
        ports: Sequence[int] = PORTS,
        user_agent: str = USER_AGENT,
        timeout: float = 20.0,
        resolver: AbstractResolver | None = None,
        now: Clock = clock.now,
    ) -> None:
        self._allowed = tuple(ip_network(block) for block in allow_private)
        self._ports = frozenset(ports)
        self._user_agent = user_agent
        self._timeout = timeout
        self._resolver = resolver
        self._now = now
        self._deadlines = Deadlines()
        self._session: aiohttp.ClientSession | None = None
        self._checked = lru_cache(KEPT_URLS)(self._check)
        self._payload = lru_cache(KEPT_BODIES)(aiohttp.BytesPayload)
        self._host_refused = lru_cache(maxsize=4096)(self._host_refusal)

    # --- the guard

    def check_url(self, url: str) -> str:
        """The URL in its normal form, without fragment.

        Raises AddressRefused with the reason: scheme, user and password, host, port, or an address that is not public.
        What a name resolves to is judged when it is connected to.
        """
        return str(self._checked(url))

    def refusal(self, address: Address, port: int) -> str | None:
        """Why this address and port may not be connected to; null if they may."""
        if _within(address, METADATA) or _within(_embedded(address), METADATA):
            return f"{address} hands out cloud credentials and is never allowed"
        real = _unwrap(address)
        if _within(real, self._allowed) or _within(address, self._allowed):
            return None
        public = (
            not _within(real, SPECIAL_V4)
            if isinstance(real, IPv4Address)
            else real in GLOBAL_V6 and not _within(real, SPECIAL_V6)
        )
        if not public:
            return f"{address} is not a public address; to allow it, add its network to allow_private_networks"
        if port not in self._ports:
            return f"port {port} is not allowed; use one of {', '.join(map(str, sorted(self._ports)))}"
        return None

    def _check(self, url: str) -> URL:
        if len(url) > MAX_URL:
            raise AddressRefused(f"the URL is longer than {MAX_URL} characters")
        if re.search(r"[\x00-\x20\x7f\\]", url):
            raise AddressRefused("the URL contains white space, a control character or a backslash")
        try:
            parsed = URL(url).with_fragment(None)
            host, port = parsed.raw_host, parsed.port
        except ValueError as error:
            raise AddressRefused(f"this is no valid URL: {error}") from error
        if parsed.scheme not in ("http", "https"):
            raise AddressRefused(f"the URL must begin with http:// or https://, not {parsed.scheme or url[:20]!r}")
        if parsed.raw_user is not None or parsed.raw_password is not None:
            raise AddressRefused("the URL must not contain a user name or password")
        if not host or port is None:
            raise AddressRefused("the URL names no host")
        reason = self._host_refused(host, port)
        if reason:
            raise AddressRefused(reason)
        return parsed

    def _host_refusal(self, host: str, port: int) -> str | None:
        host = host.lower().removesuffix(".")
        if host == "localhost" or host.endswith(".localhost"):  # RFC 6761: always loopback
            return self.refusal(IPv4Address("127.0.0.1"), port)
        with suppress(ValueError):
            return self.refusal(ip_address(host), port)
        if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", host) or len(host) > 253:
            return f"{host!r} is no valid host name"
        if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]):
            # Decimal, octal, hexadecimal and shortened forms, which the C library would take for an address.
            return f"{host!r} is no host name, and no IPv4 address in its usual form"
        if port not in self._ports and not self._allowed:
            return f"port {port} is not allowed; use one of {', '.join(map(str, sorted(self._ports)))}"
        return None

    def _guarded_socket(
        self, info: tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
    ) -> socket.socket:
        family, kind, protocol, _, sockaddr = info
        reason = self.refusal(ip_address(str(sockaddr[0]).partition("%")[0]), int(sockaddr[1]))
        if reason:
            raise _SocketRefused(errno.EACCES, reason)
        return socket.socket(family, kind, protocol)

    # --- requests

    async def get(self, url: str, headers: Mapping[str, str] | None = None, limit: int = 10_000_000) -> FetchResponse:
        """GET a document of up to ``limit`` bytes once decompressed; follows up to five redirects, each judged anew.

        Raises FetchError where the guard refuses, nothing answers in time, or the document is too large.
        """
        sent = dict(headers or {})
        try:
            async with asyncio.timeout(self._timeout):
                return await self._follow(self._checked(url), sent, limit)
        except AddressRefused as error:
            raise FetchError(f"refused: {error}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(self._explain(error, self._timeout)) from error

    async def _follow(self, target: URL, headers: dict[str, str], limit: int) -> FetchResponse:
        moved, lasting = None, True
        for _ in range(MAX_REDIRECTS + 1):
            async with self._open().get(
                target, headers=headers, allow_redirects=False, auto_decompress=True
            ) as response:
                location = response.headers.get("Location")
                if response.status not in (301, 302, 303, 307, 308) or not location:
                    body = await _read_within(response, limit)
                    return FetchResponse(response.status, response.headers, body, str(target), moved)
            step = self._checked(str(target.join(URL(location))))
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
        status, error, wait, excerpt = None, None, None, None
        # What is kept of the answer is for people to read; aiohttp wants large bodies as streams.
        sent = {"Accept-Encoding": "identity", **headers}
        data = self._payload(body) if len(body) < STREAM_FROM else BytesIO(body)
        try:
            with self._deadlines.within(limit):
                async with self._open().post(
                    self._checked(url), data=data, headers=sent, allow_redirects=False
                ) as response:
                    status, wait = response.status, self._retry_after(response.headers.get("Retry-After"))
                    excerpt = await _excerpt(response)
        except AddressRefused as refused:
            error = f"refused: {refused}"
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            error = None if status is not None else self._explain(fault, limit)
        return PostResult(status, error, wait, excerpt, round((time.perf_counter() - began) * 1000))

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
            connector = _Connector(
                resolver=self._resolver,
                socket_factory=self._guarded_socket,
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

    def _retry_after(self, value: str | None) -> float | None:
        """Seconds to wait, from either form of the header (RFC 9110 section 10.2.3); null if it cannot be read."""
        if value is None:
            return None
        with suppress(ValueError, TypeError, OverflowError):
            if re.fullmatch(r"[0-9]{1,9}", value.strip()):
                return float(value)
            at = parsedate_to_datetime(value)
            seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)) - self._now()
            return max(0.0, math.ceil(seconds.total_seconds()))
        return None

    @staticmethod
    def _explain(error: Exception, timeout: float) -> str:
        match error:
            case TimeoutError():
                reason = f"no answer within {timeout:g} s"
            case aiohttp.ClientConnectorDNSError():
                reason = f"the name {error.host!r} does not resolve"
            case aiohttp.ClientConnectorCertificateError():
                reason = f"the certificate is not accepted: {error.certificate_error}"
            case aiohttp.ClientConnectorError() if error.os_error.errno == errno.EACCES:
                reason = f"refused: {error.os_error.strerror}"
            case aiohttp.ClientConnectorError():
                reason = f"cannot connect to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}"
            case aiohttp.ServerDisconnectedError():
                reason = "the server closed the connection without an answer"
            case aiohttp.ClientResponseError():
                reason = f"the answer cannot be read: {error.message}"
            case _:
                reason = f"{type(error).__name__}: {error}"
        return reason[:300]


class _Connector(aiohttp.TCPConnector):
    """Asks, once there is a connection, whether the request is still to be sent: it may have waited for long."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        ask = BEFORE_SENDING.get()
        if ask is not None:
            try:
                await ask()
            except BaseException:
                connection.release()
                raise
        return connection


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
