"""The process of the service that ``_service`` starts: `publisher run`, and beside it what a benchmark asks for.

Nothing of the service is replaced: in its process stands one task more, which appends events and tells what they cost.
"""

from __future__ import annotations

import asyncio
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks._peers import Metered, answer

if TYPE_CHECKING:
    from benchmarks._simulated import Simulation
    from publisher.model import Event
    from publisher.storage.engine.database import Database

BATCH = 500
"""Events appended in one transaction where their number alone counts."""


class Appended(NamedTuple):
    """Events that stand in the log now, what that cost in CPU seconds, and when each was committed (monotonic)."""

    seqs: tuple[int, ...]
    cpu: float
    committed: dict[str, float]


class Commands(Metered):
    """What stands beside the service in its process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._made = 0
        self._prepared: list[Event] = []

    async def prepare(self, group: str, count: int, kind: str = "article") -> None:
        """Make events beforehand: what the making costs is not measured."""
        from benchmarks._events import an_article, an_observation

        make = an_article if kind == "article" else an_observation
        first, self._made = self._made, self._made + count
        self._prepared = [make(group, number) for number in range(first, first + count)]

    async def append(self, batch: int = BATCH) -> Appended:
        """Append them, so many in each transaction."""
        from publisher.storage.log import events

        before, seqs, committed = time.process_time(), [], {}
        prepared, self._prepared = self._prepared, []
        for at in range(0, len(prepared), batch):
            done = await self._db.write(events.append, prepared[at : at + batch])
            now = time.monotonic()
            seqs += [event.seq for event in done]
            committed |= {event.id: now for event in done}
        return Appended(tuple(seqs), time.process_time() - before, committed)

    async def pace(self, rate: float) -> Appended:
        """Append them one by one, so many a second."""
        from publisher.storage.log import events

        before, seqs, committed, began = time.process_time(), [], {}, time.monotonic()
        prepared, self._prepared = self._prepared, []
        for number, event in enumerate(prepared):
            await asyncio.sleep(began + number / rate - time.monotonic())
            [done] = await self._db.write(events.append, [event])
            committed[event.id] = time.monotonic()
            seqs.append(done.seq)
        return Appended(tuple(seqs), time.process_time() - before, committed)


def main(pipe: Connection, home: Path, role: str, simulation: Simulation | None) -> None:
    """Be `publisher run`, with the commands beside it; what it logs goes to a file in its folder."""
    log = os.open(home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    from publisher.app import serving
    from publisher.cli.run import run as publisher_run

    if simulation is not None:
        from benchmarks import _simulated

        _simulated.install(simulation)
    serve = serving.serve

    async def beside(app: Any, **options: Any) -> None:
        stop, ready, on_ready = asyncio.Event(), asyncio.Event(), options.pop("on_ready")

        def told(address: str) -> None:
            on_ready(address)
            ready.set()

        async def commands() -> None:
            await ready.wait()
            await answer(pipe, Commands(app.db), stop)

        both = asyncio.create_task(commands())
        await serve(app, **options, on_ready=told, stop=stop)
        await both

    serving.serve = beside
    publisher_run(home=home, role=role)
