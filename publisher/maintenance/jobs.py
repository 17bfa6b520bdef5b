"""All jobs, and how often each is done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from publisher import telemetry
from publisher.delivery.followers import pausing
from publisher.ingest import Intake
from publisher.maintenance import clocks, embargoes, erasures, heartbeat, keeping, mailing, pruning
from publisher.maintenance.heartbeat import Heartbeat
from publisher.maintenance.job import Job
from publisher.maintenance.keeping import Kept
from publisher.model.node import DELIVER, INGEST, ROLES, WEB
from publisher.outbound.mail import Mailer
from publisher.publish import Publications, SiteInfo
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.turns import Urgency

TAIL_SECONDS = 1.0
"""How often the log is checked for what another process appended."""

SETTLE_SECONDS = 30.0
"""How often articles that change back and forth are checked, and webhooks that have no feed left."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the jobs work on; ``clock_moved`` is called after waiting times were moved with the clock.

    ``check`` raises in a transaction if this process does not use the definitions in force. ``node`` is the name by
    which is stored who did what. Without a ``mailer`` no mail is sent; ``site`` is what its letters name.
    """

    db: Database
    intake: Intake
    publications: Publications
    clock_moved: Callable[[], None]
    heartbeat: Heartbeat
    check: Callable[[Tx], None] = lambda _tx: None
    kept: Kept = field(default_factory=Kept)
    node: str = ""
    mailer: Mailer | None = None
    site: Callable[[], SiteInfo] | None = None


def jobs(parts: Parts, roles: Collection[str] = ROLES) -> tuple[Job, ...]:
    """The jobs of a process of these roles."""
    return tuple(job for role, job in _jobs(parts) if role is None or role in roles)


def _jobs(parts: Parts) -> Iterator[tuple[str | None, Job]]:
    """Each job with the role that it belongs to; None: every process runs it."""
    db = parts.db
    yield None, Job("tail", TAIL_SECONDS, db.refresh)
    yield None, Job("clock", clocks.LOOK_SECONDS, clocks.ClockWatch(db, parts.clock_moved).look)
    yield None, Job("heartbeat", heartbeat.EVERY, parts.heartbeat.beat, Urgency.PROMISE)
    yield None, Job("log", telemetry.FOLD_SECONDS, _fold)
    yield None, Job("wipe", erasures.EVERY, lambda: erasures.wipe(parts.intake))
    yield WEB, Job("documents", erasures.EVERY, lambda: erasures.forget(parts.publications))
    yield INGEST, Job("settle", SETTLE_SECONDS, parts.intake.settle, Urgency.READING)
    yield INGEST, Job("embargoes", embargoes.EVERY, lambda: embargoes.release(parts.intake), Urgency.PROMISE)
    # Each reload does so too; this is for what was removed while the service was down, or just as it was followed.
    yield DELIVER, Job("webhooks", SETTLE_SECONDS, lambda: _webhooks(parts))
    if parts.mailer is not None and parts.site is not None:
        mailer, site = parts.mailer, parts.site
        yield DELIVER, Job("mail", mailing.EVERY, lambda: mailing.send(db, mailer, lambda: (site().title, site().url)))
    yield WEB, Job("prune", pruning.EVERY, lambda: pruning.prune(db))
    yield DELIVER, Job("keep", keeping.EVERY, lambda: keeping.keep(db, parts.kept, parts.node))


async def _webhooks(parts: Parts) -> None:
    await parts.db.read(parts.check)
    await pausing.keep(parts.db)


async def _fold() -> None:
    telemetry.flush()
