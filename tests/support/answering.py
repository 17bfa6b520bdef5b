"""A sender over a real database that tests drive step by step, and whose requests they answer by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from publisher.delivery import sender as module
from publisher.delivery.aboard import Aboard
from publisher.delivery.endpoints.circuit import PACE
from publisher.delivery.endpoints.parties import Line
from publisher.delivery.endpoints.policy import Policy
from publisher.delivery.endpoints.slots import Bounds
from publisher.delivery.sender import Sender
from publisher.delivery.settler import Settler
from publisher.delivery.taking import POLL_SECONDS
from publisher.delivery.transports.base import Request
from publisher.errors import SecretError, StorageError
from publisher.outbound import PostResult
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import lanes
from support.clock import Machine, ManualClock

TAKEN, FAILED = PostResult(204), PostResult(500)
STOPPED = PostResult(None, "stopped", stopped=True)

POLICY = Policy(schedule=(0.0,) * 30, timeout=30.0, queue=30.0, lease=120.0)
"""Tries again at once."""


class Sent:
    """A request that was given to the client, and has no connection yet."""

    def __init__(
        self,
        url: str,
        sealed: bytes,
        request: Request,
        done: Callable[[PostResult], None],
        begins: Callable[[], bool],
    ) -> None:
        self.url, self.sealed = url, sealed
        self.id, self.body = request.id, request.body
        self._done, self._begins = done, begins
        self.began = False
        self.over = False

    def connect(self) -> bool:
        """It has a connection; returns whether it is written to that, else it is over."""
        assert not self.over
        if not self.began:
            self.began = self._begins()
            if not self.began:
                self._end(STOPPED)
        return self.began

    def answer(self, result: PostResult = TAKEN) -> None:
        """It is written to its connection, unless it was, and answered."""
        assert self.connect()
        self._end(result)

    def cancel(self) -> None:
        """As :meth:`publisher.outbound.Sending.cancel`: it is told in the event loop's next step."""
        if not self.over:
            self.over = True
            asyncio.get_running_loop().call_soon(self._done, STOPPED)

    def _end(self, result: PostResult) -> None:
        self.over = True
        self._done(result)


class Client:
    """In the place of a :class:`publisher.delivery.posting.Poster`: keeps what it is given until the test answers."""

    def __init__(self, now: ManualClock) -> None:
        self._now = now
        self.sent: list[Sent] = []
        self.sealed = False
        """Whether no secret can be opened."""

    def send(
        self,
        url: str,
        sealed: bytes,
        request: Request,
        timeout: float,
        done: Callable[[PostResult], None],
        begins: Callable[[], bool],
    ) -> tuple[datetime, Sent]:
        """As :meth:`publisher.delivery.posting.Poster.send`."""
        if self.sealed:
            raise SecretError("there is no key for it")
        self.sent.append(Sent(url, sealed, request, done, begins))
        return self._now(), self.sent[-1]


class Answered:
    """A sender, its client, and the lanes that it holds: all, until the test says otherwise.

    Nothing happens, and no time passes, but in :meth:`look` and :meth:`running`.
    """

    def __init__(
        self, db: Database, clock: ManualClock, machine: Machine, policy: Policy = POLICY, bounds: Bounds | None = None
    ) -> None:
        self.machine = machine
        self.client = Client(clock)
        self.lanes = SimpleNamespace(held=frozenset(range(lanes.COUNT)))
        aboard = Aboard()
        self._settler = Settler(db, process="ours", journaled=aboard.journaled)
        parts: tuple[Any, ...] = (db, self.client, self._settler, self.lanes, aboard)
        self.sender = Sender(*parts, policy=policy, bounds=bounds or Bounds(), process="ours")
        self._settler.recorded, self._settler.returned = self.sender.recorded, self.sender.returned

    @property
    def sent(self) -> list[Sent]:
        """All that was given to the client, in turn."""
        return self.client.sent

    @property
    def open(self) -> list[Sent]:
        """What of it has no answer yet."""
        return [one for one in self.sent if not one.over]

    def line(self, n: int = 1) -> Line:
        """What is in memory for the ``n``-th subscription."""
        line = self.sender._held.lines.get(n)
        assert line is not None
        return line

    async def count(self) -> int:
        """How many requests were given to the client."""
        return len(self.sent)

    async def look(self, times: int = 1, *, after: float = POLL_SECONDS, woken: bool = True) -> None:
        """Commit what is known of outcomes, then do as ``run()`` does when it was woken, ``after`` so many seconds."""
        for _ in range(times):
            await self.settle()
            self.machine.passes(after)
            if woken:
                self.sender.wake()
            await self.sender._backoff.wait()
            await self.sender._look()
            await self.turn()

    async def turn(self) -> None:
        """Let what was left to the event loop's next step be done."""
        await asyncio.sleep(0)

    async def probe(self) -> None:
        """Look once every open circuit's time for a probe has come."""
        await self.look(after=2 * PACE[-1])

    async def settle(self) -> None:
        """Commit what is known of outcomes."""
        while batch := self._settler._waiting:
            self._settler._waiting = []
            await self._settler._commit(batch)

    def answer_all(self, result: PostResult = TAKEN) -> None:
        """Give a connection to each that has no answer, and the answer to each that is written to it."""
        for one in self.open:
            if one.connect():
                one.answer(result)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The sender runs by itself; time stands still."""
        task = asyncio.create_task(self.sender.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


Answering = Callable[..., Answered]
"""Makes one over a database; ``policy`` and ``bounds`` may be others."""


class Fault:
    """A function of the storage that fails once, and a sender that goes on at once; ``met`` says whether it failed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        self._real = getattr(owner, name)
        self.met = False
        monkeypatch.setattr(owner, name, self)
        monkeypatch.setattr(module, "FAULT_SECONDS", 0.0)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As the function, from the second call on."""
        if not self.met:
            self.met = True
            raise StorageError("the database was away")
        return self._real(*args, **kwargs)
