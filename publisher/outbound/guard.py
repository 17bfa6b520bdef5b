"""Which addresses may be connected to.

Others choose where we connect, so nothing but public addresses may be reached unless the operator opts in. A check
of the URL gives an early, readable refusal; what holds is the check **at the socket**: every address is judged in the
connector's socket factory, after names are resolved and whatever the URL looked like. A guard in the resolver alone is
never asked about literals, and a check before connecting falls to a name that changes its address in between.
"""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, ip_address
from urllib.parse import quote

from yarl import URL

from publisher import privatenetworks
from publisher.errors import AddressRefused
from publisher.outbound.addresses import METADATA, Address, embedded, is_global, unwrap, within
from publisher.privatenetworks import WEB_PORTS

MAX_URL = 2048
SETTING = "allow_private_networks"
# Checked URLs are kept for as many endpoints as one installation usually has: 1 KB a URL.
KEPT_URLS = 16_384
KEPT_HOSTS = 4096

_AFTER_AUTHORITY = re.compile(r"^[^:/?#]+://[^/?#]*")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


class SocketRefused(OSError):
    """Raised inside the connector, which tries the name's next address and reports the last failure."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(errno.EACCES, refused.reason)
        self.advice = refused.advice


@dataclass(frozen=True, slots=True)
class Refused:
    """Why something may not be connected to, and how an operator can allow it; None where no one can."""

    reason: str
    advice: str | None = None


def _as_given(parsed: URL, url: str) -> URL:
    """The URL with scheme and authority in their normal form, and all that follows byte for byte as it was given.

    Signed addresses and some routers tell ``%2F`` from ``/`` and ``%7E`` from ``~``. Only what cannot stand in a
    request line, which is ASCII (RFC 9112 section 3), is encoded.
    """
    rest = _AFTER_AUTHORITY.sub("", url).partition("#")[0]
    target = _NOT_ASCII.sub(lambda found: quote(found[0].encode("utf-8", "surrogateescape")), rest)
    # The query stands in ``path`` as well: yarl would drop a "?" that nothing follows.
    path = target if target.startswith("/") else f"/{target}"
    return URL.build(scheme=parsed.scheme, authority=parsed.host_port_subcomponent or "", path=path, encoded=True)


class Guard:
    """Lets public addresses through at ``ports``, and those in ``allow_private`` at the ports written there.

    ``setting`` is where an operator adds to the latter. Raises ValueError for a network that is none.
    """

    def __init__(
        self, allow_private: Sequence[str] = (), ports: Sequence[int] = WEB_PORTS, setting: str = SETTING
    ) -> None:
        self._allowed = tuple(privatenetworks.parse(text) for text in allow_private)
        self._ports = frozenset(ports)
        self._setting = setting
        self.checked = lru_cache(KEPT_URLS)(self._check)
        self._host_refused = lru_cache(KEPT_HOSTS)(self._host_refusal)
        # What is said of an address and port is a matter of these settings alone.
        self._address_refused = lru_cache(KEPT_HOSTS)(self._address_refusal)

    def refusal(self, address: Address, port: int) -> Refused | None:
        """Why this address and port may not be connected to; None if they may."""
        if within(address, METADATA) or within(embedded(address), METADATA):
            return Refused(f"{address} hands out cloud credentials and is never allowed")
        real = unwrap(address)
        if privatenetworks.opens(self._allowed, real, port) or privatenetworks.opens(self._allowed, address, port):
            return None
        public = is_global(real)
        advice = f'to allow it, add "{privatenetworks.suggestion(real, port)}" to {self._setting}'
        if not public:
            if any(one.holds(real) or one.holds(address) for one in self._allowed):
                return Refused(f"port {port} is not allowed at {address}", advice)
            return Refused(f"{address} is not a public address", advice)
        return None if port in self._ports else Refused(self._other_port(port), advice)

    def _other_port(self, port: int) -> str:
        return f"port {port} is not allowed; use one of {', '.join(map(str, sorted(self._ports)))}"

    def _check(self, url: str) -> URL:
        """As :meth:`Outbound.check_url`."""
        if len(url) > MAX_URL:
            raise AddressRefused(f"the URL is longer than {MAX_URL} characters")
        if re.search(r"[\x00-\x20\x7f\\]", url):
            raise AddressRefused("the URL contains white space, a control character or a backslash")
        try:
            parsed = URL(url)
            host, port = parsed.raw_host, parsed.port
        except ValueError as error:
            raise AddressRefused(f"this is no valid URL: {error}") from error
        if parsed.scheme not in ("http", "https"):
            raise AddressRefused("the URL must begin with http:// or https://")
        if parsed.raw_user is not None or parsed.raw_password is not None:
            raise AddressRefused("the URL must not contain a user name or password")
        if not host or port is None:
            raise AddressRefused("the URL names no host")
        if ":" not in host and f"[{host}]".lower() in url.lower():
            raise AddressRefused(f"{f'[{host}]'!r} is no valid host name")  # IPvFuture of RFC 3986, which nothing has
        if refused := self._host_refused(host, port):
            raise AddressRefused(refused.reason, advice=refused.advice)
        return _as_given(parsed, url)

    def _host_refusal(self, host: str, port: int) -> Refused | None:
        host = host.lower().removesuffix(".")
        if host == "localhost" or host.endswith(".localhost"):  # RFC 6761: always loopback
            return self.refusal(IPv4Address("127.0.0.1"), port)
        with suppress(ValueError):
            return self.refusal(ip_address(host), port)
        if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", host) or len(host) > 253:
            return Refused(f"{host!r} is no valid host name")
        if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]):
            # Decimal, octal, hexadecimal and shortened forms, which the C library would take for an address.
            return Refused(f"{host!r} is no host name, and no IPv4 address in its usual form")
        if port not in self._ports and not any(one.opens(port) for one in self._allowed):
            advice = f"to allow it, add the network of {host} with this port to {self._setting}"
            return Refused(self._other_port(port), advice)
        return None

    def open_socket(
        self, info: tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
    ) -> socket.socket:
        """A socket for this address (as ``socket.getaddrinfo`` gives it); raises OSError where it is refused."""
        family, kind, protocol, _, sockaddr = info
        if refused := self._address_refused(str(sockaddr[0]), int(sockaddr[1])):
            raise SocketRefused(refused)
        return socket.socket(family, kind, protocol)

    def _address_refusal(self, numeric: str, port: int) -> Refused | None:
        return self.refusal(ip_address(numeric.partition("%")[0]), port)
