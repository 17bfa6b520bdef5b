"""A pool of tasks, each doing one job after another: creating a task for each job cost as much as signing it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Workers(Generic[T]):
    """Does as many jobs at once as are started; the caller bounds how many.

    ``work`` does one. ``ended`` is called once it is over, with what went wrong: None, an exception, or CancelledError.
    """

    def __init__(
        self, work: Callable[[T], Coroutine[Any, Any, None]], ended: Callable[[T, BaseException | None], None]
    ) -> None:
        self._work = work
        self._ended = ended
        self._jobs: dict[asyncio.Task[None], T] = {}
        self._idle: list[tuple[asyncio.Task[None], asyncio.Future[None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._none = asyncio.Event()

    def __len__(self) -> int:
        """How many jobs are under way."""
        return len(self._jobs)

    def __iter__(self) -> Iterator[T]:
        """The jobs under way, in the order that they were started."""
        return iter(self._jobs.values())

    def start(self, job: T) -> None:
        """Begin a job now."""
        if self._idle:
            task, called = self._idle.pop()
            called.set_result(None)
        else:
            task = asyncio.create_task(self._run(), name="worker")
            task.add_done_callback(self._gone)
            self._tasks.add(task)
        # Kept here and not in the task, which may be cancelled before it takes its first step.
        self._jobs[task] = job
        self._none.clear()

    async def drain(self, grace: float) -> None:
        """Wait up to ``grace`` seconds for what is under way, then cancel the rest; no task is left at the end."""
        if self._jobs:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._none.wait(), grace)
        self._idle.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        while True:
            await self._work(self._jobs[task])
            self._end(task, None)
            called: asyncio.Future[None] = loop.create_future()
            self._idle.append((task, called))
            await called

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task in self._jobs:
            self._end(task, asyncio.CancelledError() if task.cancelled() else task.exception())

    def _end(self, task: asyncio.Task[None], error: BaseException | None) -> None:
        job = self._jobs.pop(task)
        if not self._jobs:
            self._none.set()
        self._ended(job, error)
