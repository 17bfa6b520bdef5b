"""Private networks that may be connected to, and at which ports: as they stand in the configuration. Pure.

::

    10.0.0.0/8            at the ports of the web alone: 80, 443, 8080, 8443
    10.1.2.3:9000         one address, one port
    10.0.0.0/8:9000-9100  ports in a row
    [fd00::/8]:443        IPv6 with a port stands in brackets, as in a URL
    127.0.0.0/8:*         every port

So a network opened for webhooks does not open every service in it: databases, mail, control ports.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

WEB_PORTS = (80, 443, 8080, 8443)

_FORM = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<v4>[^:\[\]]*))(?::(?P<ports>.*))?")
_PORTS = re.compile(r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class PrivateNetwork:
    """A network, and the first and last port in it that may be connected to; None for those of the web."""

    network: IPv4Network | IPv6Network
    ports: tuple[int, int] | None = None

    def holds(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether the address is one of this network."""
        return address in self.network

    def opens(self, port: int) -> bool:
        """Whether this port may be connected to."""
        return port in WEB_PORTS if self.ports is None else self.ports[0] <= port <= self.ports[1]

    def __str__(self) -> str:
        """In its normal form."""
        if self.ports is None:
            return str(self.network)
        first, last = self.ports
        ports = "*" if self.ports == (1, 65_535) else str(first) if first == last else f"{first}-{last}"
        return f"[{self.network}]:{ports}" if self.network.version == 6 else f"{self.network}:{ports}"


def parse(text: str) -> PrivateNetwork:
    """A network as it is written; raises ValueError in words."""
    try:
        if ":" not in text or ("[" not in text and text.count(":") > 1):
            return PrivateNetwork(ip_network(text))
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError("brackets belong around an IPv6 network")
        network = ip_network(found["v6"] if found["v6"] is not None else found["v4"])
        return PrivateNetwork(network, None if found["ports"] is None else _ports(found["ports"]))
    except ValueError as error:
        said = f'"{text}" is no network; write it as "10.0.0.0/8" (at ports {", ".join(map(str, WEB_PORTS))})'
        raise ValueError(f'{said}, "10.0.0.0/8:9000", "10.0.0.0/8:*" or "[fd00::/8]:443" ({error})') from error


def suggestion(address: IPv4Address | IPv6Address, port: int) -> str:
    """What would let exactly this address and port through."""
    return str(PrivateNetwork(ip_network(address), None if port in WEB_PORTS else (port, port)))


def opens(networks: Sequence[PrivateNetwork], address: IPv4Address | IPv6Address, port: int) -> bool:
    """Whether one of the networks lets this address and port through."""
    return any(one.holds(address) and one.opens(port) for one in networks)


def _ports(text: str) -> tuple[int, int]:
    if text == "*":
        return 1, 65_535
    found = _PORTS.fullmatch(text)
    first, last = (int(found["first"]), int(found["last"] or found["first"])) if found else (0, 0)
    if not 1 <= first <= last <= 65_535:
        raise ValueError(f'"{text}" is no port from 1 to 65535, nor two such with "-" between, nor "*"')
    return first, last
