"""One run: push, break at points of its progress, and wait until everything has arrived and is settled."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from chaos.harness.breakages import Breakage
from chaos.harness.fleet import Fleet
from chaos.harness.receivers import Receivers

AHEAD = 10
"""Events that are pushed before the first of them has arrived everywhere: so that there is always something to send."""

LOOK = 0.1
"""Seconds between two looks at how long a commit takes."""

KEPT = 20
"""As many of these looks are kept."""

REST = 0.25
"""Seconds between two looks at whether everything is settled, which takes as long as a lease."""

OPEN = ("pending", "sending", "retrying")


SETTLING = 0.05
"""Seconds from a receiver's answer until no end of the process can undo it, where nothing else keeps the machine."""

COMMITS = 5
"""Commits that may stand before that of an outcome: a push, a fan-out, a claim, another batch, and its own."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when something was broken. What was answered before ``settled`` must have been kept."""

    name: str
    begun: float
    ended: float
    settled: float


@dataclass
class Run:
    """What was pushed, and what was broken when."""

    fleet: Fleet
    receivers: Receivers
    seed: int
    pushed: list[str] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    settling: float = SETTLING
    _commits: list[tuple[float, float]] = field(default_factory=list)
    """When, and for how long, this machine took to put a page on the disk."""

    async def perform(self, events: int, breakages: Sequence[Breakage]) -> None:
        """Push so many events to every endpoint, and break these things at random points meanwhile."""
        chance = random.Random(self.seed)
        for endpoint in range(self.receivers.count):
            await self.fleet.register(self.receivers.url(endpoint))
        total = events * self.receivers.count
        points = sorted(chance.sample(range(total // 20, total * 19 // 20), len(breakages)))
        watching = asyncio.create_task(self._watch(self.fleet.services[0].home))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._push(events))
                group.create_task(self._break(list(zip(points, breakages, strict=True)), chance))
            await self.receivers.until(lambda: self.receivers.taken >= total)
            await self._settled()
        finally:
            watching.cancel()

    async def _push(self, events: int) -> None:
        for number in range(events):
            wanted = (number - AHEAD) * self.receivers.count
            await self.receivers.until(lambda wanted=wanted: self.receivers.taken >= wanted)  # type: ignore[misc]
            id = f"kabar-{number}"
            await self.fleet.push([id])
            self.pushed.append(id)

    async def _break(self, plan: Sequence[tuple[int, Breakage]], chance: random.Random) -> None:
        loop = asyncio.get_running_loop()
        for point, breakage in plan:
            await self.receivers.until(lambda point=point: self.receivers.taken >= point)  # type: ignore[misc]
            begun = loop.time()
            concerned = breakage.chosen(self.fleet, chance)
            settled = self._settled_by(begun)
            await breakage.act(concerned)
            await self.fleet.ready()
            self.windows.append(Window(breakage.name, begun, loop.time(), settled))

    async def _settled(self) -> None:
        """Wait until nothing is open. What was under way at a kill is sent again once its lease has run out."""
        for webhook in self.fleet.webhooks:
            while await self.fleet.deliveries(webhook, *OPEN):  # noqa: ASYNC110 -- the publisher tells nobody
                await asyncio.sleep(REST)

    async def _watch(self, folder: Path) -> None:
        """Note how long it takes to put a page where the databases are, since that is what the publishers wait for."""
        loop = asyncio.get_running_loop()
        with (folder / "page").open("wb", buffering=0) as file:
            while True:
                begun = loop.time()
                await asyncio.to_thread(_commit, file)
                self._commits = [*self._commits[-KEPT:], (begun, loop.time() - begun)]
                await asyncio.sleep(LOOK)

    def _settled_by(self, now: float) -> float:
        """The time before which all that was answered must be settled now."""
        longest = max((took for begun, took in self._commits if begun + took > now - 1), default=0.0)
        return now - self.settling - COMMITS * longest


def _commit(file: BinaryIO) -> None:
    os.pwrite(file.fileno(), b"\0" * 4096, 0)
    os.fsync(file.fileno())
