"""Being told when files change: what is told, and that nothing is left of a watch that has ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from publisher.filechanges import changes

QUICK = {"step": 5, "debounce": 50, "rust_timeout": 10, "yield_on_timeout": True}


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("file changes")]


async def first_change(watch: AsyncIterator[set[str]]) -> set[str]:
    """What is told first; a minute without it is a failure."""
    async with asyncio.timeout(60):
        async for paths in watch:
            if paths:
                return paths
    raise AssertionError("the watch ended")


async def test_a_file_that_is_written_is_told_by_its_path(tmp_path: Path) -> None:
    watch = changes(tmp_path, **QUICK)
    assert await anext(watch) == set()  # it stands
    (tmp_path / "a.txt").touch()
    assert await first_change(watch) == {str(tmp_path / "a.txt")}


async def test_a_watch_that_is_cancelled_ends_its_thread(tmp_path: Path) -> None:
    before, stands = threads(), asyncio.Event()

    async def follow() -> None:
        async for _ in changes(tmp_path, **QUICK):
            stands.set()

    task = asyncio.create_task(follow())
    await stands.wait()
    [thread] = [one for one in threads() if one not in before]
    task.cancel()
    await asyncio.wait([task])
    await asyncio.to_thread(thread.join, 60)
    assert not thread.is_alive()


async def test_a_folder_that_is_missing_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await anext(changes(tmp_path / "none", **QUICK))
