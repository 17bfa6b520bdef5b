"""Taking changed definitions while the service runs, and following those that another process took.

Everything is read again and judged before anything is taken; after an error, everything stays as it was. So what runs
is always one whole configuration, never a mixture.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from publisher import telemetry
from publisher.app import noting
from publisher.app.adopting import Allowed, Offer, Taken, log_not_taken, never
from publisher.app.installation import App
from publisher.app.switching import Switch
from publisher.app.versions import Offered, present
from publisher.catalog import build, gather
from publisher.catalog.edits import Decision, Seen, not_in_force
from publisher.delivery.followers.pausing import keep
from publisher.errors import ConfigErrors, EditRefused, NotAdopted, RemovalRefused, StorageError, told
from publisher.schedule import Schedule
from publisher.settings import Settings
from publisher.settings import load as load_settings
from publisher.storage.configuration import definitions
from publisher.systemd import Manager

log = telemetry.logger(__name__)

_KEPT = "goes on with the last good configuration"
_OTHERS = "the service reads other files than those that were offered: edited meanwhile? Apply them again"

CONFIRMED_AFTER = 10.0
"""How many seconds after a refusal was logged a SIGHUP confirms it: long enough to have read it."""

Result = Literal["taken", "unchanged", "refused", "broken", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a reload: ``lines`` say why it was not taken, or what was removed."""

    result: Result
    lines: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the files are in force."""
        return self.result in ("taken", "unchanged")


@dataclass(frozen=True, slots=True)
class _Refused:
    """A removal that was refused, and when that was logged, by the monotonic clock."""

    fault: RemovalRefused
    at: float

    def same(self, fault: RemovalRefused) -> bool:
        """Whether the new one removes nothing else."""
        return set(fault.feeds) <= set(self.fault.feeds) and fault.whole == self.fault.whole


@dataclass(frozen=True, slots=True)
class _Applied:
    """What an operator applies: the files of this digest; ``force``: whatever they remove or restore."""

    digest: str
    force: bool


class Reloader:
    """Reloads on request, one reload at a time.

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
        self._requested = False
        self._seen = noting.read(app.home)
        reason = app.in_force.instead_of
        self._fault = str(reason).partition("\n")[0] if reason else None
        self._refused = _Refused(reason, monotonic()) if isinstance(reason, RemovalRefused) else None
        app.switched = self._follow

    def request(self) -> None:
        """Reload, and log the result even if nothing changed. Safe to call from a signal handler."""
        self._requested = True
        self._wanted.set()

    def noticed(self) -> None:
        """Reload if anything changed."""
        self._wanted.set()

    @property
    def wanted(self) -> bool:
        """Whether a requested reload has not begun yet."""
        return self._wanted.is_set()

    @property
    def fault(self) -> str | None:
        """Why the files are not in force; None if they are, as far as is known."""
        return self._fault

    async def run(self) -> None:
        """Handle requests until cancelled. Errors are logged, and the service goes on as it was."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            requested, self._requested = self._requested, False
            if requested:
                self._manager.reloading("Reads the configuration again")
            status = await self.reload(requested)
            if requested:
                self._manager.ready(status)
            else:
                self._manager.status(status)

    async def reload(self, requested: bool) -> str:
        """Reload once; returns what the service manager is to show.

        ``requested``, by a signal: this confirms a removal that was refused ten seconds ago or earlier.
        """
        await self._attempt(requested, self._confirmed if requested else never)
        return self.shown()

    def shown(self) -> str:
        """What the service manager is to show."""
        return f"{self.status}; {_KEPT}: {self._fault}" if self._fault else self.status

    async def offered(self, digest: str, force: bool) -> Outcome:
        """Reload for ``publisher apply``, which read files of this digest; ``force``: whatever they remove."""
        return await self._attempt(True, (lambda refused: force), _Applied(digest, force))

    async def _attempt(self, requested: bool, allowed: Allowed, applied: _Applied | None = None) -> Outcome:
        async with self._busy:
            try:
                outcome = await self._take(requested, allowed, applied)
            except (ConfigErrors, EditRefused, RemovalRefused) as fault:
                log_not_taken(fault)
                outcome = self._faulty(fault)
            except NotAdopted as fault:  # which is logged already
                outcome = Outcome("failed", (str(fault),))
            except Exception as error:
                log.exception("config.failed")
                outcome = Outcome("failed", (str(error) or type(error).__name__,))
            if outcome.good:
                if outcome.result == "unchanged" and (requested or self._fault):
                    log.info("config.unchanged")
                self._refused = None
            self._fault = None if outcome.good else outcome.lines[0]
            return outcome

    def _faulty(self, fault: ConfigErrors | EditRefused | RemovalRefused) -> Outcome:
        if isinstance(fault, ConfigErrors):
            return Outcome("broken", tuple(map(str, fault.errors)))
        if isinstance(fault, EditRefused):
            return Outcome("refused", (str(fault),))
        if self._refused is None or not self._refused.same(fault):
            self._refused = _Refused(fault, self._monotonic())
        return Outcome("refused", (str(fault),))

    def _confirmed(self, fault: RemovalRefused) -> bool:
        told = self._refused
        if fault.whole or told is None or not told.same(fault):
            return False
        return self._monotonic() - told.at >= CONFIRMED_AFTER

    async def _take(self, requested: bool, allowed: Allowed, applied: _Applied | None) -> Outcome:
        """Read everything and use it, or the version in force if the files are no edit of that."""
        app = self._app
        settings, offered = await asyncio.to_thread(read, app.home)
        if applied is not None and offered.files != applied.digest:
            return Outcome("refused", (_OTHERS,))
        waiting = needing_restart(app.own, settings)
        pending = (f"needs a restart: {', '.join(waiting)}",) if waiting else ()
        if waiting:
            log.warning("config.needs_restart", keys=waiting)
        moved = False
        if not await self._in_hand(offered):
            # One that was lost meanwhile makes this node no new one, whose files are taken.
            seen = await asyncio.to_thread(noting.read, app.home) or self._seen
            wins = app.db.single_node or bool(applied and applied.force)
            taken, switch = await app.offer(offered, Offer(app.node, seen, wins, allowed))
            if taken.decision is Decision.ADOPT and applied is not None:
                raise await self._not_in_force()
            await self._note(Seen(offered.digest, taken.number))
            moved = await self._after(taken, switch, requested)
            pending = (*(switch.moves.lines() if moved else ()), *pending)
        return Outcome("taken" if moved or waiting else "unchanged", pending)

    async def _in_hand(self, offered: Offered) -> bool:
        """Whether these are in force and this process uses them: the usual case of a file that was only touched."""
        app = self._app
        if offered.digest != app.in_force.digest or app.in_force.instead_of or app.in_force.problem:
            return False
        if await app.db.read(definitions.number) != app.in_force.number:
            return False
        await self._note(Seen(offered.digest, app.in_force.number))
        return True

    async def _note(self, seen: Seen) -> None:
        self._seen = seen
        await asyncio.to_thread(noting.write, self._app.home, seen)

    async def _not_in_force(self) -> EditRefused:
        known = await self._app.db.read(definitions.standing)
        assert known is not None
        return EditRefused(not_in_force(present(known)))

    async def _after(self, taken: Taken, switch: Switch, requested: bool) -> bool:
        """Act on a decision; returns whether the files of this node changed anything."""
        if taken.decision is Decision.ADOPT:
            await self._app.catch_up(again=requested)
            self._app.accept()
            return False
        for name in taken.removed:
            log.warning("feed.removed", feed=name)
        moved = bool(switch.moves.by_change())
        if moved:
            try:
                await keep(self._app.db)
            except StorageError as error:  # the new configuration is in force all the same, and this is tried again
                if not told(error):
                    log.error("webhook.telling_failed", error=str(error))
        return moved

    def _follow(self, switch: Switch) -> None:
        """Update the timetable for another version, whichever process took it."""
        self._schedule.replace({one.name: one for one in switch.catalog.sources}, switch.watched)
        moves = switch.moves.by_change()
        if moves:
            counts = {"sources": len(switch.catalog.sources), "feeds": len(switch.catalog.feeds)}
            event = "config.reloaded" if switch.taken else "config.adopted"
            log.info(event, version=switch.after.number, **counts, **moves)
        if not switch.taken and (self._fault or self._app.db.single_node):
            self.noticed()  # the files here may be in force now; on SQLite they always are


def read(home: Path) -> tuple[Settings, Offered]:
    """The files as they are now; raises ConfigErrors with what is wrong in any of them. Blocks."""
    try:
        settings = load_settings(home)
    except ConfigErrors as wrong:
        try:
            build(gather(home))
        except ConfigErrors as others:
            raise ConfigErrors([*wrong.errors, *others.errors]) from others
        raise
    return settings, Offered.of(gather(home, shared=not settings.storage.single_node), settings.shared)


def needing_restart(running: Settings, written: Settings) -> list[str]:
    """This node's own settings, as ``section.key``, whose values in the file differ from those in use."""
    before, after = running.own(), written.own()
    return [key for key in after if before[key] != after[key]]
