"""One installation, opened: its settings, its definitions, its storage, and every part that works on them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from publisher import __version__, descriptors
from publisher.app.adopting import Offer, Taken, at_start, problem, take, tell_problem, without
from publisher.app.opening import open_storage
from publisher.app.readers import Readers, folders
from publisher.app.switching import Switch
from publisher.app.versions import InForce, Offered, node_name
from publisher.app.versions import read as read_version
from publisher.catalog import Catalog, SourceDefinition
from publisher.catalog.edits import Decision
from publisher.clock import Clock, steady
from publisher.delivery import Deliverer
from publisher.delivery.endpoints.slots import Bounds
from publisher.delivery.transports.base import Site as TellingSite
from publisher.errors import NotAdopted, NotFound
from publisher.ingest import Definitions, Intake, Puller, Report, Timetable
from publisher.ingest.duetimes import read_by
from publisher.isolation import Isolated
from publisher.model import IndicatorSpec
from publisher.outbound import Outbound
from publisher.publish import Publications, SiteInfo
from publisher.schedule import next_time
from publisher.settings import Server, Settings, Site
from publisher.settings import load as load_settings
from publisher.sources.base import Source, SourceContext
from publisher.sources.fetching.politeness import Polite
from publisher.storage.access.sealing import Sealer
from publisher.storage.configuration import definitions
from publisher.storage.configuration import in_force as standing
from publisher.storage.engine.database import Database, Tx
from publisher.web.budgets.allowances import Allowances, Rates
from publisher.web.ops.measures import Metrics

DOCUMENT_JOBS = "publisher.sources.parsing"
"""Reading documents, in a process of its own."""


class App:
    """One installation. :meth:`open` makes it ready to use; nothing runs until it is served.

    ``in_force`` is the version of the definitions that this process uses; ``switched`` is called each time that it
    switches to another. ``own`` are the settings as read at the start; in ``settings``, those that hold for all
    machines come from the version.
    """

    def __init__(
        self, home: Path, own: Settings, in_force: InForce, db: Database, *, sealer: Sealer, now: Clock | None
    ) -> None:
        self.home = home
        self.own = own
        self.settings = settings = own.under(in_force.shared)
        self.in_force = in_force
        self.catalog = catalog = in_force.catalog
        self.db = db
        self.now = now or db.now
        self.node = node_name(own)
        self.process = secrets.token_hex(6)
        self.switched: Callable[[Switch], None] = lambda switch: None
        self._changing = asyncio.Lock()
        shares = descriptors.shares(descriptors.limit())
        self._adapt: Callable[[Catalog], Catalog] = _as_written
        self.timetable = Timetable(lambda: self.site.timezone, next_time, lambda: self.site.language)
        self.fetcher = Outbound(
            now=self.now,
            keep=shares.kept_by_fetcher,
            allow_private=settings.fetch.allow_private_networks,
            setting="[fetch] allow_private_networks",
            timeout=settings.fetch.timeout,
            user_agent=_user_agent(settings.site),
        )
        patience = now or steady()  # pauses between requests to a host do not depend on the wall clock
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
        self.publications = Publications(db, catalog.feeds, self.site, home / "data")
        by_present = Definitions(
            feeds=lambda: self.catalog.feeds,
            sources=lambda: frozenset(source.name for source in self.catalog.sources),
            indicators=lambda: self.catalog.indicators,
            timezone=lambda: self.site.timezone,
            check=self.check,
        )
        self.intake = Intake(db, by_present)
        self.puller = Puller(db, by_present, self.timetable, node=self.node, process=self.process)
        self.metrics = Metrics()
        waiting = connections(settings.server) // 2
        self.allowances = Allowances(_rates(settings), counted=self.metrics.refused, waiting=waiting)
        self.deliverer = Deliverer(
            db,
            self.sender,
            self.sealer,
            schedule=settings.delivery.schedule,
            timeout=settings.delivery.timeout,
            bounds=Bounds(slots=shares.sending),
            observe=self.metrics.attempted,
            check=self.check,
            now=self.now,
            process=self.process,
            alone=db.single_node,
            site=_told_by(settings.site),
        )
        self.documents = Isolated(DOCUMENT_JOBS)
        self.pushed = Isolated(DOCUMENT_JOBS)  # pushed articles do not wait for documents from strangers
        self.readers = Readers(lambda definition: self._reader(self.site, definition))
        db.adopt_by(self._adopted)

    @classmethod
    async def open(cls, home: Path, *, now: Clock | None = None, offers: bool = True) -> App:
        """Read the installation at ``home`` and open its storage; nothing runs yet.

        ``offers``: the files here may be offered; otherwise, on PostgreSQL, it uses the version in force. Raises
        ConfigErrors with everything that is wrong in its files, StorageError if the database cannot be opened or is not
        this installation's, SecretError if the storage key at hand is not that of what is stored. Files that are gone,
        remove too much, or are no edit of the version in force are not taken: ``in_force`` is then the last version,
        and says why. Raises RemovalRefused if there is none.
        """
        settings = load_settings(home)
        sealers: list[Sealer] = []

        async def open_database() -> Database:
            db, sealer = await open_storage(home, settings.storage.url, now=now)
            sealers.append(sealer)
            return db

        db, in_force = await at_start(home, settings, open_database, offers=offers)
        try:
            return cls(home, settings, in_force, db, sealer=sealers[-1], now=now)
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

    @property
    def site(self) -> SiteInfo:
        """The site as documents present it at this moment."""
        return self.in_force.site

    def adapt(self, how: Callable[[Catalog], Catalog]) -> None:
        """Apply ``how`` to the definitions, now and after each switch; to be called before it is served."""
        self._adapt = how
        self.catalog = how(self.in_force.catalog)

    def source(self, name: str) -> SourceDefinition:
        """The definition of a source; raises NotFound, which names the sources there are."""
        for definition in self.catalog.sources:
            if definition.name == name:
                return definition
        known = ", ".join(definition.name for definition in self.catalog.sources) or "none"
        raise NotFound(f"there is no source {name!r} in config/sources.toml; known: {known}")

    async def load(self, name: str, *, forced: bool = True, due: bool = False) -> Report:
        """Run one source once and report; ``forced`` also when it failed lately, ``due`` only if it is due.

        Raises NotAdopted if this process cannot use the definitions in force.
        """
        if self.in_force.problem:
            raise NotAdopted(self.in_force.problem)
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

    def check(self, tx: Tx) -> None:
        """Raise DefinitionsMoved unless this process uses the definitions in force; see ``definitions.check``."""
        definitions.check(tx, self.in_force.number)

    async def offer(self, offered: Offered, offer: Offer) -> tuple[Taken, Switch]:
        """Offer these, and use them from now on if they are taken.

        If storage does not take them, they are no edit (EditRefused), or they remove too much (RemovalRefused), nothing
        changes.
        """
        async with self._changing:
            site = self._site_of(offered)
            found = InForce(offered.catalog, offered.shared, site, offered.digest, self.in_force.number)
            switch = replace(self._switch(found), taken=True)
            held = self.in_force, self.catalog, self.readers.held

            def taking(tx: Tx) -> Taken:
                taken = take(tx, offered, offer)
                if taken.decision is Decision.ADOPT:
                    return taken
                # Here, where the log is held: no one who records may still choose the feeds that an item touches by
                # the old definitions after a document was made by the new.
                self._hold(replace(switch, after=replace(found, number=taken.number, site=taken.site)))
                return taken

            try:
                taken = await self.db.write(taking)
            except BaseException:
                self.in_force, self.catalog, before = held
                self.readers.replace(before)
                self.readers.reject(switch.readers)
                raise
            else:
                if taken.decision is Decision.ADOPT:
                    self.readers.reject(switch.readers)
                    return taken, switch
                self._adjust()
            finally:
                await self.readers.sweep()
        switch = replace(switch, after=self.in_force)
        self.switched(switch)
        return taken, switch

    async def catch_up(self, *, again: bool = False) -> bool:
        """Switch to the version in force, if this process does not use it yet; returns whether it switched.

        Raises NotAdopted if it cannot: the reason is logged once and kept in ``in_force.problem``. A version that could
        not be adopted before is tried only if ``again``; a later one always.
        """
        async with self._changing:
            number = await self.db.read(definitions.number)
            if number == self.in_force.number:
                return False
            if number == self.in_force.unfit and not again:
                raise NotAdopted(self.in_force.problem)
            kept, closed = await self.db.read(lambda tx: (definitions.kept(tx), standing.closed(tx)))
            if kept is None:
                return False
            try:
                switch = self._switch(await asyncio.to_thread(read_version, kept, self.own))
            except Exception as error:  # a kind may be anyone's code
                told = problem(kept.known, error)
                tell_problem(told)
                less = without(closed, self.in_force.catalog)
                self.in_force = replace(self.in_force, catalog=less, problem=told, unfit=kept.number)
                self.catalog = self._adapt(less)
                self._adjust()
                raise NotAdopted(told) from error
            self._hold(switch)
            self._adjust()
            await self.readers.sweep()
        self.switched(switch)
        return True

    def accept(self) -> None:
        """Accept the version in force as the intended one, though the files here differ from it."""
        self.in_force = replace(self.in_force, instead_of=None)

    async def _adopted(self) -> None:
        await self.catch_up()

    def _switch(self, after: InForce) -> Switch:
        """The switch to these definitions; nothing is changed yet. Raises whatever a kind raises."""
        before = self.in_force
        if (after.catalog, after.shared) == (before.catalog, before.shared):
            after = replace(after, catalog=before.catalog)
        catalog = self.catalog if after.catalog is before.catalog else self._adapt(after.catalog)
        elsewhere = [(one.language, one.timezone) for one in (before.site, after.site)]
        anew = partial(self._reader, after.site) if elsewhere[0] != elsewhere[1] else None
        readers = self.readers.prepared(catalog.sources, anew)
        return Switch(before, after, catalog, readers, folders(readers))

    def _hold(self, switch: Switch) -> None:
        self.in_force, self.catalog = switch.after, switch.catalog
        self.readers.replace(switch.readers)

    def _adjust(self) -> None:
        """Make every part use the version in force."""
        self.settings = settings = self.own.under(self.in_force.shared)
        self.publications.replace(self.catalog.feeds, self.site)
        self.allowances.adjust(_rates(settings))
        delivery, site = settings.delivery, _told_by(settings.site)
        self.deliverer.configure(schedule=delivery.schedule, timeout=delivery.timeout, site=site)
        self.fetcher.introduce(_user_agent(settings.site))

    def _site_of(self, offered: Offered) -> SiteInfo:
        """The site as far as readers need it; the prefix of its ids is known once it is taken."""
        site = offered.shared.site
        return SiteInfo(site.title, site.url, site.language, site.timezone, self.site.ids)

    def _reader(self, site: SiteInfo, definition: SourceDefinition) -> Source:
        context = SourceContext(
            home=self.home,
            profile=definition.profile,
            http=self.polite,
            indicators=_Present(lambda: self.catalog.indicators),
            timezone=site.timezone,
            language=site.language,
            now=self.now,
            runner=self.documents,
        )
        return definition.kind(definition.name, definition.options, context)


def _told_by(site: Site) -> TellingSite:
    return TellingSite(site.title, site.url, site.language, site.timezone)


def _user_agent(site: Site) -> str:
    return f"publisher/{__version__} (+{site.url})"


def _rates(settings: Settings) -> Rates:
    registration = settings.registration
    return Rates(
        webhooks_per_owner=registration.webhooks_per_owner,
        webhooks_per_unverified_host=registration.webhooks_per_unverified_host,
        registrations_per_minute=registration.registrations_per_minute,
        registrations_per_address_per_minute=registration.registrations_per_address_per_minute,
        open=registration.mode == "open",
        tests_per_minute=registration.tests_per_minute,
        wrong_keys_per_minute=settings.server.wrong_keys_per_minute,
    )


def connections(server: Server) -> int:
    """How many connections clients may have open. Half of the descriptors are left for the database, files and
    webhooks.
    """
    return min(server.connections, descriptors.limit() // 2)


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
