"""Limits for one client and for all together, and what counts as one client. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds, sizes in bytes.

    ``head``: from the first byte of a request to the end of its head. ``idle``: without any request. ``body`` and
    ``write``: what a body, and what an answer that lies unsent, may take beyond ``pace`` bytes in each second.
    ``connections`` limits all open connections, ``per_address`` those of one address, or of one /64 network of IPv6.
    Only the first applies to addresses in the ``exempt`` networks: a proxy speaks for many clients.
    """

    head: float = 10.0
    idle: float = 75.0
    body: float = 20.0
    write: float = 20.0
    pace: int = 4096
    connections: int = 1000
    per_address: int = 100
    exempt: Sequence[str] = LOOPBACK


URL_BYTES = 8192
"""The longest request target; more is 414."""

FIELD_BYTES = 8190
"""The longest header field; more is 431."""

FIELDS = 100
"""Header fields of one request; more is 431."""

HEAD_BYTES = 64 * 1024
"""Bytes of one head; more is 431."""

PIPELINED = 4
"""Requests that are read ahead of the one being handled."""


class Ended(StrEnum):
    """Why the server ended a connection, as ``/metrics`` counts it."""

    FULL = "full"
    ADDRESS = "address"
    EVICTED = "evicted"
    HEAD = "head"
    IDLE = "idle"
    BODY = "body"
    WRITE = "write"


class Admission:
    """Counts the connections that are open, in all and for each client."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._exempt = [ip_network(block) for block in limits.exempt]
        self._each: Counter[str] = Counter()
        self.open = 0

    def refused(self, address: str) -> Ended | None:
        """Why one more connection of this address is too many; None where it is not."""
        if not self._spared(address) and self._each[client_of(address)] >= self._limits.per_address:
            return Ended.ADDRESS
        return Ended.FULL if self.open >= self._limits.connections else None

    def enter(self, address: str) -> None:
        """Count a connection that was opened."""
        self.open += 1
        self._each[client_of(address)] += 1

    def leave(self, address: str) -> None:
        """Stop counting a connection that was closed."""
        self.open -= 1
        client = client_of(address)
        self._each[client] -= 1
        if not self._each[client]:
            del self._each[client]

    def _spared(self, address: str) -> bool:
        try:
            found = _parsed(address)
        except ValueError:  # a socket of this machine has no address
            return True
        return any(found in network for network in self._exempt)


def client_of(address: str) -> str:
    """The client that an address belongs to: a home or a server has a whole IPv6 network of 64 bits, and is one
    client.
    """
    try:
        found = _parsed(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    return str(IPv6Network((int(found) >> 64 << 64, 64)))


def _parsed(address: str) -> IPv4Address | IPv6Address:
    """Without a zone; an IPv4 address as such where a socket for both kinds maps it (RFC 4291 section 2.5.5)."""
    found = ip_address(address.partition("%")[0])
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
