"""An installation that is opened in this process, and reloaded when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from publisher.app.installation import App
from publisher.app.reloading import Reloader
from publisher.schedule import Schedule
from publisher.storage.configuration import sources as source_states
from publisher.systemd import Manager
from support.kinds import Watched
from support.service import write_installation


def source(name: str, *, every: str = "1h", **options: Any) -> str:
    """A table of ``config/sources.toml``."""
    shown = {True: "true", False: "false"}
    lines = [f"{key} = {shown.get(value, repr(value))}" for key, value in options.items()]
    head = ["[[source]]", f'name = "{name}"', 'kind = "support.kinds:Watched"', 'nodes = ["*"]', f'every = "{every}"']
    return "\n".join([*head, *lines, ""])


@dataclass
class Running:
    """An open installation with its timetable."""

    app: App
    schedule: Schedule
    reloader: Reloader
    recorded: set[Watched]
    moved: asyncio.Condition
    seconds: float = 0.0
    """What the reloader's monotonic clock shows."""

    def write(self, name: str, text: str) -> None:
        """Put a file."""
        (self.app.home / name).write_text(text)

    def remove(self, name: str) -> None:
        """Take a file away."""
        (self.app.home / name).unlink()

    async def reload(self, *, requested: bool = True) -> list[dict[str, Any]]:
        """Reload, as by a signal or as the watcher does; returns what was logged of it."""
        with capture_logs() as logged:
            await self.reloader.reload(requested)
        return [dict(entry) for entry in logged if entry["event"].partition(".")[0] in ("config", "feed", "webhook")]

    def reader(self, name: str) -> Watched:
        """The present reader of a source."""
        found = self.app.readers.held[name].source
        assert isinstance(found, Watched)
        return found

    async def due(self, name: str) -> datetime | None:
        """When a source is due."""
        return (await self.app.db.read(source_states.state, name)).next_run_at

    async def read(self, name: str) -> Watched:
        """The present reader, once it was read and that is recorded."""
        reader = self.reader(name)
        async with self.moved:
            await asyncio.wait_for(self.moved.wait_for(lambda: reader in self.recorded), 60)
        return reader


@asynccontextmanager
async def run_installation(home: Path, files: Mapping[str, str] | None = None) -> AsyncIterator[Running]:
    """An installation with the sources ``desk`` and ``market`` and the feed ``news``; both have been read."""
    Watched.made, Watched.free = [], asyncio.Event()
    write_installation(home, {"config/sources.toml": source("desk") + source("market"), **(files or {})})
    app = await App.open(home)

    recorded: set[Watched] = set()
    moved = asyncio.Condition()

    async def tick(name: str, due: bool) -> bool:
        reader = app.readers.held[name].source if name in app.readers.held else None
        report = await app.load(name, forced=False, due=due)
        reader = reader or app.readers.held[name].source
        assert isinstance(reader, Watched)
        async with moved:
            recorded.add(reader)
            moved.notify_all()
        return not report.taken

    schedule = Schedule(tick, app.db, app.timetable, node=app.node)
    schedule.start({one.name: one for one in app.catalog.sources}, app.watched())
    reloader = Reloader(app, schedule, Manager(None), "Answers", monotonic=lambda: one.seconds)
    one = Running(app, schedule, reloader, recorded, moved)
    try:
        for name in ("desk", "market"):
            await one.read(name)
        yield one
    finally:
        Watched.free.set()
        await schedule.stop()
        await app.close()
