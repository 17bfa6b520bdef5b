"""What must not be cancelled half-way is awaited to its end."""

from __future__ import annotations

import asyncio

import pytest

from publisher.unbroken import unbroken


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_work_comes_to_its_end_however_often_it_is_cancelled_and_only_then_the_cancellation_counts(
    times: int,
) -> None:
    began, let, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        await let.wait()
        ended.set()

    task = asyncio.create_task(unbroken(work()))
    await began.wait()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # by then it has been told
    assert not task.done()
    let.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_what_comes_of_it_is_returned_and_what_goes_wrong_is_raised() -> None:
    async def work(divisor: int) -> int:
        return 6 // divisor

    assert await unbroken(work(2)) == 3
    with pytest.raises(ZeroDivisionError):
        await unbroken(work(0))
