"""What of a request does not change: where a URL leads, and the head of a request to it."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address

from yarl import URL

from publisher.outbound.identity import Identity

Address = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]
"""As ``socket.getaddrinfo`` gives one: family, type, protocol, canonical name (empty), and what is connected to."""

SHAPES = 512
"""Sets of header names whose form is kept; a format of webhooks has one."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What frames a message, and whom it is for, is written here alone.
_OURS = frozenset(
    {
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip


class HeaderRefused(ValueError):
    """A header that cannot be sent: it would break the request, or send it elsewhere."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a checked URL leads.

    ``origin`` is scheme, host and port: requests to one origin share connections. ``addresses`` stand in the URL; None
    where it has a name, which is resolved. ``start`` is the request line and the Host line of a POST. ``identity`` is
    what is presented there, and ``public_only`` that it may be reached at no private address, whatever an operator
    has opened: connections of either kind have an origin of their own.
    """

    origin: str
    tls: bool
    host: str
    port: int
    addresses: tuple[Address, ...] | None
    start: bytes
    identity: Identity | None = None
    public_only: bool = False

    @classmethod
    def of(cls, url: URL) -> Target:
        """That of a URL that the guard has checked, which sends what follows the host byte for byte."""
        host, port = url.raw_host or "", url.port or 0
        named = url.host_port_subcomponent or ""
        return cls(
            origin=f"{url.scheme}://{host}:{port}",
            tls=url.scheme == "https",
            host=host,
            port=port,
            addresses=_literal(host, port),
            start=f"POST {url.raw_path_qs} HTTP/1.1\r\nHost: {named}\r\n".encode("ascii"),
        )

    def in_public(self) -> Target:
        """The same, by connections to public addresses alone."""
        return replace(self, origin=f"{self.origin} public", public_only=True)

    def presenting(self, identity: Identity) -> Target:
        """The same, by connections of its own that present a certificate."""
        return replace(self, origin=f"{self.origin} {identity.name}", identity=identity)


def address(host: str, port: int) -> Address:
    """A numeric address as a socket takes it; raises ValueError for a name."""
    if ip_address(host).version == 4:
        return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)
    return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0)


def _literal(host: str, port: int) -> tuple[Address, ...] | None:
    try:
        return (address(host, port),)
    except ValueError:
        return None


def head(start: bytes, agent: str, headers: Mapping[str, str], size: int) -> bytes:
    """The head of a request whose body has ``size`` bytes; raises HeaderRefused, which is a ValueError.

    Values may come from strangers, so line ends are counted in what is to be sent: ours, and no other.
    """
    form, lines = _form(agent, tuple(headers))
    text = (form % (*headers.values(), size)).encode()
    if text.count(b"\n") != lines or text.count(b"\r") != lines or b"\x00" in text:
        raise HeaderRefused("the value of a header contains a line break or NUL")
    return start + text


@lru_cache(SHAPES)
def _form(agent: str, names: tuple[str, ...]) -> tuple[str, int]:
    """Header lines with places for the values and for the length of the body, and how many lines they are."""
    given = {name.lower() for name in names}
    for name in names:
        if not _TOKEN.fullmatch(name):
            raise HeaderRefused(f"{name[:60]!a} is no name of a header")
        if name.lower() in _OURS:
            raise HeaderRefused(f"the header {name} is not the caller's to set")
    if len(given) < len(names):
        raise HeaderRefused("a header is given twice, in different case")
    usual = {
        "User-Agent": agent,
        "Accept": "*/*",
        "Accept-Encoding": "identity",  # what is kept of the answer is for people to read
        "Content-Type": "application/octet-stream",
    }
    lines = [f"{name}: {value}".replace("%", "%%") for name, value in usual.items() if name.lower() not in given]
    lines += [f"{name.replace('%', '%%')}: %s" for name in names]
    lines += ["Content-Length: %d", "", ""]
    return "\r\n".join(lines), len(lines) - 1
