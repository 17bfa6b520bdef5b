"""Endpoints of every temper, all in one process whose costs are not counted.

One port serves every address of 127.0.0.0/8, so that a benchmark has as many hosts as it likes; the first segment of
the path says how a request is answered:

| segment | answer |
|---|---|
| ``fast`` | 204 at once |
| ``slow`` | 204 after a second |
| ``drip`` | 200 at once, and a body of a byte a second without end |
| ``never`` | none |

At a second port connections are taken and nothing is ever said, so that a TLS handshake hangs; at a third, they are
refused. Where a benchmark asks for it, addresses of its choice listen behind TLS, each with a certificate of its own.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from benchmarks._peers import answer
from publisher.descriptors import raise_limit

SLOW_SECONDS = 1.0
DRIP_SECONDS = 1.0

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
LAST = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
DRIPPING = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Ports(NamedTuple):
    """Where it listens, and where it does not."""

    plain: int
    silent: int
    refusing: int


class Arrival(NamedTuple):
    """A request to a path with ``watched`` in it: the event's id, and when its first byte came (monotonic)."""

    event: str
    at: float


class State:
    """What the connections of the process share."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.arrivals: list[Arrival] = []
        self.handshakes: Counter[bool] = Counter()
        self.last_at = 0.0
        self.missing = 0
        self.reached = asyncio.Event()

    def took(self, temper: str) -> None:
        """A whole request came."""
        self.counts[temper] += 1
        self.last_at = time.monotonic()
        self.missing -= 1
        if self.missing == 0:
            self.reached.set()


class Endpoint(asyncio.Protocol):
    """One connection. ``once``: it is closed after the first answer."""

    def __init__(self, state: State, once: bool = False) -> None:
        self._state = state
        self._once = once
        self._held = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        if not str(transport.get_extra_info("peername")[0]).startswith("127."):
            self._transport.abort()  # it listens at every address of the machine
        handshake = transport.get_extra_info("ssl_object")
        if handshake is not None:
            self._state.handshakes[bool(handshake.session_reused)] += 1

    def data_received(self, data: bytes) -> None:
        if not self._held:
            self._began = time.monotonic()
        self._held += data
        head, end, body = self._held.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(_header(head, b"content-length"))
        if len(body) < length:
            return
        self._held = body[length:]
        self._answer(head)

    def _answer(self, head: bytes) -> None:
        path = head.partition(b" ")[2].partition(b" ")[0].decode()
        temper = path.split("/", 2)[1]
        if "watched" in path:
            self._state.arrivals.append(Arrival(_header(head, b"webhook-id").decode(), self._began))
        self._state.took(temper)
        if temper == "fast":
            self._write(LAST if self._once else NO_CONTENT)
        elif temper == "slow":
            asyncio.get_running_loop().call_later(SLOW_SECONDS, self._write, NO_CONTENT)
        elif temper == "drip":
            self._write(DRIPPING)
            self._drip()

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)
            if self._once:
                self._transport.close()

    def _drip(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"1\r\n.\r\n")
            asyncio.get_running_loop().call_later(DRIP_SECONDS, self._drip)


class Commands:
    """What the benchmark asks of the process."""

    def __init__(self, state: State, ports: Ports) -> None:
        self._state = state
        self._ports = ports

    async def ports(self) -> Ports:
        return self._ports

    async def encrypted(self, authority: Path, addresses: Sequence[str], resuming: bool) -> int:
        """Listen behind TLS at these addresses too, and close each connection after one answer; returns the port.

        Certificates are made by the authority in that folder. ``resuming``: clients are given tickets.
        """
        loop, port = asyncio.get_running_loop(), 0
        for address in addresses:
            made = partial(Endpoint, self._state, once=True)
            context = _context(authority, address, resuming)
            server = await loop.create_server(made, address, port, ssl=context, backlog=256)
            port = int(server.sockets[0].getsockname()[1])
        return port

    async def expect(self, count: int) -> None:
        """Begin to count to so many requests."""
        self._state.missing = count
        self._state.reached.clear()

    async def reached(self, seconds: float) -> float:
        """When the last of them came, monotonic; after so many seconds at the latest, whatever is missing."""
        try:
            await asyncio.wait_for(self._state.reached.wait(), seconds)
        except TimeoutError:
            return time.monotonic()
        return self._state.last_at

    async def watched(self, count: int, seconds: float) -> None:
        """Wait until there are so many arrivals; raises TimeoutError after so many seconds."""
        async with asyncio.timeout(seconds):
            while len(self._state.arrivals) < count:  # noqa: ASYNC110 -- nothing is measured meanwhile
                await asyncio.sleep(0.01)

    async def counts(self) -> dict[str, int]:
        """How many requests of each temper came so far."""
        return dict(self._state.counts)

    async def arrivals(self) -> list[Arrival]:
        """Those that were watched since this was last asked."""
        found, self._state.arrivals = self._state.arrivals, []
        return found

    async def handshakes(self) -> tuple[int, int]:
        """How many TLS handshakes were whole, and how many resumed, since this was last asked."""
        found, self._state.handshakes = self._state.handshakes, Counter()
        return found[False], found[True]


def main(pipe: Connection) -> None:
    """Be the receivers."""
    raise_limit()
    uvloop.run(_receive(pipe))


async def _receive(pipe: Connection) -> None:
    loop, state = asyncio.get_running_loop(), State()

    async def listening(factory: Callable[[], asyncio.Protocol]) -> int:
        server = await loop.create_server(factory, "0.0.0.0", 0, backlog=4096)
        return int(server.sockets[0].getsockname()[1])

    plain, silent = await listening(partial(Endpoint, state)), await listening(asyncio.Protocol)
    with socket.socket() as refusing:
        refusing.bind(("0.0.0.0", 0))  # taken, and nobody listens
        await answer(pipe, Commands(state, Ports(plain, silent, refusing.getsockname()[1])))


def _context(authority: Path, address: str, resuming: bool) -> ssl.SSLContext:
    """What a server at this address says in its handshakes."""
    from benchmarks._authority import certificate_of

    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate_of(authority, address))
    if not resuming:
        made.num_tickets = 0
        made.options |= ssl.OP_NO_TICKET
    return made


def _header(head: bytes, name: bytes) -> bytes:
    return head.lower().partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip()


def host(network: int, number: int) -> str:
    """One of 65,000 addresses of a network that is this machine itself (RFC 1122 section 3.2.1.3)."""
    high, low = divmod(number, 250)
    return f"127.{network}.{high}.{low + 1}"
