"""Noticing that a file of the configuration may have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change

from publisher import telemetry
from publisher.filechanges import changes

log = telemetry.logger(__name__)

FOLDERS = ("config", "config/profiles", "feeds")

SETTLE_MS = 500
"""How long the files must be quiet: an editor may remove a file before it puts the new one there."""

LONGEST_SETTLE_MS = 5_000

STANDS_MS = 1_000
"""How long after its start a watch is taken to be active."""

RETRY_SECONDS = 30.0
"""How soon watching is tried again after a failure."""


async def watch(home: Path, changed: Callable[[], None]) -> None:
    """Call ``changed`` after files in ``config/`` or ``feeds/`` changed, and once when the watch is active.

    The latter is for changes before that. Runs until cancelled.
    """
    home = await asyncio.to_thread(home.resolve)
    while True:
        try:
            await _watch_these(home, changed)
        except Exception as error:  # such as that the machine's watches are used up
            log.warning("config.unwatched", error=str(error), advice="send SIGHUP after a change")
            await asyncio.sleep(RETRY_SECONDS)


async def _watch_these(home: Path, changed: Callable[[], None]) -> None:
    """Wait until one of the folders is made, removed or replaced: a watch is bound to the folder."""
    watched = await asyncio.to_thread(_folders, home)
    stands = False
    async for found in changes(
        home,
        *watched,
        recursive=False,
        watch_filter=_Concerns(home),
        step=SETTLE_MS,
        debounce=LONGEST_SETTLE_MS,
        rust_timeout=STANDS_MS,
        yield_on_timeout=True,
    ):
        if found or not stands:
            stands = True
            changed()
            if await asyncio.to_thread(_folders, home) != watched:
                return


class _Concerns:
    """The files that are read, and the folders they are in."""

    def __init__(self, home: Path) -> None:
        self._folders = {str(home / folder) for folder in FOLDERS}

    def __call__(self, change: Change, path: str) -> bool:
        return path in self._folders or (path.endswith(".toml") and str(Path(path).parent) in self._folders)


def _folders(home: Path) -> dict[Path, tuple[int, int]]:
    """Each folder that exists, with what distinguishes it from another of the same name."""
    found = {}
    for path in (home / folder for folder in FOLDERS):
        try:
            status = path.stat()
        except OSError:
            continue
        found[path] = status.st_dev, status.st_ino
    return found
