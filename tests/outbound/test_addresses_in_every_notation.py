"""No address that is not public is reached, in whatever notation: by fetching, by sending, by a test.

The positive control is the same server on loopback, which each way reaches where an operator has opened it.
"""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from support.talking import Talk, answers, talking

from publisher.errors import AddressRefused, FetchError
from publisher.model.subscription import ErrorClass
from publisher.outbound import Outbound
from publisher.outbound.addresses import is_public

LITERALS = [
    # Loopback, unspecified and this host, as the C library and browsers read them.
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "0", "0.0.0.0", "00.0x0.0", "2130706433",
    "017700000001", "0x7f000001", "0x7F.0.0.1", "0177.0.0.1",
    "0177.0.0.01", "127.0.0.0x1", "127.0.0.1.", "000127.0.0.1",
    "0x7f.1", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "①②⑦.0.0.1", "%31%32%37.0.0.1",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]",
    "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]",
    "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]",
    "[::1%25lo]", "[::ffff:0:127.0.0.1]",
    # Private use (RFC 1918), shared (RFC 6598), link-local, unique local, site-local.
    "10.0.0.1", "10.255.255.255", "0xa.0.0.1", "012.0.0.1",
    "167772161", "172.16.0.1", "172.31.255.254", "192.168.0.1",
    "192.168.1.1", "0xc0a80101", "3232235777", "0300.0250.1.1", "100.64.0.1", "100.127.255.254", "169.254.1.1",
    "[fe80::1]", "[fc00::1]", "[fd12:3456:789a::1]", "[fec0::1]", "[::ffff:10.0.0.1]", "[64:ff9b::10.0.0.1]",
    "[2002:a00:1::]", "[::ffff:192.168.1.1]",
    # Cloud metadata.
    "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]", "100.100.100.200", "169.254.170.2", "[2002:a9fe:a9fe::]",
    # Documentation, benchmarks, protocol assignments, multicast, reserved, broadcast, discard, ORCHID.
    "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1",
    "192.0.0.1", "192.88.99.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "[2001:db8::1]", "[ff02::1]",
    "[100::1]", "[2001:10::1]", "[2001::1]", "[3fff::1]",
    "[5f00::1]", "[::2]",
    # Names that are always here (RFC 6761).
    "localhost", "LOCALHOST", "localhost.", "foo.localhost", "ｌｏｃａｌｈｏｓｔ",
]  # fmt: skip

OTHERWISE_WRONG = [
    "http://user@127.0.0.1:{port}/", "http://user:pw@receiver.example:80/", "http://example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.com/", "http://127.0.0.1:0/", "http://receiver.example:0/",
    "http://receiver.example:22/", "http://receiver.example:65536/", "http://receiver.example:-1/",
    "http://:80/", "http:///hook", "http://", "http://./", "http://a..b/", "http://-/ x", "http://a b/", "http://a\tb/",
    "http://exa\nmple.com/", "http://[::1", "http://::1/", "http://[v1.x]/", "http://[]/", "http://a_b!.example/",
    "ftp://receiver.example/", "file:///etc/passwd", "gopher://receiver.example/", "//receiver.example/",
    "receiver.example", "javascript:alert(1)", "", "http://" + "a" * 64 + "." * 3 + "x/",
    "http://receiver.example/" + "a" * 2048, "http://" + ".".join(["a" * 60] * 5) + "/", "http://1.2.3/",
    "http://1.2.3.4.5/", "http://256.1.1.1/", "http://0x/", "http://99999999999/",
]  # fmt: skip

PUBLIC = [
    "http://93.184.216.34/", "https://93.184.216.34:8443/hook", "http://[2606:2800:220:1:248:1893:25c8:1946]/",
    "https://receiver.example/", "https://RECEIVER.example./", "https://bücher.example/", "https://xn--bcher-kva.example/",
    "http://127.0.0.1.nip.io/", "http://receiver.example:8080/a%2Fb?x=[]", "https://例え.テスト/", "http://a_b.example/",
    "http://localhost.example/",
]  # fmt: skip


def test_there_are_at_least_sixty_of_each_kind() -> None:
    assert len(set(LITERALS)) == len(LITERALS) >= 60
    assert len(LITERALS) + len(OTHERWISE_WRONG) >= 120


async def ways(outbound: Outbound, url: str) -> list[str | None]:
    """Why each way to ask anything of this URL failed; None where it did not."""
    try:
        await outbound.get(url)
        fetched = None
    except FetchError as error:
        fetched = str(error)
    posted = await outbound.post(url, b"{}", {}, 10.0)
    exchanged = await outbound.exchange(url, b"{}", {}, 10.0)
    for result in (posted, exchanged):
        if result.status is None:
            assert result.error_class is ErrorClass.REFUSED
    return [fetched, posted.error, exchanged.error]


@pytest.mark.parametrize("host", LITERALS)
async def test_no_notation_of_an_address_that_is_not_public_is_reached(host: str) -> None:
    async with talking(answers) as server:
        url = f"http://{host}:{server.port}/hook"
        outbound = Outbound(ports=[server.port])
        with pytest.raises(AddressRefused):
            outbound.check_url(url)
        told = await ways(outbound, url)
        await outbound.close()
    assert all(one is not None and one.startswith("refused: ") for one in told), told
    assert server.connections == 0


@pytest.mark.parametrize("host", LITERALS)
async def test_nor_by_who_may_not_use_the_networks_that_an_operator_has_opened(host: str) -> None:
    everything = Outbound(allow_private=["0.0.0.0/0:*", "[::/0]:*"])
    with pytest.raises(AddressRefused):
        everything.check_url(f"http://{host}/", public_only=True)
    result = await everything.post(f"http://{host}/", b"{}", {}, public_only=True)
    exchanged = await everything.exchange(f"http://{host}/", b"{}", {}, 5.0, public_only=True)
    await everything.close()
    assert (result.error_class, exchanged.error_class) == (ErrorClass.REFUSED, ErrorClass.REFUSED)


@pytest.mark.parametrize("url", OTHERWISE_WRONG)
async def test_what_is_no_address_of_a_receiver_is_refused(url: str) -> None:
    outbound = Outbound()
    with pytest.raises(AddressRefused):
        outbound.check_url(url.replace("{port}", "80"))
    told = await ways(outbound, url.replace("{port}", "80"))
    await outbound.close()
    assert all(told)


@pytest.mark.parametrize("url", PUBLIC)
def test_what_is_public_is_let_through(url: str) -> None:
    assert Outbound().check_url(url)
    assert Outbound(allow_private=["10.0.0.0/8"]).check_url(url, public_only=True)


async def any_method(talk: Talk) -> None:
    head = await talk.reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"POST"):
        await talk.reader.readexactly(2)
    talk.say(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


async def test_the_same_server_is_reached_each_way_where_it_is_allowed() -> None:
    async with talking(any_method) as server:
        outbound = Outbound(allow_private=["127.0.0.0/8:*"])
        assert await ways(outbound, server.url()) == [None, None, None]
        await outbound.close()
    assert server.connections == 3


class Here(AbstractResolver):
    """Whatever the name, it is on loopback."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def test_a_connection_that_was_made_to_a_private_address_serves_nobody_who_may_not_go_there() -> None:
    async with talking(answers) as server:
        outbound = Outbound(allow_private=["127.0.0.0/8:*"], ports=[server.port], resolver=Here())
        url = f"http://inside.example:{server.port}/hook"
        assert (await outbound.post(url, b"{}", {})).status == 204
        assert outbound.idle == 1
        refused = await outbound.post(url, b"{}", {}, public_only=True)
        assert (refused.status, refused.error_class) == (None, ErrorClass.REFUSED)
        assert "127.0.0.1" in (refused.error or "")
        assert (await outbound.exchange(url, b"{}", {}, 5.0, public_only=True)).status is None
        assert (await outbound.post(url, b"{}", {})).status == 204  # on the connection that was kept
        await outbound.close()
    assert server.connections == 1


def test_what_was_connected_to_is_known_as_public_or_not() -> None:
    assert [is_public(one) for one in ("93.184.216.34", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0")] == [
        True, False, False, False,
    ]  # fmt: skip
