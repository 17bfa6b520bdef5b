"""Hearing at once that another process has appended to the log, where the database can tell (PostgreSQL).

A writer sends one notification for each commit that appended, however many events it holds, with the log's last
sequence number as its text, and one for each that makes what was read before void. It only shortens the wait: followers
also look at the log every second, since notifications are lost while the connection is down, and none come through a
pooler that shares connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from publisher import telemetry
from publisher.storage.engine.dialects import CHANNEL

log = telemetry.logger(__name__)

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0

PROBE_SECONDS = 30.0
"""How often a silent connection is checked."""

PROBE_TIMEOUT = 10.0

LOOK = 0
"""The number that only says that the log should be looked at: something was erased, or it is another log."""


class Listener:
    """One connection that listens, and is opened again whenever it is lost.

    ``heard`` is given the number that a notification names; ``missed`` is called when the connection has been made,
    since what was appended before is not told, and for :data:`LOOK`.
    """

    def __init__(
        self, engine: AsyncEngine, *, heard: Callable[[int], None], missed: Callable[[], Awaitable[object]]
    ) -> None:
        self._engine = engine
        self._heard = heard
        self._missed = missed
        self._newest = 0
        self._look = False
        self._news = asyncio.Event()
        self._lost = False
        self._wait = FIRST_WAIT
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    def start(self) -> None:
        """Listen from now on, if it does not already."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="listener")

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:
                self.listening.clear()
                if self._wait == FIRST_WAIT:
                    log.warning("storage.listening_failed", error=str(error)[:300], advice="looks every second instead")
                await asyncio.sleep(self._wait)
                self._wait = min(self._wait * 2, LONGEST_WAIT)

    async def _listen(self) -> None:
        async with self._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            self._lost, self._newest = False, 0
            driver.add_termination_listener(self._note_loss)
            try:
                await driver.add_listener(CHANNEL, self._note)
                await self._missed()
                self._wait = FIRST_WAIT
                self.listening.set()
                while True:
                    await self._next(driver)
            finally:
                self.listening.clear()
                # Not to be returned to the pool: it would go on listening.
                driver.remove_termination_listener(self._note_loss)
                await connection.invalidate()

    async def _next(self, driver: Any) -> None:
        try:
            await asyncio.wait_for(self._news.wait(), PROBE_SECONDS)
        except TimeoutError:
            await driver.execute("SELECT 1", timeout=PROBE_TIMEOUT)
            return
        self._news.clear()
        if self._lost:
            raise ConnectionError("the connection was closed")
        # Told once: of a log that was put back, a number from before would hide what comes up to it.
        newest, self._newest = self._newest, 0
        self._heard(newest)
        if self._look:
            self._look = False
            await self._missed()

    def _note(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        if payload.isdecimal():
            self._look |= int(payload) == LOOK
            self._newest = max(self._newest, int(payload))
            self._news.set()

    def _note_loss(self, _connection: Any) -> None:
        self._lost = True
        self._news.set()
