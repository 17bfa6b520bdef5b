"""Taking changed definitions while the service runs.

Everything is read anew and judged before anything is taken; what has an error leaves all of it as it was. So what runs
is always one whole configuration, and never a mixture.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from publisher import telemetry
from publisher.app.installation import App
from publisher.app.readers import folders
from publisher.catalog import Catalog
from publisher.catalog import load as load_catalog
from publisher.delivery.pausing import keep
from publisher.errors import ConfigError, ConfigErrors, StorageError
from publisher.schedule import Schedule
from publisher.settings import Settings
from publisher.settings import load as load_settings
from publisher.systemd import Manager

log = telemetry.logger(__name__)


class Reloader:
    """Reloads when it is asked to, once at a time. ``status`` is what the service manager shows otherwise."""

    def __init__(self, app: App, schedule: Schedule, manager: Manager, status: str) -> None:
        self._app = app
        self._schedule = schedule
        self._manager = manager
        self._status = status
        self._wanted = asyncio.Event()
        self._asked = False
        self._broken = False

    def asked(self) -> None:
        """Reload, and say what came of it even if nothing changed. Safe to call from a signal handler."""
        self._asked = True
        self._wanted.set()

    def noticed(self) -> None:
        """Reload if anything changed."""
        self._wanted.set()

    async def run(self) -> None:
        """Do what is asked until cancelled. Whatever goes wrong is logged, and what ran goes on."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            asked, self._asked = self._asked, False
            if asked:
                self._manager.reloading("Reads the configuration again")
            status = await self.reload(asked)
            if asked:
                self._manager.ready(status)
            else:
                self._manager.status(status)

    async def reload(self, asked: bool) -> str:
        """Reload once; returns what the service manager is to show."""
        try:
            changed = await self._take()
        except ConfigErrors as broken:
            for error in broken.errors:
                log.error("config.error", file=error.file, line=error.line, key=error.key, problem=error.reason)
            log.error("config.kept", errors=len(broken.errors))
            self._broken = True
            return f"{self._status}; goes on with the last good configuration: {broken.errors[0]}"
        except Exception as error:
            log.exception("config.failed")
            return f"{self._status}; goes on with the last good configuration: {error}"
        if not changed and (asked or self._broken):
            log.info("config.unchanged")
        self._broken = False
        return self._status

    async def _take(self) -> bool:
        """Read everything and go by it; returns whether anything changed."""
        app = self._app
        settings, catalog = await asyncio.to_thread(read, app)
        waiting = needing_restart(app.settings, settings)
        if waiting:
            log.warning("config.needs_restart", keys=waiting)
        if catalog == app.catalog:
            return bool(waiting)
        readers = app.readers.prepared(catalog.sources)
        held = app.readers.held
        reread = {name for name, one in readers.items() if name in held and held[name] is not one}
        watched = folders(readers)
        moves = _moves(app.catalog, catalog)
        removed = await app.adopt(catalog, readers, reread)
        self._schedule.replace({one.name: one for one in catalog.sources}, watched)
        for name in sorted(reread):
            self._schedule.trigger_now(name)
        log.info("config.reloaded", sources=len(catalog.sources), feeds=len(catalog.feeds), **moves.said())
        for name in removed:
            log.warning("feed.removed", feed=name)
        try:
            await keep(app.db, catalog.feeds)
        except StorageError as error:  # the new configuration holds all the same, and this is tried again
            log.error("webhook.telling_failed", error=str(error))
        return True


def read(app: App) -> tuple[Settings, Catalog]:
    """The files as they are now; raises ConfigErrors with what is wrong in any of them. Blocks."""
    errors: list[ConfigError] = []
    settings, catalog = app.settings, app.catalog
    try:
        settings = load_settings(app.home)
    except ConfigErrors as found:
        errors += found.errors
    try:
        catalog = load_catalog(app.home)
    except ConfigErrors as found:
        errors += found.errors
    if errors:
        raise ConfigErrors(errors)
    return settings, catalog


def needing_restart(running: Settings, written: Settings) -> list[str]:
    """The settings, ``section.key``, that are written otherwise than they run."""
    before, after = running.model_dump(), written.model_dump()
    return [
        f"{section}.{key}" for section in after for key in after[section] if before[section][key] != after[section][key]
    ]


@dataclass(frozen=True, slots=True)
class _Moves:
    """What differs between two catalogs: names of sources and feeds, with what became of them."""

    added: list[str]
    changed: list[str]
    removed: list[str]

    def said(self) -> dict[str, list[str]]:
        """What there is to say."""
        every = {"added": self.added, "changed": self.changed, "removed": self.removed}
        return {what: names for what, names in every.items() if names}


def _moves(before: Catalog, after: Catalog) -> _Moves:
    old, new = _named(before), _named(after)
    return _Moves(
        added=sorted(new.keys() - old.keys()),
        changed=sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
        removed=sorted(old.keys() - new.keys()),
    )


def _named(catalog: Catalog) -> dict[str, object]:
    named: dict[str, object] = {f"source {one.name}": one for one in catalog.sources}
    named |= {f"feed {name}": feed for name, feed in catalog.feeds.items()}
    return named | {f"indicator {symbol}": spec for symbol, spec in catalog.indicators.items()}
