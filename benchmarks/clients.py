"""One signed POST by the client that sends webhooks, against aiohttp on uvloop.

    python -m benchmarks.clients [--quick] [--requests N] [--rounds N]

Both send the same signed body of 2 KB to a receiver in another process, and take turns in one run, since the machine's
own pace varies more than what is measured. Ours is the whole of ``Outbound.send``: the URL's check, the address guard
at the socket, budgets, deadlines; the other is a bare session that has none of that. What counts is the CPU time of the
sending process. New TLS is a full handshake each time, with certificates of P-256 in a chain of two; what is resumed is
compared with the same full handshakes, since aiohttp resumes none. The last lines are handshakes alone, in memory: no
client on this OpenSSL and this ``ssl`` module costs less.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import multiprocessing
import re
import ssl
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import aiohttp
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from publisher.app.serving import spare_the_garbage_collector
from publisher.delivery import signing
from publisher.outbound import Outbound, PostResult

HOSTS = 1000
AT_ONCE = 64
BODY = b'{"type":"article.published","data":{"body":"' + b"<p>Harga kopi naik.</p>" * 85 + b'"}}'
SECRET = signing.key_of(signing.new_secret())
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 204 No Content\r\nDate: Sat, 28 Nov 2026 09:00:00 GMT\r\nServer: receiver\r\n%s\r\n"


@dataclass(frozen=True)
class Case:
    """A way of connecting: what the receiver listens at, and whether it keeps connections and lets sessions resume."""

    name: str
    listener: str
    hosts: int = 1


CASES = (
    Case("one host kept alive", "kept"),
    Case("1,000 hosts kept alive", "kept", HOSTS),
    Case("new TCP each", "closing"),
    Case("TLS kept alive", "tls-kept"),
    Case("new TLS each", "tls-full"),
    Case("resumed TLS each", "tls-resumed"),
)


class Receiver(asyncio.Protocol):
    """Reads requests and answers 204; hangs up then where ``closes``."""

    count = 0

    def __init__(self, closes: bool) -> None:
        self._closes = closes
        self._answer = _ANSWER % (b"Connection: close\r\n" if closes else b"")
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's derives from none

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._data, 0, end)
            size = end + 4 + int(found[1] if found else 0)
            if len(self._data) < size:
                return
            self._data = self._data[size:]
            Receiver.count += 1
            self._transport.write(self._answer)
            if self._closes:
                self._transport.close()
                return


def receive(pipe: Connection, folder: str) -> None:
    """Listens in every way; sends the ports by name, and its count whenever it is asked."""
    uvloop.run(_receive(pipe, Path(folder)))


async def _receive(pipe: Connection, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    ports = {}
    for name, tickets in (("kept", None), ("closing", None), ("tls-kept", 2), ("tls-full", 0), ("tls-resumed", 2)):
        context = None
        if tickets is not None:
            context = accepting(folder, tickets)
        closes = "kept" not in name
        server = await loop.create_server(partial(Receiver, closes), "0.0.0.0", 0, ssl=context, backlog=4096)
        ports[name] = server.sockets[0].getsockname()[1]
    pipe.send(ports)
    while await asyncio.to_thread(pipe.recv):
        pipe.send(Receiver.count)


def accepting(folder: Path, tickets: int) -> ssl.SSLContext:
    """A server's side of TLS, which gives so many tickets with each handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    context.num_tickets = tickets
    return context


def certify(folder: Path) -> None:
    """An authority (``ca.pem``), and a certificate for 127.0.0.1 with its key."""
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)

    def made(
        name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name != "127.0.0.1", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        )
        return builder.sign(signer, hashes.SHA256())

    root, between, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(made("root", root, "root", root).public_bytes(pem))
    chain = [made("127.0.0.1", leaf, "between", between), made("between", between, "root", root)]
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(pem) for one in chain))
    (folder / "key.pem").write_bytes(
        leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def headers(number: int) -> dict[str, str]:
    """Those of a signed request."""
    signed = signing.headers(SECRET, f"evt_{number}", int(time.time()), BODY)
    return {"Content-Type": "application/json", **signed}


Send = Callable[[list[str], int], Awaitable[None]]
"""Sends so many requests, to these URLs in turns."""


def ours(outbound: Outbound) -> Send:
    """By ``Outbound.send``."""

    async def send(urls: list[str], count: int) -> None:
        finished = asyncio.get_running_loop().create_future()
        numbers: Iterator[int] = iter(range(count))
        missing = count

        def done(result: PostResult) -> None:
            nonlocal missing
            if result.status != 204:
                raise AssertionError(result)
            missing -= 1
            if not missing:
                finished.set_result(None)
            begin()

        def begin() -> None:
            for number in numbers:
                outbound.send(urls[number % len(urls)], BODY, headers(number), 20.0, done)
                return

        for _ in range(AT_ONCE):
            begin()
        await finished

    return send


def bare(session: aiohttp.ClientSession) -> Send:
    """By aiohttp, as a simple program would."""

    async def send(urls: list[str], count: int) -> None:
        numbers = iter(range(count))

        async def work() -> None:
            for number in numbers:
                url = urls[number % len(urls)]
                async with session.post(url, data=BODY, headers=headers(number), allow_redirects=False) as response:
                    assert response.status == 204
                    await response.read()

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))

    return send


def addresses(case: Case, port: int) -> list[str]:
    """The URLs of a case; each address of the loopback network is another host."""
    scheme = "https" if case.listener.startswith("tls") else "http"
    hosts = ["127.0.0.1"] if case.hosts == 1 else [f"127.0.{n // 250}.{n % 250 + 1}" for n in range(case.hosts)]
    return [f"{scheme}://{host}:{port}/hooks/news?key=a%2Fb" for host in hosts]


async def cost(send: Send, urls: list[str], count: int) -> float:
    """Microseconds of CPU for each request."""
    began = time.process_time()
    await send(urls, count)
    return (time.process_time() - began) / count * 1e6


def handshake(
    trust: ssl.SSLContext, accepts: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[float, ssl.SSLSession | None]:
    """Microseconds that a handshake and a request take the sending side in memory, and its session after that.

    No socket, no event loop, no client: what is left of a new connection where all of these cost nothing.
    """
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = accepts.wrap_bio(to_server, to_client, server_side=True)
    began = time.process_time()
    ours = trust.wrap_bio(to_client, to_server, server_hostname="127.0.0.1", session=session)
    with contextlib.suppress(ssl.SSLWantReadError):
        ours.do_handshake()
    spent = time.process_time() - began
    with contextlib.suppress(ssl.SSLWantReadError):
        theirs.do_handshake()
    began = time.process_time()
    ours.do_handshake()
    ours.write(BODY)
    spent += time.process_time() - began
    theirs.do_handshake()
    theirs.read(len(BODY))
    theirs.write(_ANSWER)
    began = time.process_time()
    ours.read(len(_ANSWER))
    spent += time.process_time() - began
    return spent * 1e6, ours.session


def measure_handshakes(trust: ssl.SSLContext, folder: Path, count: int) -> None:
    """Print what OpenSSL alone takes for a new connection, whole and resumed."""
    for name, tickets in (("a whole handshake alone", 0), ("a resumed one alone", 2)):
        accepts = accepting(folder, tickets)
        session = handshake(trust, accepts, None)[1] if tickets else None
        alone = statistics.median(handshake(trust, accepts, session)[0] for _ in range(count))
        print(f"{name:26} {'':8} {alone:8.0f}", flush=True)


async def measure(ports: dict[str, int], folder: Path, count: int, rounds: int) -> int:
    """Print the costs of each case; returns how many requests were sent."""
    trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    outbound = Outbound(allow_private=["127.0.0.0/8:*"], keep=2 * HOSTS, tls=trust)
    connector = aiohttp.TCPConnector(limit=0, ssl=trust)
    sent = 0
    print(f"{'µs of CPU a request':26} {'aiohttp':>8} {'ours':>8} {'ratio':>7}")
    async with aiohttp.ClientSession(connector=connector) as session:
        spare_the_garbage_collector()
        for case in CASES:
            urls = addresses(case, ports[case.listener])
            size = count if case.listener == "kept" else max(AT_ONCE, count // 5)
            costs: dict[str, list[float]] = {"aiohttp": [], "ours": []}
            for send in (bare(session), ours(outbound)):
                await send(urls, max(len(urls), AT_ONCE))  # connections are there, and so are tickets
            for _ in range(rounds):
                costs["aiohttp"].append(await cost(bare(session), urls, size))
                costs["ours"].append(await cost(ours(outbound), urls, size))
            sent += 2 * (max(len(urls), AT_ONCE) + rounds * size)
            theirs, mine = (statistics.median(costs[name]) for name in ("aiohttp", "ours"))
            print(f"{case.name:26} {theirs:8.0f} {mine:8.0f} {theirs / mine:7.2f}", flush=True)
    measure_handshakes(trust, folder, max(AT_ONCE, count // 5))
    await outbound.close()
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few requests, one round; fails only if one is missing")
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    count, rounds = (200, 1) if options.quick else (options.requests, options.rounds)
    pipe, other = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as name:
        certify(Path(name))
        receiver = multiprocessing.get_context("spawn").Process(target=receive, args=(other, name), daemon=True)
        receiver.start()
        try:
            sent = uvloop.run(measure(pipe.recv(), Path(name), count, rounds))
            pipe.send(True)
            received = pipe.recv()
            pipe.send(False)
            receiver.join(10)
        finally:
            receiver.kill()
    if received != sent:
        raise SystemExit(f"received {received} of {sent}")


if __name__ == "__main__":
    main()
