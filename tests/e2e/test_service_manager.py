"""The service under a service manager: a real process, a real notification socket."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from support.service import ROOT, migrated, write_installation


class Channel(asyncio.DatagramProtocol):
    """What the service tells its manager, in order."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[str] = asyncio.Queue()

    def datagram_received(self, data: bytes, _address: object) -> None:
        self.told.put_nowait(data.decode())

    async def next(self) -> str:
        return await asyncio.wait_for(self.told.get(), 60)


@asynccontextmanager
async def managed(home: Path, watchdog_usec: int) -> AsyncIterator[tuple[Channel, asyncio.subprocess.Process]]:
    name = f"publisher-test-{os.getpid()}-{home.name}"
    loop = asyncio.get_running_loop()
    transport, channel = await loop.create_datagram_endpoint(Channel, f"\0{name}", family=1)
    environment = {**os.environ, "NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": str(watchdog_usec)}
    environment.pop("WATCHDOG_PID", None)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "publisher", "run", "--home", str(home), cwd=ROOT, env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield channel, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        transport.close()


async def test_the_manager_is_told_when_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    home = migrated(write_installation(tmp_path / "told"))
    settings = home / "config/publisher.toml"
    settings.write_text(settings.read_text().replace("[server]", '[server]\nmetrics = "open"'))
    async with managed(home, watchdog_usec=100_000) as (channel, process):
        told = [await channel.next()]
        while not told[-1].startswith("READY=1"):
            told.append(await channel.next())
        assert set(told[:-1]) <= {"WATCHDOG=1"}
        found = re.fullmatch(r"READY=1\nSTATUS=Answers at (http://127\.0\.0\.1:\d+)", told[-1])
        assert found
        async with aiohttp.ClientSession() as session, session.get(f"{found[1]}/metrics") as answer:
            assert answer.status == 200
            assert "publisher_fanout_lag_events 0.0" in await answer.text()
        assert await channel.next() == "WATCHDOG=1"
        process.send_signal(signal.SIGTERM)
        while (last := await channel.next()) == "WATCHDOG=1":
            pass
        assert last == "STOPPING=1"
        assert await asyncio.wait_for(process.wait(), 60) == 0
