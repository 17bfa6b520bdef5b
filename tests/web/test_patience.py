"""How long a request waits: for what it wants, for its time, and while someone is there to be told."""

from __future__ import annotations

import asyncio

import pytest

from publisher.web.api.patience import Patience

LONG = 1000.0


async def never() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    pass


async def test_what_comes_in_time_is_waited_for_again_and_again() -> None:
    async with Patience(LONG, asyncio.Event()) as patience:
        for _ in range(3):
            came = asyncio.Event()
            asyncio.get_running_loop().call_soon(came.set)
            assert await patience.awaits(came.wait)


async def test_no_time_is_no_wait_even_for_what_is_there() -> None:
    async with Patience(0.0, asyncio.Event()) as patience:
        assert not await patience.awaits(at_once)


async def test_it_is_up_after_its_time() -> None:
    async with Patience(0.001, asyncio.Event()) as patience:
        assert [await patience.awaits(never) for _ in range(2)] == [False, False]


@pytest.mark.parametrize("which", [0, 1])
async def test_any_end_ends_it_whenever_it_comes(which: int) -> None:
    ends = asyncio.Event(), asyncio.Event()
    async with Patience(LONG, *ends) as patience:
        asyncio.get_running_loop().call_soon(ends[which].set)
        assert not await asyncio.wait_for(patience.awaits(never), 60)
        assert not await asyncio.wait_for(patience.awaits(never), 60)
    ends[which].set()
    async with Patience(LONG, *ends) as patience:
        assert not await asyncio.wait_for(patience.awaits(never), 60)


async def test_it_leaves_no_task_behind_and_passes_faults_on() -> None:
    async def fails() -> None:
        raise LookupError

    before = asyncio.all_tasks()
    with pytest.raises(LookupError):
        async with Patience(LONG, asyncio.Event()) as patience:
            await patience.awaits(fails)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
