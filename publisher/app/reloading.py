"""Taking changed definitions while the service runs.

Everything is read anew and judged before anything is taken; what has an error leaves all of it as it was. So what runs
is always one whole configuration, and never a mixture.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from publisher import telemetry
from publisher.app.adopting import Allowed, Offered, said
from publisher.app.installation import App
from publisher.app.readers import folders
from publisher.catalog import Catalog, gather
from publisher.delivery.followers.pausing import keep
from publisher.errors import ConfigError, ConfigErrors, RemovalRefused, StorageError, told
from publisher.schedule import Schedule
from publisher.settings import Settings
from publisher.settings import load as load_settings
from publisher.systemd import Manager

log = telemetry.logger(__name__)

_KEPT = "goes on with the last good configuration"
_OTHERS = "the service reads other files than those that were offered: edited meanwhile? Apply them again"

CONFIRMED_AFTER = 10.0
"""Seconds after a refusal was told from which a SIGHUP confirms what was refused: long enough to have read it."""

Result = Literal["taken", "unchanged", "refused", "broken", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a reload: ``lines`` say why it was not taken, or what was removed."""

    result: Result
    lines: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the files are in force."""
        return self.result in ("taken", "unchanged")


@dataclass(frozen=True, slots=True)
class _Refused:
    """A removal that was refused, and when that was told, by the monotonic clock."""

    fault: RemovalRefused
    at: float

    def same(self, fault: RemovalRefused) -> bool:
        """Whether this one takes away nothing else."""
        return set(fault.feeds) <= set(self.fault.feeds) and fault.whole == self.fault.whole


class Reloader:
    """Reloads when it is asked to, once at a time.

    ``status`` is what the service manager shows while nothing is wrong.
    """

    def __init__(
        self,
        app: App,
        schedule: Schedule,
        manager: Manager,
        status: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._schedule = schedule
        self._manager = manager
        self.status = status
        self._monotonic = monotonic
        self._wanted = asyncio.Event()
        self._busy = asyncio.Lock()
        self._asked = False
        reason = app.in_force.instead_of
        self._fault = str(reason).partition("\n")[0] if reason else None
        self._refused = _Refused(reason, monotonic()) if isinstance(reason, RemovalRefused) else None

    def asked(self) -> None:
        """Reload, and say what came of it even if nothing changed. Safe to call from a signal handler."""
        self._asked = True
        self._wanted.set()

    def noticed(self) -> None:
        """Reload if anything changed."""
        self._wanted.set()

    @property
    def wanted(self) -> bool:
        """Whether a reload was asked for that has not begun."""
        return self._wanted.is_set()

    @property
    def fault(self) -> str | None:
        """Why the files are not what is in force; None if they are, as far as is known."""
        return self._fault

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
        """Reload once; returns what the service manager is to show.

        ``asked``, by a signal, confirms a removal that was refused ten seconds ago or earlier.
        """
        await self._attempt(asked, self._confirmed if asked else _never)
        return self.shown()

    def shown(self) -> str:
        """What the service manager is to show."""
        return f"{self.status}; {_KEPT}: {self._fault}" if self._fault else self.status

    async def offered(self, digest: str, force: bool) -> Outcome:
        """Reload for ``publisher apply``, which read files of this digest; ``force``: whatever they take away."""
        return await self._attempt(True, (lambda refused: force), digest)

    async def _attempt(self, asked: bool, allowed: Allowed, digest: str | None = None) -> Outcome:
        async with self._busy:
            try:
                outcome = await self._take(allowed, digest)
            except (ConfigErrors, RemovalRefused) as fault:
                said(fault)
                outcome = self._faulty(fault)
            except Exception as error:
                log.exception("config.failed")
                outcome = Outcome("failed", (str(error) or type(error).__name__,))
            if outcome.good:
                if outcome.result == "unchanged" and (asked or self._fault):
                    log.info("config.unchanged")
                self._refused = None
            self._fault = None if outcome.good else outcome.lines[0]
            return outcome

    def _faulty(self, fault: ConfigErrors | RemovalRefused) -> Outcome:
        if isinstance(fault, ConfigErrors):
            return Outcome("broken", tuple(map(str, fault.errors)))
        if self._refused is None or not self._refused.same(fault):
            self._refused = _Refused(fault, self._monotonic())
        return Outcome("refused", (str(fault),))

    def _confirmed(self, fault: RemovalRefused) -> bool:
        told = self._refused
        if fault.whole or told is None or not told.same(fault):
            return False
        return self._monotonic() - told.at >= CONFIRMED_AFTER

    async def _take(self, allowed: Allowed, digest: str | None) -> Outcome:
        """Read everything and go by it."""
        app = self._app
        settings, offered = await asyncio.to_thread(read, app.home)
        if digest is not None and offered.digest != digest:
            return Outcome("refused", (_OTHERS,))
        waiting = needing_restart(app.settings, settings)
        pending = [f"needs a restart: {', '.join(waiting)}"] if waiting else []
        if waiting:
            log.warning("config.needs_restart", keys=waiting)
        if offered.catalog == app.in_force.catalog:
            if offered.digest != app.in_force.digest or app.in_force.instead_of:
                await app.keep(offered)
            return Outcome("taken" if waiting else "unchanged", tuple(pending))
        catalog = app.adapted(offered.catalog)
        readers = app.readers.prepared(catalog.sources)
        watched = folders(readers)
        moves = _moves(app.catalog, catalog)
        removed = await app.adopt(offered, readers, allowed)
        self._schedule.replace({one.name: one for one in catalog.sources}, watched)
        log.info("config.reloaded", sources=len(catalog.sources), feeds=len(catalog.feeds), **moves.said())
        for name in removed:
            log.warning("feed.removed", feed=name)
        try:
            await keep(app.db)
        except StorageError as error:  # the new configuration holds all the same, and this is tried again
            if not told(error):
                log.error("webhook.telling_failed", error=str(error))
        return Outcome("taken", (*moves.lines(), *pending))


def _never(refused: RemovalRefused) -> bool:
    return False


def read(home: Path) -> tuple[Settings, Offered]:
    """The files as they are now; raises ConfigErrors with what is wrong in any of them. Blocks."""
    errors: list[ConfigError] = []
    settings, offered = None, None
    try:
        settings = load_settings(home)
    except ConfigErrors as found:
        errors += found.errors
    try:
        offered = Offered.of(gather(home, shared=settings is not None and settings.storage.shared))
    except ConfigErrors as found:
        errors += found.errors
    if errors or settings is None or offered is None:
        raise ConfigErrors(errors)
    return settings, offered


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

    def lines(self) -> list[str]:
        """The same, a line for each."""
        return [f"{what}: {', '.join(names)}" for what, names in self.said().items()]


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
