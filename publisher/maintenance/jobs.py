"""All jobs, and how often each is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from publisher import telemetry
from publisher.delivery.followers import pausing
from publisher.ingest import Intake
from publisher.maintenance import clocks, embargoes, pruning
from publisher.maintenance.job import Job
from publisher.storage.engine.database import Database

TAIL_SECONDS = 1.0
"""How often the log is looked at for what another process appended."""

SETTLE_SECONDS = 30.0
"""How often articles that went back and forth are looked at, and webhooks that have no feed left."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the jobs work on; ``clock_moved`` is called once what waits was moved along with the clock."""

    db: Database
    intake: Intake
    clock_moved: Callable[[], None]


def jobs(parts: Parts) -> tuple[Job, ...]:
    """The jobs of a process that does everything."""
    db = parts.db
    return (
        Job("tail", TAIL_SECONDS, db.refresh),
        Job("clock", clocks.LOOK_SECONDS, clocks.ClockWatch(db, parts.clock_moved).look),
        Job("settle", SETTLE_SECONDS, parts.intake.settle),
        Job("embargoes", embargoes.EVERY, lambda: embargoes.release(parts.intake)),
        # Each reload does so too; this is for what was removed while the service was down, or just as it was followed.
        Job("webhooks", SETTLE_SECONDS, lambda: pausing.keep(db)),
        Job("log", telemetry.FOLD_SECONDS, _fold),
        Job("prune", pruning.EVERY, lambda: pruning.prune(db)),
    )


async def _fold() -> None:
    telemetry.flush()
