"""Requests that wait for the log to grow, and what they hold meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from support.delivering import eventually
from webroom import Newsroom

FOREVER = "/api/v1/events?after=latest&wait=30s"


def waiting_in(newsroom: Newsroom) -> int:
    """How many requests hold a place."""
    return sum(newsroom.services.limits._waiting._taken.values())


def asleep(newsroom: Newsroom) -> int:
    """How many wait for the log to grow."""
    return len(newsroom.db._growth._news._waiters)


async def counted(count: Callable[[Newsroom], int], newsroom: Newsroom) -> int:
    return count(newsroom)


@asynccontextmanager
async def waiting(newsroom: Newsroom, *paths: str, role: str | None = None) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Requests that wait for the log to grow by the time the block begins."""
    headers = newsroom.as_(role) if role else {}
    before = asleep(newsroom)

    async def ask(path: str) -> tuple[int, Any]:
        async with newsroom.client.get(path, headers=headers) as answer:
            return answer.status, await answer.json()

    tasks = [asyncio.create_task(ask(path)) for path in paths]
    await eventually(lambda: counted(asleep, newsroom), before + len(paths))
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def seqs(answer: tuple[int, Any]) -> list[int]:
    assert answer[0] == 200, answer
    return [event["seq"] for event in answer[1]["events"]]
