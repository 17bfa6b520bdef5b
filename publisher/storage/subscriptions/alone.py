"""Taking rows of subscriptions that asked for an order, for batches or for a throttle: see :class:`Options`.

In order
    Of each run the open row with the lowest number goes first, and those behind it wait until it is settled. Live
    events and replays do not wait for each other.

In batches
    Rows are gathered until there are enough or the first has waited for long enough; then they are given a number,
    by which they stay together over every attempt. What is cancelled meanwhile is left out.

Throttled
    Of the open ``indicator.updated`` of one indicator the last is kept, the others are cancelled as superseded; and it
    waits until so much time has passed since the one before was taken. What is sent again is neither held back nor
    superseded: someone asked for each of it.

What is taken is under a lease, as in ``queue.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, NamedTuple

from sqlalchemy import Select, select

from publisher.model import DeliveryState, EventType
from publisher.model.options import Batch, Options
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import deliveries as table
from publisher.storage.engine.tables import events, matches
from publisher.storage.subscriptions import holds
from publisher.storage.subscriptions.deliveries import PARKED

LOOKED_AT = 2048
"""Open rows of one subscription that are looked at, at most."""

AHEAD = 32
"""Rows that are taken ahead of what can be sent, for one that is sent to one at a time."""

SUPERSEDED = "superseded"
"""The reason of what a later event of the same item has overtaken."""

_LATER_MICROS = 50_000
"""How long to leave alone what another transaction, or this sender's own last attempt, holds just now."""

Groups = list[list[int]]
"""Rows (their ids) that are sent together, each group in the order of the log."""


@dataclass(slots=True)
class Reached:
    """What a sender remembers of a subscription between two takings, so that neither reads what is settled long ago.

    ``seq`` is the first event that may be open in the live run. ``sent_at`` is when the last ``indicator.updated`` of
    each indicator was taken (microseconds); None while that is to be read.
    """

    seq: int = 0
    sent_at: MutableMapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows that were taken, in groups that are sent together; ``due`` is when there is more (microseconds)."""

    groups: Groups = field(default_factory=list)
    due: int | None = None


class _Open(NamedTuple):
    id: int
    seq: int
    run: int
    state: str
    due_at: int
    created_at: int
    batch: int | None
    attempts: int
    type: str
    subject: str

    def held(self, now: int) -> bool:
        """Whether it is under a lease that holds."""
        return self.state == DeliveryState.SENDING.value and self.due_at > now

    @property
    def stands(self) -> bool:
        """Whether it stands still: nobody knows for how long."""
        return self.due_at >= PARKED // 2


def take(tx: Tx, n: int, options: Options, reached: Reached, *, room: int, lease: str, seconds: float) -> Chosen:
    """Take what subscription ``n`` may be sent next, up to ``room`` requests, for ``seconds`` by the database's clock.

    ``lease`` must be new each time.
    """
    tx.dialect.begin_claim(tx.conn)
    found = _without_held(tx, _open_rows(tx, n, options, reached))
    if options.throttle is not None:
        found, waiting = _throttled(tx, n, found, options.throttle, reached)
    else:
        waiting = []
    if options.ordered:
        groups, due = _in_order(tx.now, found, options.batch, room)
    elif options.batch is not None:
        groups, due = _gathered(tx.now, found, options.batch, room)
    else:
        free = [one for one in found if one.due_at <= tx.now]
        groups, due = [[one] for one in free[:room]], _first([one.due_at for one in found if one not in free])
        due = tx.now if len(free) > room else due
    _number(tx, groups)
    _lease(tx, [one.id for group in groups for one in group], lease, seconds)
    _note(tx.now, groups, options, reached)
    due = _first([at for at in (due, *waiting) if at is not None])
    return Chosen([[one.id for one in group] for group in groups], due)


def probe(tx: Tx, n: int, *, newest: bool, lease: str, seconds: float) -> list[int]:
    """Take one group of a subscription that is sent batches, whenever it is due: the oldest or newest that is free."""
    tx.dialect.begin_claim(tx.conn)
    found = [one for one in _open_rows(tx, n, Options(), Reached()) if one.due_at < PARKED // 2]
    free = [one for one in found if not one.held(tx.now)]
    if not free:
        return []
    head = max(free) if newest else min(free)
    group = [head] if head.batch is None else [one for one in free if one.batch == head.batch]
    _number(tx, [group])
    _lease(tx, [one.id for one in group], lease, seconds)
    return [one.id for one in group]


def _without_held(tx: Tx, found: list[_Open]) -> list[_Open]:
    """These rows, those of them put aside that an operator holds: before any is chosen, since what is behind one in
    order waits for it, and no value gives way to one that may never be sent.
    """
    aside = holds.park(tx, [one.id for one in found if one.due_at <= tx.now])
    if not aside:
        return found
    own = select(table.c.id, table.c.due_at).where(tx.dialect.among(table.c.id, aside))
    # Where its hold is ended just now, it is looked at again soon.
    at = {row.id: max(row.due_at, tx.now + _LATER_MICROS) for row in tx.conn.execute(own)}
    return [one._replace(due_at=at.get(one.id, one.due_at)) for one in found]


def _open_rows(tx: Tx, n: int, options: Options, reached: Reached) -> list[_Open]:
    """The open rows that come next, locked until the transaction ends: those of an ordered one in its order, others by
    when they are due.
    """
    own = (table.c.subscription == n) & table.c.due_at.is_not(None)
    if not options.ordered:
        return _locked(tx, select(table.c.id).where(own).order_by(table.c.due_at, table.c.id).limit(LOOKED_AT))
    live = own & (table.c.run == 0) & (table.c.seq >= reached.seq)
    most = AHEAD if options.batch is None else max(AHEAD, options.batch.max)
    most = LOOKED_AT if options.throttle is not None else most
    found = _locked(tx, select(table.c.id).where(live).order_by(table.c.seq).limit(most))
    reached.seq = min((one.seq for one in found), default=reached.seq)
    replayed = own & (table.c.run > 0)
    return found + _locked(tx, select(table.c.id).where(replayed).order_by(table.c.run, table.c.seq).limit(most))


def _locked(tx: Tx, which: Select[int]) -> list[_Open]:
    ids = tx.conn.execute(which).scalars().all()
    if not ids:
        return []
    matched = (matches.c.seq == table.c.seq) & (matches.c.filter_id == table.c.filter_id)
    statement = (
        select(
            table.c.id, table.c.seq, table.c.run, table.c.state, table.c.due_at, table.c.created_at, table.c.batch,
            table.c.attempts, matches.c.type, events.c.subject,
        )
        .join(matches, matched)
        .join(events, events.c.seq == table.c.seq)
        .where(tx.dialect.among(table.c.id, ids), table.c.due_at.is_not(None))
        .order_by(table.c.id)
        .with_for_update(of=table)
    )  # fmt: skip
    place = {id_: at for at, id_ in enumerate(ids)}
    found = [_Open._make(row) for row in tx.conn.execute(statement)]
    return sorted(found, key=lambda one: place[one.id])


def _in_order(now: int, found: Sequence[_Open], batch: Batch | None, room: int) -> tuple[list[list[_Open]], int | None]:
    groups: list[list[_Open]] = []
    dues: list[int] = []
    for replayed in (False, True):
        rest = [one for one in found if (one.run > 0) is replayed]
        while rest and len(groups) < room:
            group, due = _head(now, rest, batch)
            if not group:
                dues += [] if due is None else [due]
                break
            groups.append(group)
            rest = rest[len(group) :]
        else:
            dues += [now] if rest else []
    return groups, _first(dues)


def _head(now: int, rest: Sequence[_Open], batch: Batch | None) -> tuple[list[_Open], int | None]:
    """The group that comes first, or when it may be taken."""
    head = rest[0]
    if head.due_at > now:
        return [], head.due_at
    if head.batch is not None and batch is not None:
        group = list(takewhile(lambda one: not one.stands, (one for one in rest if one.batch == head.batch)))
        return (group, None) if all(one.due_at <= now for one in group) else ([], now + _LATER_MICROS)
    if batch is None:
        return [head], None
    group = []
    for one in rest[: batch.max]:
        if one.batch is not None or one.due_at > now:
            break
        group.append(one)
    return _ripe(now, group, batch)


def _gathered(now: int, found: Sequence[_Open], batch: Batch, room: int) -> tuple[list[list[_Open]], int | None]:
    groups: list[list[_Open]] = []
    dues = [one.due_at for one in found if one.due_at > now]
    numbered: dict[int, list[_Open]] = {}
    for one in found:
        if one.batch is not None and not one.stands:
            numbered.setdefault(one.batch, []).append(one)
    for group in numbered.values():
        if all(one.due_at <= now for one in group):
            groups.append(sorted(group, key=_place))
        elif any(one.due_at <= now for one in group):  # the rest of it is being settled
            dues.append(now + _LATER_MICROS)
    loose = sorted((one for one in found if one.batch is None and one.due_at <= now), key=_place)
    for replayed in (False, True):  # apart, since both may have the same event
        free = [one for one in loose if (one.run > 0) is replayed]
        while free:
            group, due = _ripe(now, free[: batch.max], batch)
            free = free[batch.max :]
            if group:
                groups.append(group)
            elif due is not None:
                dues.append(due)
    return groups[:room], now if len(groups) > room else _first(dues)


def _ripe(now: int, group: list[_Open], batch: Batch) -> tuple[list[_Open], int | None]:
    """The group, if it is full or its first row has waited for long enough; else when it will have."""
    until = min(one.created_at for one in group) + round(batch.wait * 1e6)
    return (group, None) if len(group) >= batch.max or until <= now else ([], until)


def _throttled(
    tx: Tx, n: int, found: Sequence[_Open], throttle: float, reached: Reached
) -> tuple[list[_Open], list[int]]:
    """What is left, and when the indicators that are to wait may be sent."""
    if reached.sent_at is None:
        reached.sent_at = _sent_at(tx, n, throttle)
    length = round(throttle * 1e6)
    reached.sent_at = {subject: at for subject, at in reached.sent_at.items() if at + length > tx.now}
    values = [one for one in found if one.type == EventType.INDICATOR_UPDATED.value and not one.run and not one.stands]
    last: dict[str, _Open] = {one.subject: one for one in sorted(values, key=_place)}
    throttled = {one.id for one in values if not one.held(tx.now)}
    overtaken = []
    left, waiting = [], []
    for one in found:
        if one.id not in throttled:
            left.append(one)
        elif one is not last[one.subject]:
            overtaken.append(one.id)
        elif one.attempts == 0 and (at := reached.sent_at.get(one.subject)) is not None:
            waiting.append(max(at + length, one.due_at))
        else:
            left.append(one)
    _supersede(tx, overtaken)
    return left, waiting


def _sent_at(tx: Tx, n: int, throttle: float) -> dict[str, int]:
    """When the last value of each indicator was taken by its receiver, as far as that is not too long ago to matter."""
    newest = (
        select(table.c.id).where(table.c.subscription == n, table.c.run == 0).order_by(table.c.seq.desc())
        .limit(LOOKED_AT)
    )  # fmt: skip
    matched = (matches.c.seq == table.c.seq) & (matches.c.filter_id == table.c.filter_id)
    statement = (
        select(events.c.subject, table.c.settled_at)
        .join(matches, matched)
        .join(events, events.c.seq == table.c.seq)
        .where(table.c.id.in_(newest), table.c.state == DeliveryState.DELIVERED.value)
        .where(matches.c.type == EventType.INDICATOR_UPDATED.value)
        .where(table.c.settled_at > tx.now - round(throttle * 1e6))
        .order_by(table.c.settled_at)
    )
    return {row.subject: row.settled_at for row in tx.conn.execute(statement)}


def _supersede(tx: Tx, ids: Collection[int]) -> None:
    if ids:
        ended = {"state": DeliveryState.CANCELLED.value, "reason": SUPERSEDED, "due_at": None, "settled_at": tx.now}
        tx.conn.execute(table.update().where(tx.dialect.among(table.c.id, ids)).values(**ended, lease=None))


def _number(tx: Tx, groups: Iterable[Sequence[_Open]]) -> None:
    """Have those that are sent together for the first time stay together: by the id of the first."""
    for group in groups:
        if len(group) > 1 and group[0].batch is None:
            own = tx.dialect.among(table.c.id, [one.id for one in group])
            tx.conn.execute(table.update().where(own).values(batch=group[0].id))


def _lease(tx: Tx, ids: Collection[int], lease: str, seconds: float) -> None:
    if ids:
        taken: Mapping[str, Any] = {"state": DeliveryState.SENDING.value, "lease": lease}
        until = tx.now + round(seconds * 1e6)
        tx.conn.execute(table.update().where(tx.dialect.among(table.c.id, ids)).values(**taken, due_at=until))


def _note(now: int, groups: Iterable[Sequence[_Open]], options: Options, reached: Reached) -> None:
    if options.throttle is not None and reached.sent_at is not None:
        for one in (one for group in groups for one in group):
            if one.type == EventType.INDICATOR_UPDATED.value and one.run == 0:
                reached.sent_at[one.subject] = now


def _place(one: _Open) -> tuple[int, int]:
    return one.run, one.seq


def _first(dues: Sequence[int]) -> int | None:
    return min(dues, default=None)
