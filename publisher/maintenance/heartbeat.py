"""Recording that this process runs, for the other processes and for ``publisher nodes``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from publisher import clock, telemetry
from publisher.clock import Clock
from publisher.errors import StorageError
from publisher.model.node import Node
from publisher.storage.configuration import nodes
from publisher.storage.engine.database import Database

log = telemetry.logger(__name__)

EVERY = 10.0
"""Seconds between two heartbeats; three may fail before the process counts as lost."""

MOST_OFFSET = 5.0
"""Seconds by which a node's clock may differ from the database's without a warning."""


class Heartbeat:
    """``node`` returns the state of this process; ``machine`` is the clock of its machine."""

    def __init__(self, db: Database, node: Callable[[], Node], machine: Clock = clock.now) -> None:
        self._db = db
        self._node = node
        self._machine = machine
        self._wrong = False

    async def beat(self) -> None:
        """Record it once; raises StorageError."""
        offset = (self._machine() - self._db.now()).total_seconds()
        await self._db.write(nodes.beat, replace(self._node(), clock_offset=offset))
        wrong = abs(offset) > MOST_OFFSET
        if wrong and not self._wrong:
            log.warning(
                "clock.wrong",
                seconds=round(offset),
                advice="this machine's clock differs from the database's, whose time is used; set it, as by NTP",
            )
        self._wrong = wrong

    async def end(self) -> None:
        """Record that it stops; if storage fails, it will count as lost."""
        with suppress(StorageError):
            await self._db.write(nodes.leave, self._node().id)
