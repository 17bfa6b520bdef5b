"""What may be connected to: every claim is tried against a real server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from publisher.errors import AddressRefused, FetchError
from publisher.outbound import Outbound


class Names(AbstractResolver):
    """DNS at the network's edge: each name answers with its addresses in turn, the last one for good."""

    def __init__(self, **names: list[str]) -> None:
        self.names = names
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answers = self.names[host.partition(".")[0]]
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        self.asked += 1
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [{"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Nothing is held."""


class Target:
    """A server that counts who came through."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.reached.append(request.method)
        return web.Response(text="ok")


@pytest.fixture
async def target() -> Target:
    return Target()


@pytest.fixture
async def server(target: Target) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", target.handle)
    async with TestServer(app, host="127.0.0.1") as running:
        yield running


ATTACKS = [
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://１２７.０.０.１:{port}/",
    "http://127。0。0。1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://user:secret@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://%31%32%37.0.0.1:{port}/",
]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_on_loopback_is_refused_before_and_while_sending(
    attack: str, target: Target, server: TestServer
) -> None:
    url = attack.format(port=server.port)
    outbound = Outbound(ports=[server.port or 0])
    try:
        with pytest.raises(AddressRefused):
            outbound.check_url(url)
        result = await outbound.post(url, b"{}", {})
        with pytest.raises(FetchError, match="refused"):
            await outbound.get(url)
    finally:
        await outbound.close()
    assert (result.status, target.reached) == (None, [])
    assert result.error is not None
    assert result.error.startswith("refused: ")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "10.1.2.3", "169.254.169.254"])
async def test_a_name_that_resolves_to_a_private_address_is_refused_at_the_socket(
    address: str, target: Target, server: TestServer
) -> None:
    outbound = Outbound(ports=[server.port or 0], resolver=Names(hook=[address]))
    url = f"http://hook.example:{server.port}/"
    assert outbound.check_url(url) == url
    result = await outbound.post(url, b"{}", {})
    await outbound.close()
    assert target.reached == []
    assert result.status is None
    assert "refused" in (result.error or "")


async def test_a_name_that_changes_its_address_after_the_check_is_refused_at_the_socket(
    target: Target, server: TestServer
) -> None:
    names = Names(rebind=["203.0.114.7", "127.0.0.1"])
    outbound = Outbound(ports=[server.port or 0], resolver=names)
    url = f"http://rebind.example:{server.port}/"
    await names.resolve("rebind.example")  # the look-up that a check before connecting would trust
    result = await outbound.post(outbound.check_url(url), b"{}", {})
    await outbound.close()
    assert names.asked == 2
    assert (result.status, target.reached) == (None, [])
    assert "127.0.0.1 is not a public address" in (result.error or "")


async def test_the_socket_judges_an_address_even_if_the_url_check_were_passed(
    monkeypatch: pytest.MonkeyPatch, target: Target, server: TestServer
) -> None:
    outbound = Outbound(ports=[server.port or 0])
    monkeypatch.setattr(outbound.guard, "_host_refused", lambda *_: None)
    result = await outbound.post(str(server.make_url("/")), b"{}", {})
    await outbound.close()
    assert (result.status, target.reached) == (None, [])


async def test_a_network_that_is_opted_in_at_every_port_may_be_reached(target: Target, server: TestServer) -> None:
    outbound = Outbound(allow_private=["127.0.0.0/8:*"], resolver=Names(hook=["::ffff:127.0.0.1", "127.0.0.1"]))
    literal = await outbound.post(str(server.make_url("/")), b"{}", {})
    named = await outbound.post(f"http://hook.example:{server.port}/", b"{}", {})
    named_again = await outbound.get(f"http://hook.example:{server.port}/")
    await outbound.close()
    assert [literal.status, named.status, named_again.status] == [200, 200, 200]
    assert target.reached == ["POST", "POST", "GET"]


def reason(outbound: Outbound, address: str, port: int) -> str:
    refused = outbound.guard.refusal(ip_address(address), port)
    return refused.reason if refused else ""


METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
]


@pytest.mark.parametrize("address", METADATA)
def test_cloud_metadata_is_refused_whatever_is_opted_in(address: str) -> None:
    outbound = Outbound(allow_private=["0.0.0.0/0:*", "[::/0]:*"])
    assert "never" in reason(outbound, address, 80)


SPECIAL = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.255.255.254",
    "169.254.1.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.19.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::8.8.8.8",
    "::ffff:100.64.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", SPECIAL)
def test_no_special_block_is_public(address: str) -> None:
    assert "is not a public address" in reason(Outbound(), address, 443)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_allowed_at_listed_ports_only(address: str) -> None:
    outbound = Outbound()
    assert outbound.guard.refusal(ip_address(address), 443) is None
    assert "port 25 is not allowed" in reason(outbound, address, 25)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "http:// or https://"),
        ("file:///etc/passwd", "http:// or https://"),
        ("example.com/hook", "http:// or https://"),
        ("https://", "names no host"),
        ("https://user@example.com/", "user name or password"),
        ("https://:x@example.com/", "user name or password"),
        ("https://example.com:22/", "port 22 is not allowed"),
        ("https://example.com:99999/", "no valid URL"),
        ("https://exa mple.com/", "white space"),
        ("https://example.com/\r\nHost: x", "white space"),
        ("https://10.0.0.8/", "not a public address"),
        ("https://1.2.3/", "usual form"),
        ("https://example.com/" + "a" * 2048, "longer than"),
    ],
)
def test_a_refused_url_says_why(url: str, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason):
        Outbound().check_url(url)


def test_the_host_of_a_url_comes_back_in_its_normal_form() -> None:
    assert Outbound().check_url("HTTPS://Büro.Example:443/Hook?a=1#part") == "https://xn--bro-hoa.example/Hook?a=1"
    assert Outbound().check_url("http://example.com") == "http://example.com/"
    assert Outbound().check_url("http://example.com?a") == "http://example.com/?a"


TARGETS = [
    "/a%2Fb%2fc%7Ed~e",
    "/hook?list[]=1&list%5B%5D=2&empty=&plus=a+b%20c",
    "/a/../b/./c//d/",
    "/?",
    "/a?b?c=d%zz&e='\"<>{}|^`",
    "/;v=1,2/@user:name!$&'()*+=",
]


@pytest.mark.parametrize("sent", TARGETS)
async def test_what_follows_the_host_goes_out_byte_for_byte_as_it_was_given(sent: str) -> None:
    asked: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[0])
        if len(asked) == 1:
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {sent}\r\nContent-Length: 0\r\n\r\n".encode())
        else:
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    root = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    outbound = Outbound(allow_private=["127.0.0.0/8:*"])
    await outbound.get(root + "/start")
    await outbound.post(root + sent, b"{}", {})
    await outbound.post(outbound.check_url(root + sent), b"{}", {})
    await outbound.close()
    server.close()
    assert [line.split(" ")[1] for line in asked[2:]] == [sent, sent]
    # A redirect is resolved against its base (RFC 3986 section 5.2), which takes dot segments out.
    assert asked[1].split(" ")[1] == {"/a/../b/./c//d/": "/b/c//d/", "/?": "/"}.get(sent, sent)


def test_what_is_not_ascii_is_encoded_and_nothing_else() -> None:
    assert Outbound().check_url("http://example.com/é%7E?q=ü[]") == "http://example.com/%C3%A9%7E?q=%C3%BC[]"


async def test_each_hop_of_a_redirect_is_judged(target: Target, server: TestServer) -> None:
    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query["to"])

    app = web.Application()
    app.router.add_get("/away", away)
    async with TestServer(app, host="127.0.0.2") as front:
        outbound = Outbound(allow_private=["127.0.0.2:*"], resolver=Names(inside=["127.0.0.1"]))
        for to in (f"http://127.0.0.1:{server.port}/", f"http://inside.example:{server.port}/", "file:///etc/passwd"):
            with pytest.raises(FetchError, match="refused"):
                await outbound.get(str(front.make_url("/away").with_query(to=to)))
        await outbound.close()
    assert target.reached == []


class SilentDns(asyncio.DatagramProtocol):
    """A name server that knows one name and never answers about others."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        question = data[12 : data.index(b"\x00", 12) + 5]
        if not question.startswith(b"\x04live\x07example"):
            return
        wants_v4 = question[-4:-2] == b"\x00\x01"
        answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x7f\x00\x00\x01" if wants_v4 else b""
        header = data[:2] + b"\x81\x80\x00\x01" + (b"\x00\x01" if wants_v4 else b"\x00\x00") + b"\x00" * 4
        self.transport.sendto(header + question + answer, addr)


async def test_names_that_never_resolve_hold_up_no_one_else(target: Target, server: TestServer) -> None:
    from aiohttp.resolver import AsyncResolver

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(SilentDns, local_addr=("127.0.0.1", 0))
    udp_port = transport.get_extra_info("sockname")[1]
    resolver = AsyncResolver(nameservers=["127.0.0.1"], udp_port=udp_port, timeout=60.0, tries=1)
    outbound = Outbound(allow_private=["127.0.0.0/8:*"], resolver=resolver, timeout=120)
    dead = [asyncio.create_task(outbound.post(f"http://dead{n}.example/", b"{}", {})) for n in range(64)]
    await asyncio.sleep(0)
    live = await outbound.post(f"http://live.example:{server.port}/", b"{}", {})
    waiting = sum(not task.done() for task in dead)
    for task in dead:
        task.cancel()
    await asyncio.gather(*dead, return_exceptions=True)
    await outbound.close()
    transport.close()
    assert (live.status, live.error, waiting) == (200, None, 64)
