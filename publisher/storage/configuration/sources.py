"""What is remembered of each source, and which process may read it now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from publisher.model.refusals import Refusals
from publisher.model.source import SourceState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import refusals, sources
from publisher.storage.engine.values import AnyRow, dump, load, micros, moment
from publisher.storage.log import events as log


def state(tx: Tx, name: str) -> SourceState:
    """One source's state; that of a source that was never read has nothing in it."""
    row = tx.conn.execute(_STATES.where(sources.c.name == name)).first()
    return SourceState(name=name) if row is None else _state(row)


def states(tx: Tx) -> dict[str, SourceState]:
    """Every source that was ever claimed or read, by name."""
    return {row.name: _state(row) for row in tx.conn.execute(_STATES.order_by(sources.c.name))}


def claim(tx: Tx, name: str, lease: str, seconds: float) -> bool:
    """Take the source for ``seconds``; False if another lease on it still runs. One's own is renewed."""
    statement = tx.dialect.insert(sources).values(
        name=name, lease=lease, lease_until=tx.now + round(seconds * 1_000_000)
    )
    free = or_(
        sources.c.lease.is_(None),
        sources.c.lease_until <= tx.now,
        sources.c.lease == statement.excluded.lease,
    )
    statement = statement.on_conflict_do_update(
        index_elements=[sources.c.name],
        set_={"lease": statement.excluded.lease, "lease_until": statement.excluded.lease_until},
        where=free,
    )
    return tx.conn.execute(statement.returning(sources.c.name)).first() is not None


def renew(tx: Tx, name: str, lease: str, seconds: float) -> bool:
    """Hold the source for ``seconds`` more; False if the lease is no longer its own."""
    statement = update(sources).where(sources.c.name == name, sources.c.lease == lease)
    until = tx.now + round(seconds * 1_000_000)
    return tx.conn.execute(statement.values(lease_until=until).returning(sources.c.name)).first() is not None


def forget_leases(tx: Tx) -> None:
    """Give back what a process that is no longer there had taken; on SQLite alone, where one service runs at a time.

    A reading that another command has under way beside it is refused at its end, and nothing is lost.
    """
    if tx.dialect.single_writer:
        tx.conn.execute(update(sources).where(sources.c.lease.is_not(None)).values(lease=None, lease_until=None))


def holds(tx: Tx, name: str, lease: str) -> bool:
    """Whether the lease is still the source's own. In a writing transaction, it stays so until the end of that."""
    statement = select(sources.c.lease).where(sources.c.name == name).with_for_update()
    return tx.conn.execute(statement).scalar() == lease


def release(tx: Tx, name: str, lease: str) -> None:
    """Give the source back; does nothing if it has been taken over meanwhile."""
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
) -> None:
    """A reading went well: ``items`` were seen in it and ``events`` came of it. Ends a row of failures."""
    _put(
        tx,
        name,
        bookmark=dump(dict(bookmark)),
        profile_digest=profile_digest,
        loaded=True,
        failures=0,
        last_success_at=tx.now,
        next_run_at=micros(next_run_at),
        items=items,
        events=events,
    )


def refused(tx: Tx, name: str, found: Refusals) -> None:
    """What of the source is refused from now on, in the place of what was before."""
    statement = tx.dialect.insert(refusals).values(source=name, data=found.model_dump_json())
    tx.conn.execute(
        statement.on_conflict_do_update(index_elements=[refusals.c.source], set_={"data": statement.excluded.data})
    )


def failed(tx: Tx, name: str, error: str, next_run_at: datetime | None, *, failures: int = 1) -> int:
    """The source could not be read; returns how many times in a row by now. The bookmark stays.

    ``failures`` is by how many the count rises.
    """
    # As recording does, before the source: an event may follow, and each would wait for the other.
    log.lock(tx)
    fields = {"last_error_at": tx.now, "last_error": error, "next_run_at": micros(next_run_at)}
    statement = tx.dialect.insert(sources).values(name=name, failures=failures, **fields)
    statement = statement.on_conflict_do_update(
        index_elements=[sources.c.name], set_={"failures": sources.c.failures + failures, **fields}
    )
    return int(tx.conn.execute(statement.returning(sources.c.failures)).scalar_one())


def set_next_run(tx: Tx, name: str, at: datetime | None) -> None:
    """When the source is due again; None: as soon as its schedule says."""
    _put(tx, name, next_run_at=micros(at))


def _put(tx: Tx, name: str, **fields: Any) -> None:
    statement = tx.dialect.insert(sources).values(name=name, **fields)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=[sources.c.name], set_=fields))


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
        items=row.items,
        events=row.events,
        refusals=Refusals.model_validate_json(row.refusals) if row.refusals else Refusals(),
    )
