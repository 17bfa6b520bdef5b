"""The verdict of a chaos run finds what it is there to find."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chaos.harness import verdict
from chaos.harness.fleet import fleet
from chaos.harness.receivers import Attempt, receiving
from chaos.harness.run import Run, Window
from chaos.harness.script import Script


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """A run in which nothing was broken."""
    async with receiving(2, Script(1)) as receivers, fleet(tmp_path) as publishers:
        one = Run(publishers, receivers, 1, settling=2.0)
        await one.perform(3, [])
        yield one


async def test_what_is_lost_doubled_or_counted_wrong_is_told(run: Run) -> None:
    assert await verdict.faults(run) == []
    first = next(iter(run.receivers.got[0].values()))
    last = first.attempts[-1]
    assert last.ended is not None

    run.pushed.append("kabar-9")
    lost = await verdict.faults(run)
    assert "endpoint 1 lacks ['kabar-9']" in lost
    assert f"{run.fleet.webhooks[0]}: {{'delivered': 3}} of 4 that matched" in lost
    run.pushed.pop()

    first.attempts.append(Attempt(last.ended + 1, last.ended + 1, 204))
    (doubled,) = await verdict.faults(run)
    assert doubled.startswith(f"endpoint 0 took {first.article} at {last.ended}, and again at ")
    run.windows.append(Window("kill -9", last.ended + 0.5, last.ended + 0.9, last.ended - 0.01))
    assert await verdict.faults(run) == []
    run.windows[:] = [Window("kill -9", last.ended + 0.5, last.ended + 0.9, last.ended + 0.01)]
    assert await verdict.faults(run) == [doubled]
    first.attempts.clear()
    assert any("shows attempts that its endpoint did not see" in one for one in await verdict.faults(run))
