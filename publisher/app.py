"""The composition root: builds every part from the settings, and starts and stops them in order.

Rooms below receive values and never the settings. Start: storage, then what writes to it, then what the outside can
reach. Stop: the reverse, within :data:`GRACE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from publisher import __version__, telemetry
from publisher.catalog import Catalog, SourceDefinition
from publisher.catalog import load as load_catalog
from publisher.clock import Clock
from publisher.clock import now as wall_clock
from publisher.delivery import Deliverer
from publisher.errors import NotFound
from publisher.ingest import Definitions, Intake, Puller, Report
from publisher.outbound import Outbound
from publisher.publish import Publications, SiteInfo
from publisher.schedule import Schedule
from publisher.settings import Settings, notify_socket, watchdog_usec
from publisher.settings import load as load_settings
from publisher.sources.base import Source, SourceContext
from publisher.storage import feeds as feed_states
from publisher.storage.database import Database
from publisher.storage.sealing import Sealer
from publisher.systemd import Manager, watch, watchdog_interval
from publisher.web.app import make_app
from publisher.web.measures import Metrics
from publisher.web.metrics import add_metrics
from publisher.web.services import Services

log = telemetry.logger(__name__)

GRACE_SECONDS = 8.0
"""How long requests and deliveries in flight may take to end after SIGTERM; the whole stop takes under 10 s."""

TAIL_SECONDS = 1.0
"""How often the log is looked at for what another process appended."""

SETTLE_SECONDS = 30.0
"""How often articles that went back and forth are looked at."""


class App:
    """One installation, opened. :meth:`open` makes it ready to use; :meth:`serve` runs it as a service."""

    def __init__(self, home: Path, settings: Settings, catalog: Catalog, db: Database, now: Clock | None) -> None:
        self.home = home
        self.settings = settings
        self.catalog = catalog
        self.db = db
        self._now = now or wall_clock
        self.fetcher = Outbound(
            allow_private=settings.fetch.allow_private_networks,
            timeout=settings.fetch.timeout,
            user_agent=f"publisher/{__version__} (+{settings.site.url})",
        )
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
        self._sources: dict[str, Source] = {}

    @classmethod
    async def open(cls, home: Path, *, now: Clock | None = None) -> App:
        """Read the installation at ``home`` and open its storage; nothing runs yet.

        Raises ConfigErrors with everything that is wrong in its files, StorageError if the database cannot be opened.
        """
        settings = load_settings(home)
        catalog = load_catalog(home)
        db = await Database.open(settings.storage.url, home / "data", now=now)
        app = cls(home, settings, catalog, db, now)
        await db.write(feed_states.sync, {feed.name: feed.digest for feed in catalog.feeds.values()})
        return app

    async def close(self) -> None:
        """Close everything that :meth:`open` opened."""
        for source in self._sources.values():
            await source.close()
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
        return await self.puller.run(definition, self._reader(definition), forced=forced)

    def _reader(self, definition: SourceDefinition) -> Source:
        if definition.name not in self._sources:
            context = SourceContext(
                home=self.home,
                profile=definition.profile,
                http=self.fetcher,
                indicators=self.catalog.indicators,
                timezone=self.site.timezone,
                language=self.site.language,
                now=self._now,
            )
            self._sources[definition.name] = definition.kind(definition.name, definition.options, context)
        return self._sources[definition.name]

    async def serve(self, *, on_ready: Callable[[str], None] | None = None, stop: asyncio.Event | None = None) -> None:
        """Run the server, the scheduler and the sender until SIGTERM, SIGINT or ``stop``.

        ``on_ready`` is called with the address once requests are answered.
        """
        stop = stop or asyncio.Event()
        manager = Manager(notify_socket())
        schedule = Schedule(self._tick, timezone=self.site.timezone)
        runner = web.AppRunner(self._web(schedule), access_log=None, shutdown_timeout=GRACE_SECONDS / 2)
        async with contextlib.AsyncExitStack() as stack:
            _stop_on_signals(stop, stack)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, self.settings.server.host, self.settings.server.port).start()
            sender = asyncio.create_task(self.deliverer.run(), name="deliverer")
            stack.push_async_callback(self._stop_sender, sender)
            schedule.start({one.name: one for one in self.catalog.sources}, self._watched())
            stack.push_async_callback(schedule.stop)
            helpers = [asyncio.create_task(_every(TAIL_SECONDS, self.db.refresh), name="tail")]
            helpers.append(asyncio.create_task(_every(SETTLE_SECONDS, self.intake.settle), name="settle"))
            stack.callback(lambda: [task.cancel() for task in helpers])
            if interval := watchdog_interval(watchdog_usec()):
                alive = watch(manager, interval, lambda: schedule.running and self.deliverer.running)
                helpers.append(asyncio.create_task(alive, name="watchdog"))
            address = _address(runner, self.settings.server.host)
            log.info("service.ready", url=address, sources=len(self.catalog.sources), feeds=len(self.catalog.feeds))
            manager.ready(f"Answers at {address}")
            if on_ready:
                on_ready(address)
            await stop.wait()
            manager.stopping()
            log.info("service.stopping")
        log.info("service.stopped")

    async def _stop_sender(self, task: asyncio.Task[None]) -> None:
        await self.deliverer.stop(GRACE_SECONDS / 2)
        await task

    async def _tick(self, name: str) -> None:
        try:
            await self.load(name, forced=False)
        except Exception:  # the next tick must come, whatever this one ran into
            log.exception("source.crashed", source=name)

    def _watched(self) -> dict[str, Path]:
        paths = {one.name: self._reader(one).watch_path() for one in self.catalog.sources}
        return {name: path for name, path in paths.items() if path is not None}

    def _web(self, schedule: Schedule) -> web.Application:
        application = make_app(self._services(schedule))
        add_metrics(
            application,
            self.metrics,
            access=self.settings.server.metrics,
            sources=lambda: {source.name for source in self.catalog.sources},
        )
        return application

    def _services(self, schedule: Schedule) -> Services:
        return Services(
            db=self.db,
            site=self.site,
            catalog=lambda: self.catalog,
            ingest=self.intake,
            publications=self.publications,
            deliverer=self.deliverer,
            sealer=self.sealer,
            guard=self.sender,
            probes={"scheduler": lambda: schedule.running, "deliverer": lambda: self.deliverer.running},
            trusted_proxies=self.settings.server.trusted_proxies,
            now=self._now,
        )


def _stop_on_signals(stop: asyncio.Event, stack: contextlib.AsyncExitStack) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Only the main thread may; a test that serves in another gives its own event.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.set)
            stack.callback(loop.remove_signal_handler, number)


async def _every(seconds: float, action: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            result = action()
            if asyncio.iscoroutine(result):
                await result
        except Exception:
            log.exception("service.task_failed", task=getattr(action, "__qualname__", "?"))


def _address(runner: web.AppRunner, host: str) -> str:
    port = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
