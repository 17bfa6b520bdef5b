"""Publishers are killed and cut off again and again while receivers fail at random: each endpoint has each event at
least once, nothing is sent twice that was settled, and what the API shows adds up. ``make chaos`` does the same at full
size."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from chaos.harness import verdict
from chaos.harness.breakages import KILL, connections_cut, receivers_cut
from chaos.harness.fleet import fleet
from chaos.harness.receivers import receiving
from chaos.harness.run import Run
from chaos.harness.script import Script

SEED = 20261128
ENDPOINTS, EVENTS = 20, 40
SETTLING = 2.0
"""Seconds: on a busy machine an outcome waits for its commit. ``make chaos``, alone on one, holds it to 50 ms."""

KILLS = 4
"""On each database."""


async def test_killed_again_and_again_on_sqlite_each_endpoint_has_each_event(tmp_path: Path) -> None:
    async with receiving(ENDPOINTS, Script(SEED)) as receivers, fleet(tmp_path) as publishers:
        run = Run(publishers, receivers, SEED, settling=SETTLING)
        await run.perform(EVENTS, [KILL] * KILLS + [receivers_cut(receivers)])
        assert await verdict.faults(run) == [], f"seed {SEED}"
        assert Counter(one.name for one in run.windows) == {"kill -9": KILLS, "receivers cut": 1}


async def test_one_of_three_killed_again_and_again_on_postgresql_each_endpoint_has_each_event(
    tmp_path: Path, postgres_url: str
) -> None:
    async with receiving(ENDPOINTS, Script(SEED)) as receivers, fleet(tmp_path, 3, postgres_url) as publishers:
        run = Run(publishers, receivers, SEED, settling=SETTLING)
        cuts = [receivers_cut(receivers), connections_cut(postgres_url)]
        await run.perform(EVENTS, [*cuts, *[KILL] * KILLS])
        assert await verdict.faults(run) == [], f"seed {SEED}"
        done = Counter(one.name for one in run.windows)
        assert done == {"kill -9": KILLS, "receivers cut": 1, "connections cut": 1}
