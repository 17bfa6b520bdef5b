"""One installation, opened: its settings, its definitions, its storage, and every part that works on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from publisher import __version__
from publisher.app.readers import Reader, Readers, folders
from publisher.catalog import Catalog, SourceDefinition
from publisher.catalog import load as load_catalog
from publisher.clock import Clock
from publisher.clock import now as wall_clock
from publisher.delivery import Deliverer, access
from publisher.errors import NotFound
from publisher.ingest import Definitions, Intake, Puller, Report
from publisher.model import IndicatorSpec
from publisher.outbound import Outbound
from publisher.publish import Publications, SiteInfo
from publisher.settings import Settings
from publisher.settings import load as load_settings
from publisher.sources.base import Source, SourceContext
from publisher.sources.politeness import Polite
from publisher.storage import feeds as feed_states
from publisher.storage import sources as source_states
from publisher.storage.database import Database, Tx
from publisher.storage.sealing import Sealer
from publisher.web.measures import Metrics


class App:
    """One installation. :meth:`open` makes it ready to use; nothing of it runs until it is served."""

    def __init__(self, home: Path, settings: Settings, catalog: Catalog, db: Database, now: Clock | None) -> None:
        self.home = home
        self.settings = settings
        self.catalog = catalog
        self.db = db
        self.now = now or wall_clock
        self.fetcher = Outbound(
            allow_private=settings.fetch.allow_private_networks,
            timeout=settings.fetch.timeout,
            user_agent=f"publisher/{__version__} (+{settings.site.url})",
        )
        self.polite = Polite(self.fetcher, robots=settings.fetch.robots, pause=settings.fetch.pause, now=self.now)
        self.sender = Outbound(
            allow_private=settings.delivery.allow_private_networks,
            timeout=settings.delivery.timeout,
            user_agent=f"publisher/{__version__}",
        )
        self.sealer = Sealer.open(home / "data")
        site = settings.site
        self.site = SiteInfo(title=site.title, url=site.url, language=site.language, timezone=site.timezone)
        self.publications = Publications(db, catalog.feeds, self.site, home / "data")
        definitions = Definitions(
            feeds=lambda: self.catalog.feeds,
            sources=lambda: frozenset(source.name for source in self.catalog.sources),
            indicators=lambda: self.catalog.indicators,
            timezone=site.timezone,
        )
        self.intake = Intake(db, definitions)
        self.puller = Puller(db, definitions)
        self.metrics = Metrics()
        self.deliverer = Deliverer(
            db,
            self.sender,
            self.sealer,
            feeds=lambda: self.catalog.feeds,
            schedule=settings.delivery.schedule,
            timeout=settings.delivery.timeout,
            observe=self.metrics.attempted,
        )
        self.readers = Readers(self._reader)

    @classmethod
    async def open(cls, home: Path, *, now: Clock | None = None) -> App:
        """Read the installation at ``home`` and open its storage; nothing runs yet.

        Raises ConfigErrors with everything that is wrong in its files, StorageError if the database cannot be opened.
        """
        settings = load_settings(home)
        catalog = load_catalog(home)
        db = await Database.open(settings.storage.url, home / "data", now=now)
        app = cls(home, settings, catalog, db, now)
        await db.write(_define, catalog)
        return app

    async def close(self) -> None:
        """Close everything that :meth:`open` opened."""
        await self.readers.close()
        await self.fetcher.close()
        await self.sender.close()
        await self.db.close()

    def source(self, name: str) -> SourceDefinition:
        """The definition of a source; raises NotFound naming those there are."""
        for definition in self.catalog.sources:
            if definition.name == name:
                return definition
        known = ", ".join(definition.name for definition in self.catalog.sources) or "none"
        raise NotFound(f"there is no source {name!r} in config/sources.toml; known: {known}")

    async def load(self, name: str, *, forced: bool = True) -> Report:
        """Run one source once and report; ``forced`` also when it failed lately."""
        definition = self.source(name)
        async with self.readers.lent(definition) as reader:
            return await self.puller.run(definition, reader, forced=forced)

    def watched(self) -> dict[str, Path]:
        """The folder of each source that is read when a file in it changes."""
        for one in self.catalog.sources:
            self.readers.of(one)
        return folders(self.readers.held)

    async def adopt(self, catalog: Catalog, readers: Mapping[str, Reader], reread: Iterable[str] = ()) -> list[str]:
        """Go by these definitions, and read with these readers, from now on; returns the feeds that were removed.

        ``reread`` are sources that are read in another way now: what they failed at before does not hold them up. If
        storage does not take it, everything stays as it was.
        """
        before, held = self.catalog, self.readers.held

        def switch(tx: Tx) -> list[str]:
            removed = _define(tx, catalog)
            for name in sorted(reread):
                source_states.set_next_run(tx, name, None)
            # Here, where the log is held: no one who records may still choose the feeds that an item touches by the
            # old definitions after a document was made by the new.
            self.catalog = catalog
            self.readers.replace(readers)
            return removed

        try:
            removed = await self.db.write(switch)
        except BaseException:
            self.catalog = before
            self.readers.replace(held)
            self.readers.reject(readers)
            raise
        else:
            self.publications.replace(catalog.feeds)
            return removed
        finally:
            await self.readers.sweep()

    def _reader(self, definition: SourceDefinition) -> Source:
        context = SourceContext(
            home=self.home,
            profile=definition.profile,
            http=self.polite,
            indicators=_Present(lambda: self.catalog.indicators),
            timezone=self.site.timezone,
            language=self.site.language,
            now=self.now,
        )
        return definition.kind(definition.name, definition.options, context)


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


def _define(tx: Tx, catalog: Catalog) -> list[str]:
    """Take these feeds for all there are, for documents and followers alike; returns those that were removed since."""
    removed = feed_states.define(tx, digests(catalog))
    access.adopt(tx, catalog.feeds)
    return removed


def digests(catalog: Catalog) -> Mapping[str, str]:
    """The digest of each feed's definition, by its name."""
    return {feed.name: feed.digest for feed in catalog.feeds.values()}
