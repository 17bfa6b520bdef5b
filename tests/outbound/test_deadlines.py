import asyncio
from collections.abc import AsyncIterator, Callable

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


class Counted:
    """Counts how often it expires, and then does something."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.expired = asyncio.Event()
        self.count = 0
        self._then = then

    def expire(self) -> None:
        self.count += 1
        self.expired.set()
        self._then()


async def test_a_limit_that_is_ended_as_another_expires_does_not_expire(deadlines: Deadlines) -> None:
    second = Counted(lambda: None)
    first = Counted(lambda: deadlines.end(second, 0.001))
    last = Counted(lambda: None)
    for one in (first, second, last):
        deadlines.begin(one, 0.001)
    await last.expired.wait()
    assert (first.count, second.count, last.count) == (1, 0, 1)


async def test_a_limit_may_begin_anew_as_it_expires(deadlines: Deadlines) -> None:
    def again() -> None:
        if one.count < 3:
            deadlines.begin(one, 0.001)
        else:
            third.set()

    third = asyncio.Event()
    one = Counted(again)
    deadlines.begin(one, 0.001)
    await third.wait()
    assert one.count == 3
