import asyncio

from publisher.delivery.workers import Workers


class Jobs:
    """Each job waits for an event of its own; keeps what the workers say of it."""

    def __init__(self) -> None:
        self.go = {name: asyncio.Event() for name in "abc"}
        self.began: list[tuple[str, object]] = []
        self.ended: list[tuple[str, type[BaseException] | None]] = []
        self.changed = asyncio.Event()
        self.workers = Workers(self.work, self.end)

    async def work(self, name: str) -> None:
        self.began.append((name, asyncio.current_task()))
        await self.go[name].wait()
        if name == "b":
            raise LookupError

    def end(self, name: str, error: BaseException | None) -> None:
        self.ended.append((name, None if error is None else type(error)))
        self.changed.set()

    async def until_ended(self, count: int) -> None:
        while len(self.ended) < count:
            await self.changed.wait()
            self.changed.clear()


async def test_a_task_that_is_free_takes_the_next_job() -> None:
    jobs = Jobs()
    jobs.workers.start("a")
    assert len(jobs.workers) == 1
    jobs.go["a"].set()
    await jobs.until_ended(1)
    assert len(jobs.workers) == 0
    jobs.workers.start("c")
    jobs.go["c"].set()
    await jobs.until_ended(2)
    await jobs.workers.drain(0)

    assert jobs.ended == [("a", None), ("c", None)]
    assert len({task for _, task in jobs.began}) == 1


async def test_a_job_that_raises_is_told_and_others_go_on() -> None:
    jobs = Jobs()
    for name in "ab":
        jobs.workers.start(name)
    jobs.go["b"].set()
    await jobs.until_ended(1)
    jobs.go["a"].set()
    await jobs.workers.drain(60)

    assert jobs.ended == [("b", LookupError), ("a", None)]


async def test_what_outlasts_the_grace_is_cancelled_and_told_even_if_it_had_not_begun() -> None:
    jobs = Jobs()
    jobs.workers.start("c")
    jobs.go["c"].set()
    await jobs.until_ended(1)
    jobs.workers.start("a")  # for the task that is free now
    jobs.workers.start("b")  # for one that is yet to begin
    assert list(jobs.workers) == ["a", "b"]
    await jobs.workers.drain(0)

    assert sorted(jobs.ended[1:]) == [("a", asyncio.CancelledError), ("b", asyncio.CancelledError)]
    assert len(jobs.workers) == 0
