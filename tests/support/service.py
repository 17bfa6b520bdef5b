"""A whole publisher in a process of its own, as an operator would run it, and what tests do to it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from publisher import settings
from publisher.app.opening import open_storage
from publisher.delivery.followers import permissions
from publisher.model import Role
from support import preloaded
from support.preloaded import Preloaded
from support.schemas import migrated_file

ROOT = Path(__file__).parents[2]

LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""

LOOPBACK = 'allow_private_networks = ["127.0.0.0/8:*"]'


def write_installation(home: Path, files: Mapping[str, str] | None = None, *, delivery: str = "") -> Path:
    """Write an installation that listens on a free port, may talk to loopback, and retries at once."""
    written = {
        "config/publisher.toml": f"""
[site]
title = "Meja Uji"
url = "http://127.0.0.1:8080"
language = "id"
timezone = "Asia/Jakarta"
[server]
port = 0
[fetch]
{LOOPBACK}
[delivery]
{LOOPBACK}
schedule = {json.dumps(["0s"] * 40)}
{delivery}
""",
        "config/sources.toml": "",
        "feeds/news.toml": 'title = "Berita"\nitems = "articles"\nlimit = 300\n',
        **(files or {}),
    }
    for name, text in written.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return home


def migrated(home: Path) -> Path:
    """Give the installation an empty SQLite database of the present schema, as its first command would.

    A service that finds none makes it and then starts anew, which costs as much again as its start.
    """
    data = home / "data"
    data.mkdir(mode=0o700)
    shutil.copy(migrated_file(), data / "publisher.db")
    return home


async def key_of(home: Path, role: Role = Role.OPERATOR) -> str:
    """A new key, as ``publisher keys create`` makes it, without a process for that."""
    storage, _ = settings.load_storage(home)
    if storage.url == "sqlite" and not (home / "data").exists():
        migrated(home)
    database, _ = await open_storage(home, storage.url)
    try:
        owner = f"{role.value}-{secrets.token_hex(4)}"
        _, secret = await database.write(permissions.create_key, role, owner, private_networks=True)
    finally:
        await database.close()
    return secret


async def publisher(*arguments: str, code: int = 0) -> str:
    """Run one command to its end; returns its standard output. Fails with what it printed if it exits otherwise."""
    process = await preloaded.start(arguments, cwd=ROOT, env=os.environ, output=True)
    out, err = await process.communicate()
    assert process.returncode == code, (
        f"publisher {' '.join(arguments)}: {process.returncode}\n{out.decode()}\n{err.decode()}"
    )
    return out.decode()


class Service:
    """A running ``publisher run``; with a number of ``descriptors``, it may have no more."""

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str] | None = None,
        *,
        descriptors: int | None = None,
        role: str = "all",
    ) -> None:
        """``environment`` is added to that of the tests."""
        self._role = role
        self.home = home
        self._environment = {**os.environ, **(environment or {})}
        self.before = () if descriptors is None else (sys.executable, "-c", LIMITED, str(descriptors))
        self.url = ""
        self.log: list[dict[str, Any]] = []
        self._grown = asyncio.Event()
        self._process: Preloaded | asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and return when it answers requests."""
        arguments = ("run", "--home", str(self.home), "--role", self._role)
        if self.before:
            self._process = await asyncio.create_subprocess_exec(
                *self.before, sys.executable, "-m", "publisher", *arguments, cwd=ROOT, env=self._environment,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        else:
            self._process = await preloaded.start(arguments, cwd=ROOT, env=self._environment)
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(ready))
        self.url = await asyncio.wait_for(ready, 60)

    async def _read(self, ready: asyncio.Future[str]) -> None:
        assert self._process and self._process.stderr
        lines = []
        async for line in self._process.stderr:
            lines.append(line.decode())
            if not line.startswith(b"{"):
                continue
            entry = json.loads(line)
            self.log.append(entry)
            self._grown.set()
            if entry["event"] == "service.ready":
                ready.set_result(entry["url"])
        if not ready.done():
            ready.set_exception(AssertionError("publisher run ended:\n" + "".join(lines[-40:])))

    async def logged(self, event: str, *, after: int = 0, **values: Any) -> dict[str, Any]:
        """Wait for such an entry behind the first ``after`` of the log; a minute without one is a failure."""
        async with asyncio.timeout(60):
            while True:
                for entry in self.log[after:]:
                    if entry.items() >= {"event": event, **values}.items():
                        return entry
                self._grown.clear()
                await self._grown.wait()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def send(self, number: int) -> None:
        """Send a signal that does not end it."""
        assert self._process
        self._process.send_signal(number)

    async def signal(self, number: int) -> int:
        """Send a signal, wait for the end, return the exit code."""
        assert self._process and self._reading
        if self._process.returncode is None:
            self._process.send_signal(number)
        code = await asyncio.wait_for(self._process.wait(), 60)
        await self._reading
        return code

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self.signal(signal.SIGKILL)

    async def stop(self) -> int:
        """End it as systemd would; returns the exit code."""
        return await self.signal(signal.SIGTERM)


@asynccontextmanager
async def serving(home: Path) -> AsyncIterator[Service]:
    """A running service, ended when the block ends."""
    service = Service(home)
    await service.start()
    try:
        yield service
    finally:
        await service.kill()


@asynccontextmanager
async def api_client(key: str) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP session that sends an API key."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:
        yield session
