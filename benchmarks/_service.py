"""An installation with many webhooks, and its service in a process of its own, as a benchmark measures it.

The service is `publisher run`, see ``_served``. What is measured begins with an event's commit, as it does where a
source was read or an item was pushed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks._peers import Peer, peer
from benchmarks._served import BATCH, Appended
from benchmarks._simulated import Simulation
from benchmarks._subscribing import subscribe
from publisher.app.opening import open_storage
from publisher.storage.access.sealing import KEY_FILE
from publisher.storage.engine.database import FILE, Database
from publisher.storage.subscriptions import listing

POSTGRES = os.environ.get("PUBLISHER_TEST_POSTGRES", "")
SETTINGS = """
[site]
title = "Benchmark"
[server]
port = 0
node = "{node}"
[storage]
url = "{url}"
[delivery]
allow_private_networks = ["127.0.0.0/8:*"]
"""

# One feed for each group of webhooks, and each event is for one group.
FEED = 'title = "{group}"\n[select]\ntopics = ["{group}"]\n'


def databases() -> list[str]:
    """The databases there are to measure on: SQLite, and the PostgreSQL that ``PUBLISHER_TEST_POSTGRES`` names."""
    return ["sqlite", *(["postgresql"] if POSTGRES else [])]


@dataclass(frozen=True)
class Installation:
    """A folder as `publisher init` makes one, with a feed for each of ``groups``; its database is at ``url``."""

    home: Path
    url: str
    groups: tuple[str, ...]

    @property
    def data(self) -> Path:
        return self.home / "data"

    def another(self, name: str) -> Installation:
        """The folder of another node of it."""
        home = self.home.parent / name
        write(home, self.url, self.groups, node=name)
        (home / "data").mkdir(mode=0o700)
        shutil.copy(self.data / KEY_FILE, home / "data" / KEY_FILE)
        return Installation(home, self.url, self.groups)

    def size(self) -> int:
        """Bytes that the SQLite file needs: what stands in its journal included, free pages left out."""
        with contextlib.closing(sqlite3.connect(self.data / FILE)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            [pages], [free], [size] = (
                connection.execute(f"PRAGMA {name}").fetchone()
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)


def write(home: Path, url: str, groups: Iterable[str], *, node: str = "bench") -> None:
    """Write the files of an installation."""
    for folder in ("config", "feeds"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "config/publisher.toml").write_text(SETTINGS.format(node=node, url=url))
    (home / "config/sources.toml").write_text("")
    for group in groups:
        (home / f"feeds/{group}.toml").write_text(FEED.format(group=group))


@contextlib.asynccontextmanager
async def installation(
    folder: Path, groups: Mapping[str, Sequence[str]], database: str = "sqlite"
) -> AsyncIterator[Installation]:
    """An installation whose webhooks are, for each group, one for each URL; its database is gone afterwards.

    They are made on SQLite and moved to PostgreSQL by `publisher migrate`: one after the other, over a network, takes
    long.
    """
    home = folder / uuid.uuid4().hex[:8]
    write(home, "sqlite", groups)
    db, _ = await open_storage(home, "sqlite")  # which makes it an installation
    await db.close()
    await asyncio.to_thread(subscribe, home / "data", groups)
    if database == "sqlite":
        yield Installation(home, "sqlite", tuple(groups))
        return
    async with _postgres() as url:
        moved = [sys.executable, "-m", "publisher", "migrate", "--to", url, "--home", str(home)]
        await asyncio.to_thread(subprocess.run, moved, check=True, capture_output=True)
        (home / "data" / FILE).unlink()
        write(home, url, groups)
        await _analyzed(url)
        yield Installation(home, url, tuple(groups))


@contextlib.asynccontextmanager
async def _postgres() -> AsyncIterator[str]:
    name = f"publisher_bench_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(POSTGRES)
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        yield f"postgresql+asyncpg://{POSTGRES.partition('://')[2].rpartition('/')[0]}/{name}"
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


async def _analyzed(url: str) -> None:
    """Let the server's planner know the tables, as autovacuum does a minute later."""
    connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    await connection.execute("ANALYZE")
    await connection.close()


class Service:
    """The running service, seen from the benchmark, which has a way into the database of its own."""

    def __init__(self, process: Peer, db: Database) -> None:
        self.process = process
        self._db = db

    async def cpu(self) -> float:
        """CPU seconds so far."""
        return float(await self.process.call("cpu"))

    async def prepare(self, group: str, count: int, kind: str = "article") -> None:
        """As :meth:`Commands.prepare`."""
        await self.process.call("prepare", group, count, kind)

    async def append(self, batch: int = BATCH) -> Appended:
        """As :meth:`Commands.append`."""
        return Appended(*await self.process.call("append", batch))

    async def pace(self, rate: float) -> Appended:
        """As :meth:`Commands.pace`."""
        return Appended(*await self.process.call("pace", rate))

    async def accounts(self, seqs: Sequence[int]) -> dict[str, int]:
        """Deliveries of these events by state, and how many were ``matched``."""
        found: dict[str, int] = {"matched": 0}
        for at in range(0, len(seqs), BATCH):
            for one in await self._db.read(listing.accounting, seqs[at : at + BATCH]):
                found["matched"] += one.matched
                for state, count in one.states.items():
                    found[str(state)] = found.get(str(state), 0) + count
        return found

    async def until(self, seqs: Sequence[int], count: int, *states: str, look: float = 0.02) -> dict[str, int]:
        """Wait until so many deliveries of these events are in one of these states; returns the accounts."""
        while True:
            found = await self.accounts(seqs)
            if sum(found.get(state, 0) for state in states) >= count:
                return found
            await asyncio.sleep(look)


@contextlib.asynccontextmanager
async def service(of: Installation, role: str = "all", simulation: Simulation | None = None) -> AsyncIterator[Service]:
    """The service while it runs. With a simulation it sends to nobody, see ``_simulated``."""
    try:
        async with peer("_served", of.home, role, simulation) as process:
            db = await Database.open(of.url, of.data)
            try:
                yield Service(process, db)
            finally:
                await db.close()
    except SystemExit as ended:
        raise SystemExit(f"{ended}\n{(of.home / 'log').read_text()[-4000:]}") from None
