"""A webhook receiver on a real socket that keeps what it got and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Received:
    """One attempt, as it came in, and how it was answered."""

    headers: dict[str, str]
    body: bytes
    answered: int
    path: str = ""

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


class Receiver:
    """Answers each request with ``answer(request number from 0)``."""

    def __init__(self, answer: Callable[[int], int]) -> None:
        self._answer = answer
        self._changed = asyncio.Condition()
        self.attempts: list[Received] = []
        self.url = ""

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self._answer(len(self.attempts))
        headers = {name.lower(): value for name, value in request.headers.items()}
        async with self._changed:
            self.attempts.append(Received(headers, body, status, request.path))
            self._changed.notify_all()
        location = {"Location": self.url} if 300 <= status < 400 else None
        return web.Response(status=status, headers=location)

    @property
    def taken(self) -> list[Received]:
        """The attempts that were answered with a success."""
        return [attempt for attempt in self.attempts if attempt.answered < 300]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a state of what was received; a minute without it is a failure."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), 60)


@asynccontextmanager
async def receiving(answer: Callable[[int], int] = lambda _n: 204) -> AsyncIterator[Receiver]:
    """A running receiver."""
    receiver = Receiver(answer)
    application = web.Application()
    application.router.add_post("/{path:.*}", receiver._handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
