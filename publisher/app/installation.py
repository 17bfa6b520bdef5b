"""One installation, opened: its settings, its definitions, its storage, and every part that works on them."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from publisher import __version__, descriptors
from publisher.app.adopting import Allowed, InForce, Offered, at_start, ids, site_info, take
from publisher.app.opening import open_storage
from publisher.app.readers import Reader, Readers, folders
from publisher.catalog import Catalog, SourceDefinition
from publisher.clock import Clock, steady
from publisher.delivery import Deliverer
from publisher.errors import NotFound
from publisher.ingest import Definitions, Intake, Puller, Report, Timetable
from publisher.ingest.duetimes import read_by
from publisher.isolation import Isolated
from publisher.model import IndicatorSpec
from publisher.outbound import Outbound
from publisher.publish import Publications, SiteInfo
from publisher.schedule import next_time
from publisher.settings import Settings
from publisher.settings import load as load_settings
from publisher.sources.base import Source, SourceContext
from publisher.sources.fetching.politeness import Polite
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database, Tx
from publisher.web.ops.measures import Metrics

DOCUMENT_JOBS = "publisher.sources.parsing"
"""What is done with documents, in a process of its own."""


class App:
    """One installation. :meth:`open` makes it ready to use; nothing of it runs until it is served."""

    def __init__(
        self,
        home: Path,
        settings: Settings,
        in_force: InForce,
        db: Database,
        *,
        sealer: Sealer,
        site: SiteInfo,
        now: Clock | None,
    ) -> None:
        self.home = home
        self.settings = settings
        self.in_force = in_force
        self.catalog = catalog = in_force.catalog
        self.db = db
        self.now = now or db.now
        self.process = secrets.token_hex(6)
        shares = descriptors.shares(descriptors.limit())
        self._adapt: Callable[[Catalog], Catalog] = _as_written
        self.timetable = Timetable(lambda: self.site.timezone, next_time)
        self.fetcher = Outbound(
            now=self.now,
            keep=shares.kept_by_fetcher,
            allow_private=settings.fetch.allow_private_networks,
            setting="[fetch] allow_private_networks",
            timeout=settings.fetch.timeout,
            user_agent=f"publisher/{__version__} (+{settings.site.url})",
        )
        patience = now or steady()  # a host is left in peace for seconds, whatever is done to the clock meanwhile
        self.polite = Polite(self.fetcher, robots=settings.fetch.robots, pause=settings.fetch.pause, now=patience)
        self.sender = Outbound(
            now=self.now,
            keep=shares.kept_by_sender,
            allow_private=settings.delivery.allow_private_networks,
            setting="[delivery] allow_private_networks",
            timeout=settings.delivery.timeout,
            user_agent=f"publisher/{__version__}",
        )
        self.sealer = sealer
        self.site = site
        self.publications = Publications(db, catalog.feeds, self.site, home / "data")
        definitions = Definitions(
            feeds=lambda: self.catalog.feeds,
            sources=lambda: frozenset(source.name for source in self.catalog.sources),
            indicators=lambda: self.catalog.indicators,
            timezone=site.timezone,
        )
        self.intake = Intake(db, definitions)
        self.node = settings.server.node or socket.gethostname()
        self.puller = Puller(db, definitions, self.timetable, node=self.node, process=self.process)
        self.metrics = Metrics()
        self.deliverer = Deliverer(
            db,
            self.sender,
            self.sealer,
            schedule=settings.delivery.schedule,
            timeout=settings.delivery.timeout,
            slots=shares.sending,
            observe=self.metrics.attempted,
            now=self.now,
            process=self.process,
        )
        self.documents = Isolated(DOCUMENT_JOBS)
        self.pushed = Isolated(DOCUMENT_JOBS)  # what a newsroom pushes does not wait for what strangers wrote
        self.readers = Readers(self._reader)

    @classmethod
    async def open(cls, home: Path, *, now: Clock | None = None) -> App:
        """Read the installation at ``home`` and open its storage; nothing runs yet.

        Raises ConfigErrors with everything that is wrong in its files, StorageError if the database cannot be opened or
        is not this installation's, SecretError if the storage key at hand is not that of what is stored. Files that are
        gone, or take away too much, are not taken: ``in_force`` is then what was taken last, and says why. Raises
        RemovalRefused where there is nothing of that.
        """
        settings = load_settings(home)
        sealers: list[Sealer] = []

        async def open_database() -> Database:
            db, sealer = await open_storage(home, settings.storage.url, now=now)
            sealers.append(sealer)
            return db

        named = settings.site.model_dump()
        db, in_force = await at_start(home, named, open_database, shared=settings.storage.shared)
        try:
            site = site_info({**named, "ids": await db.read(ids, named)})
            return cls(home, settings, in_force, db, sealer=sealers[-1], site=site, now=now)
        except BaseException:
            await db.close()
            raise

    async def close(self) -> None:
        """Close everything that :meth:`open` opened."""
        await self.documents.close()
        await self.pushed.close()
        await self.readers.close()
        await self.fetcher.close()
        await self.sender.close()
        await self.db.close()

    def adapt(self, how: Callable[[Catalog], Catalog]) -> None:
        """Go by definitions that are changed so, now and after each reload; to be called before it is served."""
        self._adapt = how
        self.catalog = how(self.in_force.catalog)

    def adapted(self, offered: Catalog) -> Catalog:
        """Definitions as they are gone by here."""
        return self._adapt(offered)

    def source(self, name: str) -> SourceDefinition:
        """The definition of a source; raises NotFound naming those there are."""
        for definition in self.catalog.sources:
            if definition.name == name:
                return definition
        known = ", ".join(definition.name for definition in self.catalog.sources) or "none"
        raise NotFound(f"there is no source {name!r} in config/sources.toml; known: {known}")

    async def load(self, name: str, *, forced: bool = True, due: bool = False) -> Report:
        """Run one source once and report; ``forced`` also when it failed lately, ``due`` only if it is due."""
        definition = self.source(name)
        if not read_by(definition, self.node):
            named = ", ".join(definition.nodes)
            return Report(name, skipped=f"it is read by the nodes {named} alone, and this is {self.node}")
        async with self.readers.lent(definition) as reader:
            return await self.puller.run(definition, reader, forced=forced, due=due)

    def watched(self) -> dict[str, Path]:
        """The folder of each source that is read when a file in it changes."""
        for one in self.catalog.sources:
            if read_by(one, self.node):
                self.readers.of(one)
        return folders(self.readers.held)

    async def adopt(self, offered: Offered, readers: Mapping[str, Reader], allowed: Allowed) -> list[str]:
        """Go by these definitions, and read with these readers, from now on; returns the feeds that were removed.

        If storage does not take it, or it takes away too much (RemovalRefused), everything stays as it was.
        """
        before, catalog, held = self.in_force, self.catalog, self.readers.held

        def switch(tx: Tx) -> list[str]:
            number, removed = take(tx, offered, self.settings.site.model_dump(), allowed)
            # Here, where the log is held: no one who records may still choose the feeds that an item touches by the
            # old definitions after a document was made by the new.
            self.in_force = InForce(offered.catalog, offered.digest, number)
            self.catalog = self._adapt(offered.catalog)
            self.readers.replace(readers)
            return removed

        try:
            removed = await self.db.write(switch)
        except BaseException:
            self.in_force, self.catalog = before, catalog
            self.readers.replace(held)
            self.readers.reject(readers)
            raise
        else:
            self.publications.replace(offered.catalog.feeds)
            return removed
        finally:
            await self.readers.sweep()

    def seen(self, number: int) -> None:
        """Know that another process took definitions under this number."""
        self.in_force = replace(self.in_force, number=number)

    async def keep(self, offered: Offered) -> None:
        """Keep files that define what is in force already, written otherwise or by another process."""
        number, _ = await self.db.write(take, offered, self.settings.site.model_dump(), lambda refused: False)
        self.in_force = InForce(self.in_force.catalog, offered.digest, number)

    def _reader(self, definition: SourceDefinition) -> Source:
        context = SourceContext(
            home=self.home,
            profile=definition.profile,
            http=self.polite,
            indicators=_Present(lambda: self.catalog.indicators),
            timezone=self.site.timezone,
            language=self.site.language,
            now=self.now,
            runner=self.documents,
        )
        return definition.kind(definition.name, definition.options, context)


def _as_written(catalog: Catalog) -> Catalog:
    return catalog


class _Present(Mapping[str, IndicatorSpec]):
    """The indicators as they are defined at this moment, for readers that outlive a change of them."""

    def __init__(self, present: Callable[[], Mapping[str, IndicatorSpec]]) -> None:
        self._present = present

    def __getitem__(self, symbol: str) -> IndicatorSpec:
        return self._present()[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self._present())

    def __len__(self) -> int:
        return len(self._present())
