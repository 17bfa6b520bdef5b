"""The state of each source, and which process may read it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, case, cast, func, or_, select, update

from publisher import clock
from publisher.errors import Conflict
from publisher.model.refusals import Refusals
from publisher.model.source import SourceState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import refusals, sources
from publisher.storage.engine.values import AnyRow, dump, load, micros, moment
from publisher.storage.log import events as log


def state(tx: Tx, name: str) -> SourceState:
    """One source's state, which is empty if the source was never read."""
    row = tx.conn.execute(_STATES.where(sources.c.name == name)).first()
    return SourceState(name=name) if row is None else _state(row)


def states(tx: Tx) -> dict[str, SourceState]:
    """Every source that was ever claimed or read, by name."""
    return {row.name: _state(row) for row in tx.conn.execute(_STATES.order_by(sources.c.name))}


def claim(tx: Tx, name: str, lease: str, seconds: float, *, node: str | None = None, due: str | None = None) -> bool:
    """Lease the source for ``seconds``; False if another lease on it has not expired. The caller's own is renewed.

    ``due``: only if it is due by this timing, so that of many nodes that wait for the same time one reads, and none
    that goes by older definitions. ``node`` is noted as the one that read it last.
    """
    until = tx.now + round(seconds * 1_000_000)
    statement = tx.dialect.insert(sources).values(name=name, lease=lease, lease_until=until, node=node)
    free = or_(
        sources.c.lease.is_(None),
        sources.c.lease_until <= tx.now,
        sources.c.lease == statement.excluded.lease,
    )
    if due is not None:
        free &= or_(sources.c.next_run_at.is_(None), sources.c.next_run_at <= tx.now)
        free &= or_(sources.c.timing.is_(None), sources.c.timing == due)
    taken = {one: statement.excluded[one] for one in ("lease", "lease_until", *(("node",) if node else ()))}
    statement = statement.on_conflict_do_update(index_elements=[sources.c.name], set_=taken, where=free)
    return tx.conn.execute(statement.returning(sources.c.name)).first() is not None


def renew(tx: Tx, name: str, lease: str, seconds: float) -> bool:
    """Renew the lease for ``seconds``; False if another process has it by now."""
    statement = update(sources).where(sources.c.name == name, sources.c.lease == lease)
    until = tx.now + round(seconds * 1_000_000)
    return tx.conn.execute(statement.values(lease_until=until).returning(sources.c.name)).first() is not None


def forget_leases(tx: Tx) -> None:
    """Release the leases of a process that ended; only on SQLite, where one service runs at a time.

    A reading that another command has under way beside it is refused at its end, and nothing is lost.
    """
    if tx.dialect.single_writer:
        tx.conn.execute(update(sources).where(sources.c.lease.is_not(None)).values(lease=None, lease_until=None))


def hold(tx: Tx, name: str, lease: str) -> None:
    """Raise Conflict if the lease is no longer the source's own; if it is, it stays so until the transaction ends.

    The log must be held already: whoever records locks it first, and each would wait for the other.
    """
    statement = select(sources.c.lease).where(sources.c.name == name).with_for_update()
    if tx.conn.execute(statement).scalar() != lease:
        raise Conflict(f"source {name!r} was taken over by another process; what this one read is dropped")


def release(tx: Tx, name: str, lease: str) -> None:
    """Release the source; does nothing if another process has leased it meanwhile."""
    statement = update(sources).where(sources.c.name == name, sources.c.lease == lease)
    tx.conn.execute(statement.values(lease=None, lease_until=None))


def succeeded(
    tx: Tx,
    name: str,
    *,
    bookmark: Mapping[str, Any],
    profile_digest: str | None = None,
    items: int = 0,
    events: int = 0,
    next_run_at: datetime | None = None,
    timing: str | None = None,
) -> None:
    """Record a successful reading, which saw ``items`` and made ``events``. It ends a row of failures.

    The source is due again at ``next_run_at``, unless its timing is no longer ``timing``: then the due time stays.
    """
    due = micros(next_run_at)
    found = {
        "bookmark": dump(dict(bookmark)),
        "profile_digest": profile_digest,
        "loaded": True,
        "failures": 0,
        "last_success_at": tx.now,
        "items": items,
        "events": events,
    }
    statement = tx.dialect.insert(sources).values(name=name, timing=timing, next_run_at=due, **found)
    changed = {**found, **_due(due, timing)}
    tx.conn.execute(statement.on_conflict_do_update(index_elements=[sources.c.name], set_=changed))


def refused(tx: Tx, name: str, found: Refusals) -> None:
    """Replace what is recorded as refused of the source."""
    statement = tx.dialect.insert(refusals).values(source=name, data=found.model_dump_json())
    tx.conn.execute(
        statement.on_conflict_do_update(index_elements=[refusals.c.source], set_={"data": statement.excluded.data})
    )


def failed(
    tx: Tx, name: str, error: str, next_run_at: datetime | None, *, failures: int = 1, timing: str | None = None
) -> int:
    """Record a failed reading; returns how many failed in a row. The bookmark stays.

    ``failures`` is how many to add to that; ``timing`` as in :func:`succeeded`.
    """
    # Locked before the source, as recording does: an event may follow, and each would wait for the other.
    log.lock(tx)
    due, told = micros(next_run_at), {"last_error_at": tx.now, "last_error": error}
    statement = tx.dialect.insert(sources).values(name=name, failures=failures, next_run_at=due, timing=timing, **told)
    counted = {"failures": sources.c.failures + failures, **told, **_due(due, timing)}
    statement = statement.on_conflict_do_update(index_elements=[sources.c.name], set_=counted)
    return int(tx.conn.execute(statement.returning(sources.c.failures)).scalar_one())


def timings(tx: Tx) -> dict[str, str | None]:
    """The timing by which each source's due time was set, by the source's name; see ``ingest/duetimes.py``."""
    return {row[0]: row[1] for row in tx.conn.execute(select(sources.c.name, sources.c.timing))}


@dataclass(frozen=True, slots=True)
class Place:
    """A source's place in the timetable: when it is due (None: at once), and by what timing."""

    name: str
    timing: str
    due: datetime | None


def place(tx: Tx, places: Sequence[Place]) -> None:
    """Put sources whose timing is new into the timetable, unless another process has done so already."""
    if not places:
        return
    statement = tx.dialect.insert(sources)
    statement = statement.on_conflict_do_update(
        index_elements=[sources.c.name],
        set_={"timing": statement.excluded.timing, "next_run_at": statement.excluded.next_run_at},
        where=sources.c.timing.is_distinct_from(statement.excluded.timing),
    )
    # By name, so that two processes lock the rows in the same order.
    rows = [
        {"name": one.name, "timing": one.timing, "next_run_at": micros(one.due)}
        for one in sorted(places, key=lambda one: one.name)
    ]
    tx.conn.execute(statement, rows)


def bring_forward(tx: Tx, places: Sequence[Place], *, also_failing: bool) -> None:
    """Have sources be due at these times at the latest, as far as they go by these timings; ``also_failing``: also
    those that wait after a failure."""
    for one in sorted(places, key=lambda one: one.name):
        due = micros(one.due)
        later = [sources.c.name == one.name, sources.c.timing == one.timing, sources.c.next_run_at > due]
        if not also_failing:
            later.append(sources.c.failures == 0)
        tx.conn.execute(update(sources).where(*later).values(next_run_at=due))


@dataclass(frozen=True, slots=True)
class Due:
    """A source that is due, or soon will be: at a time, in ``wait`` seconds (None for both: at once).

    ``taken``: whether it is being read.
    """

    name: str
    timing: str | None
    at: int | None
    wait: float | None
    taken: bool


def due_within(tx: Tx, seconds: float) -> tuple[datetime, list[Due]]:
    """The present time, and the sources that are due within these seconds, those that have been due longest first."""
    horizon = tx.now + round(seconds * 1_000_000)
    found = select(sources.c.name, sources.c.timing, sources.c.next_run_at, sources.c.lease_until)
    near = or_(sources.c.next_run_at.is_(None), sources.c.next_run_at <= horizon)
    rows = tx.conn.execute(found.where(near).order_by(sources.c.next_run_at, sources.c.name))
    return clock.from_micros(tx.now), [
        Due(name, timing, at, None if at is None else (at - tx.now) / 1e6, taken=until is not None and until > tx.now)
        for name, timing, at, until in rows
    ]


def taken(tx: Tx) -> dict[str, str]:
    """The lease of each source that is being read, by the source's name."""
    held = select(sources.c.name, sources.c.lease).where(sources.c.lease_until > tx.now)
    return {row[0]: row[1] for row in tx.conn.execute(held.order_by(sources.c.name))}


def _due(next_run_at: int | None, timing: str | None) -> dict[str, Any]:
    """The columns that say when it is due, for an update by the process that read it by this timing."""
    if timing is None:
        return {"next_run_at": next_run_at}
    own = or_(sources.c.timing.is_(None), sources.c.timing == timing)
    return {
        "next_run_at": case((own, cast(next_run_at, BigInteger)), else_=sources.c.next_run_at),
        "timing": func.coalesce(sources.c.timing, timing),
    }


_STATES = select(sources, refusals.c.data.label("refusals")).outerjoin(refusals, refusals.c.source == sources.c.name)


def _state(row: AnyRow) -> SourceState:
    return SourceState(
        name=row.name,
        bookmark=load(row.bookmark),
        profile_digest=row.profile_digest,
        loaded=row.loaded,
        failures=row.failures,
        last_success_at=moment(row.last_success_at),
        last_error_at=moment(row.last_error_at),
        last_error=row.last_error,
        next_run_at=moment(row.next_run_at),
        node=row.node,
        items=row.items,
        events=row.events,
        refusals=Refusals.model_validate_json(row.refusals) if row.refusals else Refusals(),
    )
