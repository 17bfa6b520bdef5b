"""The client's address when there are proxies in between."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from aiohttp import web


def client_address(request: web.Request, trusted: Sequence[str]) -> str:
    """The address of the client.

    ``X-Forwarded-For`` is read from its end, and only as far as each hop is one of the ``trusted`` networks: what
    stands before the first stranger is that stranger's claim.
    """
    address = request.remote or ""
    networks = [ip_network(block) for block in trusted]
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for hop in reversed(hops):
        try:
            if not any(ip_address(address) in network for network in networks):
                break
            address = str(ip_address(hop.strip()))
        except ValueError:
            break
    return address
