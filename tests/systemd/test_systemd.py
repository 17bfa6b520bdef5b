import asyncio
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from publisher.systemd import Manager, watch, watchdog_interval

Listen = Callable[[str], socket.socket]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Binds a datagram socket, as the service manager does."""
    opened: list[socket.socket] = []

    def bind(address: str) -> socket.socket:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        opened.append(channel)
        channel.bind("\0" + address[1:] if address.startswith("@") else address)
        channel.setblocking(False)
        return channel

    yield bind
    for channel in opened:
        channel.close()


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "abstract":
        return f"@publisher-test-{uuid.uuid4().hex}"
    # The path of a socket may have 107 bytes; through the working folder it always fits.
    monkeypatch.chdir(tmp_path)
    return "/proc/self/cwd/notify"


def test_each_state_is_one_datagram(listen: Listen, address: str) -> None:
    manager, channel = Manager(address), listen(address)
    assert manager.ready("serving 3 feeds")
    assert manager.alive()
    assert manager.status("reading desk")
    assert manager.stopping()
    assert [channel.recv(4096) for _ in range(4)] == [
        b"READY=1\nSTATUS=serving 3 feeds",
        b"WATCHDOG=1",
        b"STATUS=reading desk",
        b"STOPPING=1",
    ]


def test_a_reload_carries_the_monotonic_clock(listen: Listen, address: str) -> None:
    channel = listen(address)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    Manager(address).reloading("reading the configuration")
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    state, clock, status = channel.recv(4096).decode().split("\n")
    assert (state, status) == ("RELOADING=1", "STATUS=reading the configuration")
    key, _, value = clock.partition("=")
    assert key == "MONOTONIC_USEC"
    assert before <= int(value) <= after


def test_a_status_of_several_lines_stays_one_assignment(listen: Listen, address: str) -> None:
    channel = listen(address)
    Manager(address).status("two\nlines\r\nSTOPPING=1")
    assert channel.recv(4096) == b"STATUS=two lines STOPPING=1"


@pytest.mark.parametrize("named", [None, "", "vsock:2:1234"])
def test_without_a_manager_nothing_is_sent(named: str | None) -> None:
    manager = Manager(named)
    assert not manager.listens
    assert not manager.ready()


def test_a_manager_that_is_gone_is_no_error(tmp_path: Path) -> None:
    assert not Manager(str(tmp_path / "gone")).ready()


@pytest.mark.parametrize(("usec", "seconds"), [(30_000_000, 15.0), (1, 5e-7), (0, None), (None, None)])
def test_the_sign_of_life_comes_twice_per_watchdog_interval(usec: int | None, seconds: float | None) -> None:
    assert watchdog_interval(usec) == seconds


async def test_an_unhealthy_service_gives_no_sign_of_life(listen: Listen, address: str) -> None:
    channel = listen(address)
    health, waits = iter([True, False, True]), []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await watch(Manager(address), 15.0, lambda: next(health), sleep=sleep)
    assert waits == [15.0, 15.0, 15.0]
    assert [channel.recv(64), channel.recv(64)] == [b"WATCHDOG=1", b"WATCHDOG=1"]
    with pytest.raises(BlockingIOError):
        channel.recv(64)
