"""A whole web application over real parts: SQLite, intake, publications, sealing, the sender and the guard."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from support.clock import ManualClock
from support.postgres import blocking
from support.rights import SITE, define

from publisher.catalog import Catalog
from publisher.delivery import Deliverer
from publisher.ingest import Definitions, Intake
from publisher.model import FeedDefinition, IndicatorSpec, Role, Selection
from publisher.outbound import Outbound
from publisher.publish import Publications
from publisher.storage.access import keys
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database
from publisher.storage.log.tail import Tail
from publisher.web.app import make_app
from publisher.web.http.limits import Ended, Limits
from publisher.web.http.runner import Runner, Server
from publisher.web.services import Services

FEEDS = [
    FeedDefinition(name="news", title="Berita", select=Selection(topics=("kopi", "emas", "panen"))),
    FeedDefinition(name="coffee", title="Kopi", select=Selection(topics=("kopi",)), content="summary"),
    FeedDefinition(name="market", title="Pasar", items="indicators", select=Selection(symbols=("USD/IDR", "EMAS"))),
    FeedDefinition(name="desk", title="Meja", private=True),
    FeedDefinition(name="operations", title="Operasi", items="operations"),
]

SPECS = [
    IndicatorSpec(symbol="USD/IDR", slug="usd-idr", name="Dolar AS", unit="IDR"),
    IndicatorSpec(symbol="EMAS", slug="emas", name="Emas", unit="IDR/g"),
]


def defined() -> Catalog:
    """The definitions of these tests."""
    return Catalog((), {feed.name: feed for feed in FEEDS}, {spec.symbol: spec for spec in SPECS})


@dataclass
class Newsroom:
    """A running application and how its parts are reached."""

    client: TestClient[Any, Any]
    services: Services
    db: Database
    catalog: Catalog
    secrets: dict[str, str]
    running: dict[str, bool]
    ended: list[Ended]

    @property
    def server(self) -> Server:
        """What holds the connections to their limits."""
        runner = self.client.server.runner
        assert runner is not None
        assert isinstance(runner.server, Server)
        return runner.server

    def as_(self, role: str, **headers: str) -> dict[str, str]:
        """Request headers with the key of a role, or of another owner with the same role: ``subscriber:other``."""
        return {"Authorization": f"Bearer {self.secrets[role]}", **headers}

    async def push(self, id_: str, topic: str = "kopi", **fields: Any) -> dict[str, Any]:
        """Push an article over the API."""
        article = {"title": f"Judul {id_}", "body": f"<p>Isi {id_}.</p>", "topics": [topic], **fields}
        answer = await self.client.put(f"/api/v1/articles/{id_}", json=article, headers=self.as_("editor"))
        assert answer.status in (200, 201, 202), await answer.text()
        body: dict[str, Any] = await answer.json()
        return body

    async def get(self, path: str, role: str | None = None) -> Any:
        """The JSON of a GET that succeeds."""
        answer = await self.client.get(path, headers=self.as_(role) if role else {})
        assert answer.status == 200, await answer.text()
        return await answer.json()


@dataclass(frozen=True)
class Furnished:
    """A SQLite database in which the feeds are defined and each role has its keys: made once, copied for each test."""

    file: Path
    secrets: dict[str, str]

    @classmethod
    async def make(cls, template: Path, folder: Path) -> Furnished:
        """Made in this folder from a migrated file."""
        shutil.copy(template, folder / template.name)
        db = await Database.open("sqlite", folder, now=ManualClock())
        try:
            return cls(folder / template.name, await _furnish(db))
        finally:
            await db.close()


@pytest.fixture(scope="session")
def furnished(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """The database that newsrooms on SQLite begin with."""
    return blocking(Furnished.make(sqlite_template, tmp_path_factory.mktemp("furnished")))


@pytest.fixture
def sqlite_file(request: pytest.FixtureRequest, sqlite_template: Path) -> Path:
    """The furnished database for a test that talks to a newsroom, else one that holds nothing."""
    if {"newsroom", "one_newsroom"}.isdisjoint(request.fixturenames):
        return sqlite_template
    room: Furnished = request.getfixturevalue("furnished")
    return room.file


class _Served(TestServer):
    """Serves as the product does, with these limits."""

    def __init__(self, app: web.Application, limits: Limits, ended: list[Ended]) -> None:
        super().__init__(app)
        self._held_to = limits
        self._ended = ended

    async def _make_runner(self, **options: Any) -> Runner:
        return Runner(self.app, limits=self._held_to, ended=self._ended.append, shutdown_timeout=1.0)


@asynccontextmanager
async def open_newsroom(
    db: Database, data: Path, clock: ManualClock, limits: Limits | None = None, *, furnished: Furnished | None = None
) -> AsyncIterator[Newsroom]:
    """The application over this database; ``data`` is the installation's data folder.

    A database that is no copy of a ``furnished`` one is given its feeds and keys here.
    """
    catalog = defined()
    definitions = Definitions(
        feeds=lambda: catalog.feeds,
        sources=frozenset,
        indicators=lambda: catalog.indicators,
        timezone=lambda: SITE.timezone,
    )
    secrets = dict(furnished.secrets) if furnished else await _furnish(db)
    outbound = Outbound(allow_private=["127.0.0.0/8:*"], now=clock)
    sealer = Sealer.open(data)
    running = {"scheduler": True, "deliverer": True}
    services = Services(
        db=db,
        tail=Tail(db),
        site=lambda: SITE,
        catalog=lambda: catalog,
        ingest=Intake(db, definitions),
        publications=Publications(db, catalog.feeds, SITE, data),
        deliverer=Deliverer(db, outbound, sealer, schedule=[1.0], timeout=5.0, now=clock),
        sealer=sealer,
        guard=outbound,
        probes={"scheduler": lambda: running["scheduler"], "deliverer": lambda: running["deliverer"]},
        now=clock,
    )
    ended: list[Ended] = []
    async with TestClient(_Served(make_app(services), limits or Limits(), ended)) as client:
        yield Newsroom(client, services, db, catalog, secrets, running, ended)
    await outbound.close()


async def _furnish(db: Database) -> dict[str, str]:
    """Define the feeds and make the keys; returns their secrets."""
    await define(db, *FEEDS)
    secrets = {}
    for role in Role:
        for owner in ("", ":other"):
            made = await db.write(keys.create, role, f"desk{owner}", private_networks=True)
            secrets[role.value + owner] = made[1]
    return secrets
