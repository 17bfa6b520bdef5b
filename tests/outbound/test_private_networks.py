"""A private network is opened at the ports that are named with it, and who may read how to open more."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from publisher import privatenetworks
from publisher.errors import AddressRefused, FetchError
from publisher.outbound import Outbound


@pytest.mark.parametrize(
    ("text", "normal", "open_", "closed"),
    [
        ("10.0.0.0/8", "10.0.0.0/8", [("10.1.2.3", 443), ("10.1.2.3", 8080)], [("10.1.2.3", 5432), ("11.0.0.1", 443)]),
        ("10.1.2.3", "10.1.2.3/32", [("10.1.2.3", 80)], [("10.1.2.4", 80)]),
        ("10.1.2.3:9000", "10.1.2.3/32:9000", [("10.1.2.3", 9000)], [("10.1.2.3", 443), ("10.1.2.3", 9001)]),
        ("10.0.0.0/8:9000-9100", "10.0.0.0/8:9000-9100", [("10.0.0.1", 9100)], [("10.0.0.1", 9101)]),
        ("10.0.0.0/8:*", "10.0.0.0/8:*", [("10.0.0.1", 1), ("10.0.0.1", 65_535)], [("9.0.0.1", 80)]),
        ("fd00::/8", "fd00::/8", [("fd00::1", 443)], [("fd00::1", 22)]),
        ("[fd00::/8]", "fd00::/8", [("fd00::1", 443)], [("fd00::1", 22)]),
        ("[fd00::/8]:22", "[fd00::/8]:22", [("fd00::1", 22)], [("fd00::1", 443)]),
        ("[::1]:*", "[::1/128]:*", [("::1", 7)], [("::2", 7)]),
    ],
)
def test_a_network_is_open_at_its_ports_alone(
    text: str, normal: str, open_: list[tuple[str, int]], closed: list[tuple[str, int]]
) -> None:
    parsed = privatenetworks.parse(text)
    assert str(parsed) == normal
    assert privatenetworks.parse(normal) == parsed
    assert all(privatenetworks.opens([parsed], ip_address(address), port) for address, port in open_)
    assert not any(privatenetworks.opens([parsed], ip_address(address), port) for address, port in closed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "intranet",
        "10.0.0.1/8",
        "10.0.0.0/8:",
        "10.0.0.0/8:0",
        "10.0.0.0/8:65536",
        "10.0.0.0/8:90-80",
        "10.0.0.0/8:80,443",
        "10.0.0.0/8:http",
        "[fd00::/8",
        "[fd00::/8]443",
        "[]:443",
        "fd00::/8:443",
    ],
)
def test_what_is_no_network_says_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match=r'^".*" is no network; write it as "10\.0\.0\.0/8" .*"\[fd00::/8\]:443"'):
        privatenetworks.parse(text)


@pytest.mark.parametrize(
    ("url", "message", "advice"),
    [
        ("http://10.1.2.3/", "10.1.2.3 is not a public address", '"10.1.2.3/32"'),
        ("http://10.1.2.3:9000/", "10.1.2.3 is not a public address", '"10.1.2.3/32:9000"'),
        ("http://[fd00::1]:9000/", "fd00::1 is not a public address", '"[fd00::1/128]:9000"'),
        ("http://192.168.1.1:5432/", "port 5432 is not allowed at 192.168.1.1", '"192.168.1.1/32:5432"'),
        ("http://8.8.8.8:25/", "port 25 is not allowed; use one of 80, 443, 8080, 8443", '"8.8.8.8/32:25"'),
    ],
)
def test_how_to_allow_what_is_refused_is_said_to_operators_alone(url: str, message: str, advice: str) -> None:
    setting = "[delivery] allow_private_networks"
    outbound = Outbound(allow_private=["192.168.0.0/16"], setting=setting)
    with pytest.raises(AddressRefused) as caught:
        outbound.check_url(url)
    assert str(caught.value) == message
    assert caught.value.for_operators == f"{message}; to allow it, add {advice} to {setting}"


async def test_what_is_suggested_lets_it_through() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application()
    app.router.add_route("*", "/", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        url, port = str(server.make_url("/")), server.port
        closed = Outbound(allow_private=["127.0.0.0/8"], setting="[fetch] allow_private_networks")
        refused = await closed.post(url, b"{}", {})
        with pytest.raises(FetchError) as caught:
            await closed.get(url)
        await closed.close()
        added = (refused.advice or "").split('"')[1]
        opened = Outbound(allow_private=["127.0.0.0/8", added])
        taken = await opened.post(url, b"{}", {})
        await opened.close()
    assert refused.error == f"refused: port {port} is not allowed at 127.0.0.1"
    advice = f'to allow it, add "127.0.0.1/32:{port}" to [fetch] allow_private_networks'
    assert (str(caught.value), caught.value.advice) == (refused.error, advice)
    assert taken.status == 204
