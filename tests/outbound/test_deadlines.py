import asyncio
from collections.abc import AsyncIterator

import pytest

from publisher.deadlines import Deadlines


@pytest.fixture
async def deadlines() -> AsyncIterator[Deadlines]:
    made = Deadlines()
    yield made
    made.close()


async def test_what_takes_longer_is_cancelled_and_says_timeout(deadlines: Deadlines) -> None:
    ended: list[type[BaseException]] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            ended.append(type(error))
            raise

    with pytest.raises(TimeoutError), deadlines.within(0.001):
        await wait()
    assert ended == [asyncio.CancelledError]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_short_limit_that_begins_later_ends_first(deadlines: Deadlines) -> None:
    ended: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        try:
            with deadlines.within(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            ended.append(name)

    long = asyncio.create_task(wait("long", 3600))
    await asyncio.sleep(0)
    await asyncio.gather(wait("short", 0.2), wait("shortest", 0.001))
    assert ended == ["shortest", "short"]
    long.cancel()
    await asyncio.wait([long])


async def test_the_limits_left_after_one_was_reached_are_still_kept(deadlines: Deadlines) -> None:
    async def wait(seconds: float) -> None:
        with deadlines.within(seconds):
            await asyncio.Event().wait()

    assert [type(one) for one in await asyncio.gather(wait(0.001), wait(0.003), return_exceptions=True)] == [
        TimeoutError,
        TimeoutError,
    ]


async def test_a_cancellation_from_elsewhere_stays_one(deadlines: Deadlines) -> None:
    began = asyncio.Event()

    async def work() -> None:
        with deadlines.within(3600):
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_ends_in_time_is_left_alone_and_so_is_its_own_exception(deadlines: Deadlines) -> None:
    with deadlines.within(3600):
        pass
    with pytest.raises(LookupError), deadlines.within(3600):
        raise LookupError
