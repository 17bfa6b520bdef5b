"""Which addresses are public, and which hand out credentials. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


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


def unwrap(address: Address) -> Address:
    """The IPv4 address that a mapped or NAT64 address connects to; any other address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def embedded(address: Address) -> Address:
    """As :func:`unwrap`, and also for forms that are refused: 6to4 (RFC 3056) and IPv4-compatible (RFC 4291)."""
    if isinstance(address, IPv6Address):
        if address.sixtofour:
            return address.sixtofour
        if int(address) >> 32 == 0:
            return IPv4Address(int(address))
    return unwrap(address)


def is_public(text: str) -> bool:
    """Whether an address, as a socket names it, is one of the internet's."""
    try:
        return is_global(unwrap(ip_address(text.partition("%")[0])))
    except ValueError:
        return False


def is_global(address: Address) -> bool:
    """Whether an address, :func:`unwrap`-ped, is one of the internet's."""
    if isinstance(address, IPv4Address):
        return not within(address, SPECIAL_V4)
    return address in GLOBAL_V6 and not within(address, SPECIAL_V6)


def within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether one of the networks holds it."""
    return any(address in network for network in networks)
