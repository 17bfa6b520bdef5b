"""Several nodes of one installation: each an ``App`` with a folder of its own, all on one database."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from publisher.app.installation import App
from publisher.app.reloading import Outcome, Reloader
from publisher.catalog import gather
from publisher.schedule import Schedule
from publisher.storage.access.sealing import KEY_FILE
from publisher.systemd import Manager
from support.service import write_installation


@dataclass
class Node:
    """One node while it runs."""

    app: App
    reloader: Reloader

    async def apply(self, *, force: bool = False) -> Outcome:
        """As ``publisher apply`` here."""
        return await self.reloader.offered(gather(self.app.home).digest, force)

    async def noticed(self) -> str | None:
        """Reload as the watcher does; returns why the files are not what is in force."""
        await self.reloader.reload(requested=False)
        return self.reloader.fault

    @property
    def feeds(self) -> set[str]:
        """The feeds that it goes by."""
        return set(self.app.catalog.feeds)


def folder(home: Path, url: str, *feeds: str, title: str = "Meja Uji") -> Path:
    """The folder of a node: the same installation as in any other, with these feeds."""
    write_installation(home, {f"feeds/{name}.toml": f'title = "{name}"\n' for name in feeds})
    settings = (home / "config/publisher.toml").read_text().replace("Meja Uji", title)
    storage = "" if url == "sqlite" else f'[storage]\nurl = "{url}"\n'
    (home / "config/publisher.toml").write_text(settings + storage)
    return home


def container(home: Path, url: str, other: Path, *feeds: str) -> Path:
    """The folder of a new node, with the storage key of one that has run, as an operator gives it."""
    folder(home, url, *feeds)
    (home / "data").mkdir(mode=0o700)
    shutil.copy(other / "data" / KEY_FILE, home / "data" / KEY_FILE)
    return home


def feed(home: Path, name: str, title: str | None = None) -> None:
    """Write a feed's file."""
    (home / f"feeds/{name}.toml").write_text(f'title = "{title or name}"\n')


@asynccontextmanager
async def node(home: Path) -> AsyncIterator[Node]:
    """A node that has started, without a timetable."""

    async def never(name: str, due: bool) -> bool:
        raise AssertionError(name)

    app = await App.open(home)
    schedule = Schedule(never, app.db, app.timetable, node=app.node)
    schedule.start({}, {})
    try:
        yield Node(app, Reloader(app, schedule, Manager(None), "Answers"))
    finally:
        await schedule.stop()
        await app.close()
