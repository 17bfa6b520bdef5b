"""What is done to publishers while they work. Each lasts as long as its call, and leaves things as they were.

A full disk needs a small file system of its own (``support.breakage.small_disk``, which asks for the right to mount
one): a limit on the size of files (``RLIMIT_FSIZE``) is told to a process by a signal or ``EFBIG``, and no database
meets that in life. Lanes are stolen by stopping a process until its leases have run out: others take over what it had,
and then it goes on as if nothing had been. That holds for whatever is leased, lanes and single deliveries alike.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from chaos.harness.fleet import TIMEOUT, Fleet
from chaos.harness.receivers import Receivers
from sqlalchemy.engine import make_url
from support.breakage import full, locked
from support.postgres import PrivateServer
from support.service import Service

Act = Callable[[list[Service]], Awaitable[None]]

LOCKED_SECONDS = 30.0
FULL_SECONDS = 5.0
LEASE_SECONDS = TIMEOUT + 10.0
"""How long what a process holds stays its own once it says nothing."""


@dataclass(frozen=True)
class Breakage:
    """What is done, and to whom: to all processes, or to one."""

    name: str
    act: Act
    alone: bool = False

    def chosen(self, fleet: Fleet, chance: random.Random) -> list[Service]:
        """The processes that it concerns, this time."""
        return [chance.choice(fleet.services)] if self.alone else fleet.services


async def _kill(concerned: list[Service]) -> None:
    for one in concerned:
        await one.kill()
        await one.start()


KILL = Breakage("kill -9", _kill, alone=True)


def disk_full(data: Path) -> Breakage:
    """No byte is left beside the database."""

    async def act(_: list[Service]) -> None:
        with full(data):
            await asyncio.sleep(FULL_SECONDS)

    return Breakage("disk full", act)


def database_locked(file: Path) -> Breakage:
    """Another program writes to the SQLite file, and does not come to an end."""

    async def act(_: list[Service]) -> None:
        with locked(file):
            await asyncio.sleep(LOCKED_SECONDS)

    return Breakage(f"database locked {LOCKED_SECONDS:g} s", act)


def server_restarted(server: PrivateServer) -> Breakage:
    """PostgreSQL crashes and begins again."""

    async def act(_: list[Service]) -> None:
        await asyncio.to_thread(server.crash)
        await asyncio.to_thread(server.begin)

    return Breakage("PostgreSQL restarted", act)


def connections_cut(url: str) -> Breakage:
    """Every connection to the database is ended by its server."""

    async def act(_: list[Service]) -> None:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(plain)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        finally:
            await connection.close()

    return Breakage("connections cut", act)


def receivers_cut(receivers: Receivers) -> Breakage:
    """Every connection to a receiver is reset, whatever was being said on it."""

    async def act(_: list[Service]) -> None:
        for transport in tuple(receivers.open):
            transport.abort()

    return Breakage("receivers cut", act)


async def _steal(concerned: list[Service]) -> None:
    for one in concerned:
        one.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(LEASE_SECONDS)
    finally:
        for one in concerned:
            one.send(signal.SIGCONT)


LANES_STOLEN = Breakage("lanes stolen", _steal, alone=True)
