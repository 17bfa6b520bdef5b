"""Replays: events that are sent to one subscription once more, as a run of their own.

A replay has a filter that nobody else has, so that what each event was to it is stored as it is for all filters
(``matches``). First every event of its stretch is judged, a page at a time (``delivery/followers/replaying.py``), and
what it takes is noted in ``replay_events``. From there a few at a time are made rows of ``deliveries``, at its rate and
never more than :data:`OPEN` open: whatever is open may be read by senders, and a backlog costs them.

Each step is one transaction that locks the replay, so that of two processes one does it, and a kill leaves what was
before. That a row is made and its event is taken off the list are one transaction, and a row is unique for event,
subscription and run: so nothing is lost or doubled.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any

import orjson
from sqlalchemy import ColumnElement, delete, func, insert, select, update

from publisher import clock
from publisher.errors import Conflict, NotFound
from publisher.model import Cause, DeliveryState, Filter, Match, Subscription, SubscriptionState
from publisher.model.replay import Replay, ReplayState, Which
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import cursors, deliveries, events, matches, replay_events, subscriptions
from publisher.storage.engine.tables import filters as filters_table
from publisher.storage.engine.tables import replays as table
from publisher.storage.engine.values import AnyRow, moment
from publisher.storage.subscriptions import again, filters, stretches, wakes
from publisher.storage.subscriptions import subscriptions as subscriptions_
from publisher.storage.subscriptions.deliveries import cancel_run

OPEN = 500
"""Deliveries of a replay that are open at most."""

RATE = 50
"""Deliveries a second, unless another rate is asked for."""

MOST = 20
"""Replays of one subscription that are not over, at most."""

STOPPED = "replay"
"""Why deliveries of a replay are cancelled: it was."""

_OPEN = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.RETRYING)
_LIVE = table.c.ended_at.is_(None)


def create(
    tx: Tx, id: str, *, only: Which, since: int, until: int, filter: Filter, public: bool, rate: int, by: str
) -> Replay:
    """A new replay of the events ``since`` to ``until`` to the subscription ``id``, by this filter.

    What events were to the filter that the subscription follows by goes for this one, if it is the same. Raises
    NotFound where that is not there, Conflict where it is not active or has too many.
    """
    n = active(tx, id)
    count = select(func.count()).select_from(table).where(table.c.subscription == n, _LIVE)
    if tx.conn.execute(count).scalar_one() >= MOST:
        raise Conflict(f"the webhook has {MOST} replays that are not over; cancel one, or wait until one is done")
    name = "rp_" + secrets.token_urlsafe(12)
    text = filters.definition(filter, public=public)
    now = select(filters_table.c.id, filters_table.c.definition).join(
        subscriptions, subscriptions.c.filter_id == filters_table.c.id
    )
    followed_by = tx.conn.execute(now.where(subscriptions.c.n == n)).one()
    same = filters.canonical(filters.read(followed_by.definition)) == filters.canonical(filter)
    definition = {**orjson.loads(text), "replay": name, "like": followed_by.id if same else None}
    stored = insert(filters_table).values(definition=orjson.dumps(definition).decode()).returning(filters_table.c.id)
    row = {
        "id": name, "subscription": n, "run": again.new_run(tx, n), "only": only.value, "since_seq": since,
        "until_seq": until, "filter_id": tx.conn.execute(stored).scalar_one(), "rate": rate,
        "state": ReplayState.RUNNING.value, "judged": since - 1, "by": by, "created_at": tx.now, "updated_at": tx.now,
    }  # fmt: skip
    tx.conn.execute(insert(table).values(row))
    return existing(tx, id, name)


def active(tx: Tx, id: str) -> int:
    """The number of a subscription that can be sent to now, locked until the transaction ends.

    Raises NotFound, or Conflict with the words why it cannot.
    """
    columns = (subscriptions.c.n, subscriptions.c.state, subscriptions.c.reason)
    row = tx.conn.execute(select(*columns).where(subscriptions.c.id == id).with_for_update()).first()
    if row is None or row.state == SubscriptionState.DELETED.value:
        raise NotFound(f"there is no webhook {id!r}")
    if row.state != SubscriptionState.ACTIVE.value:
        advice = "; enable it first" if row.state == SubscriptionState.DISABLED.value else "; it goes on by itself"
        why = f": {row.reason}" if row.reason else ""
        raise Conflict(f"the webhook is {row.state}{why}{advice}")
    return int(row.n)


def get(tx: Tx, subscription: str, id: str) -> Replay | None:
    """A replay of a subscription, by both ids."""
    row = tx.conn.execute(_SELECT.where(subscriptions.c.id == subscription, table.c.id == id)).first()
    return None if row is None else _replay(tx, row)


def existing(tx: Tx, subscription: str, id: str) -> Replay:
    """As :func:`get`; raises NotFound."""
    found = get(tx, subscription, id)
    if found is None:
        raise NotFound(f"the webhook has no replay {id!r}")
    return found


def page(tx: Tx, subscription: str, *, limit: int, before: int | None = None) -> tuple[list[Replay], int | None]:
    """Up to ``limit`` replays of a subscription, newest first, and the ``before`` of those that follow, if any do."""
    own = _SELECT.where(subscriptions.c.id == subscription)
    if before is not None:
        own = own.where(table.c.n < before)
    rows = tx.conn.execute(own.order_by(table.c.n.desc()).limit(limit + 1)).all()
    return [_replay(tx, row) for row in rows[:limit]], rows[limit - 1].n if len(rows) > limit else None


def pause(tx: Tx, subscription: str, id: str) -> Replay:
    """Make no further deliveries until :func:`resume`. Raises NotFound, or Conflict once it is over."""
    return _put(tx, subscription, id, ReplayState.PAUSED)


def resume(tx: Tx, subscription: str, id: str) -> Replay:
    """Go on. Raises NotFound, or Conflict once it is over."""
    return _put(tx, subscription, id, ReplayState.RUNNING)


def cancel(tx: Tx, subscription: str, id: str) -> Replay:
    """Make no further deliveries, and cancel those that are open. Raises NotFound, or Conflict where it is done."""
    row = _held(tx, subscription, id)
    if row.state != ReplayState.CANCELLED.value:
        _not_over(row)
        end(tx, row, STOPPED)
    return existing(tx, subscription, id)


def end(tx: Tx, row: AnyRow, reason: str) -> None:
    """Cancel a replay (its row, which is locked): what has no delivery counts as cancelled too."""
    left = tx.conn.execute(delete(replay_events).where(replay_events.c.replay == row.n)).rowcount
    cancel_run(tx, row.subscription, row.run, reason)
    _change(
        tx, row.n, state=ReplayState.CANCELLED.value, reason=reason, ended_at=tx.now,
        cancelled=table.c.cancelled + left,
    )  # fmt: skip


def open_in(tx: Tx, lanes: Collection[int]) -> list[AnyRow]:
    """The replays that are not over of subscriptions in these lanes, oldest first."""
    statement = _ROW.join(subscriptions, subscriptions.c.n == table.c.subscription)
    statement = statement.where(_LIVE, tx.dialect.among(subscriptions.c.lane, lanes))
    return list(tx.conn.execute(statement.order_by(table.c.n)))


def hold(tx: Tx, n: int) -> AnyRow | None:
    """Lock a replay (its ``n``) and its subscription; None where another process has it, or it is over."""
    own = tx.conn.execute(select(table.c.subscription).where(table.c.n == n)).scalar_one_or_none()
    if own is None:
        return None
    locked = select(subscriptions.c.n).where(subscriptions.c.n == own).with_for_update()
    tx.conn.execute(locked)
    return tx.conn.execute(_ROW.where(table.c.n == n, _LIVE).with_for_update(skip_locked=True)).first()


def stopped(tx: Tx, row: AnyRow) -> str | None:
    """Why nothing of a replay may be sent any more: its subscription has ended, or lost its right; else None."""
    columns = (subscriptions.c.state, subscriptions.c.cause)
    one = tx.conn.execute(select(*columns).where(subscriptions.c.n == row.subscription)).one()
    if one.cause == Cause.ACCESS.value:
        return str(one.cause)
    return str(one.state) if one.state in {SubscriptionState.DISABLED.value, SubscriptionState.DELETED.value} else None


def holder(tx: Tx, row: AnyRow) -> Subscription:
    """The subscription of a replay. Raises NotFound where it was deleted."""
    id_ = tx.conn.execute(select(subscriptions.c.id).where(subscriptions.c.n == row.subscription)).scalar_one()
    return subscriptions_.existing(tx, id_)


def filter_of(tx: Tx, row: AnyRow) -> tuple[Filter, int | None]:
    """The filter of a replay, and the one (its id) by which its subscription followed, if that was the same."""
    own = select(filters_table.c.definition).where(filters_table.c.id == row.filter_id)
    text = tx.conn.execute(own).scalar_one()
    return filters.read(text), orjson.loads(text)["like"]


def followed(tx: Tx, id: str) -> int:
    """The filter (its id) by which a subscription follows now."""
    return int(tx.conn.execute(select(subscriptions.c.filter_id).where(subscriptions.c.id == id)).scalar_one())


def failed(tx: Tx, row: AnyRow, limit: int, until: int) -> dict[int, int]:
    """The next events of a replay, up to ``until``, that failed: the filter that each matched, by ``seq``. At most
    ``limit``.
    """
    own = select(deliveries.c.seq, deliveries.c.filter_id).where(
        _failed(row.subscription), deliveries.c.seq > row.judged, deliveries.c.seq <= until
    )
    rows = tx.conn.execute(own.order_by(deliveries.c.seq).limit(limit))
    return {row.seq: row.filter_id for row in rows}


def cut_off(tx: Tx, n: int, first: int, last: int) -> list[int]:
    """The events of a stretch of the log that were cancelled since this subscription (its ``n``) was disabled, and
    have not arrived since.
    """
    own = _failed(n) & (deliveries.c.state == DeliveryState.CANCELLED.value) & deliveries.c.seq.between(first, last)
    return list(tx.conn.execute(select(deliveries.c.seq).where(own).order_by(deliveries.c.seq)).scalars())


def _failed(n: int) -> ColumnElement[bool]:
    """What was sent as it happened and is dead, or was cancelled since its subscription was disabled, and has not
    arrived in a later run.
    """
    later = deliveries.alias()
    arrived = select(later.c.id).where(
        later.c.subscription == n, later.c.seq == deliveries.c.seq, later.c.run > 0,
        later.c.state == DeliveryState.DELIVERED.value,
    )  # fmt: skip
    unheard = func.coalesce(deliveries.c.reason, "") != again.RESENT
    dead = (deliveries.c.state == DeliveryState.DEAD.value) & unheard
    cut = (deliveries.c.state == DeliveryState.CANCELLED.value) & (
        deliveries.c.reason == SubscriptionState.DISABLED.value
    )
    return (deliveries.c.subscription == n) & (deliveries.c.run == 0) & (dead | cut) & ~arrived.exists()


def stored(tx: Tx, seqs: Collection[int], filter_ids: Collection[int]) -> dict[tuple[int, int], AnyRow]:
    """What these events were to these filters, as it is stored, by event and filter."""
    own = tx.dialect.among(matches.c.seq, seqs) & tx.dialect.among(matches.c.filter_id, filter_ids)
    return {(row.seq, row.filter_id): row for row in tx.conn.execute(select(matches).where(own))}


def take(tx: Tx, row: AnyRow, upto: int, found: Mapping[int, Match]) -> None:
    """Note that a replay (its row, which is locked) has judged every event up to ``upto``, and takes these."""
    taken = [
        {
            "seq": seq, "filter_id": row.filter_id, "type": match.type.value, "change": match.change.value,
            "summary": match.summary,
        }
        for seq, match in sorted(found.items())
    ]  # fmt: skip
    if taken:
        tx.conn.execute(tx.dialect.insert(matches).on_conflict_do_nothing(), taken)
        listed = [{"replay": row.n, "seq": one["seq"]} for one in taken]
        tx.conn.execute(insert(replay_events), listed)
    _change(tx, row.n, judged=upto, matched=table.c.matched + len(taken))


def ready(tx: Tx, row: AnyRow) -> bool:
    """Whether there is anything to be done for a replay: a delivery to be made, or its end to be noted."""
    if stopped(tx, row) is not None:
        return True
    if row.state != ReplayState.RUNNING.value:
        return False
    open_ = sum(again.counts(tx, row.subscription, row.run).get(state, 0) for state in _OPEN)
    listed = tx.conn.execute(select(replay_events.c.seq).where(replay_events.c.replay == row.n).limit(1)).first()
    return open_ < OPEN if listed else not open_ and row.judged >= row.until_seq


def advance(tx: Tx, row: AnyRow, most: int) -> int:
    """Make the next deliveries of a replay (its row, which is locked), up to ``most``; returns how many.

    One that has nothing left, and nothing open, is done.
    """
    counted = again.counts(tx, row.subscription, row.run)
    open_ = sum(counted.get(state, 0) for state in _OPEN)
    room = max(0, min(most, OPEN - open_)) if row.state == ReplayState.RUNNING.value else 0
    own = select(replay_events.c.seq).where(replay_events.c.replay == row.n)
    seqs = list(tx.conn.execute(own.order_by(replay_events.c.seq).limit(max(room, 1))).scalars())
    if not seqs:
        if not open_ and row.judged >= row.until_seq and row.state == ReplayState.RUNNING.value:
            _change(tx, row.n, state=ReplayState.DONE.value, ended_at=tx.now)
        return 0
    if not room:
        return 0
    # The log's oldest events go under the lock on this: none of these does before its row holds it.
    tx.conn.execute(select(cursors.c.seq).where(cursors.c.name == "pruned").with_for_update())
    kept = set(tx.conn.execute(select(events.c.seq).where(tx.dialect.among(events.c.seq, seqs))).scalars())
    made = again.add_rows(tx, row.subscription, row.run, row.filter_id, [seq for seq in seqs if seq in kept])
    gone = len(seqs) - len(kept)
    taken = (replay_events.c.replay == row.n) & tx.dialect.among(replay_events.c.seq, seqs)
    tx.conn.execute(delete(replay_events).where(taken))
    _change(tx, row.n, made=table.c.made + made, cancelled=table.c.cancelled + gone)
    if made:
        wakes.wake(tx, [row.subscription])
    return made


def accounts(tx: Tx) -> list[tuple[str, int, dict[str, int]]]:
    """For every replay: its id, how many it matched, and how many of these are what: settled, open, or without a
    delivery yet. The second is the sum of the third.
    """
    found = []
    waiting = select(replay_events.c.replay, func.count()).group_by(replay_events.c.replay)
    left = {row[0]: row[1] for row in tx.conn.execute(waiting)}
    for row in tx.conn.execute(_ROW.order_by(table.c.n)):
        states = {state.value: count for state, count in again.counts(tx, row.subscription, row.run).items()}
        for name in ("delivered", "dead", "cancelled"):
            states[name] = states.get(name, 0) + getattr(row, name)
        found.append((row.id, row.matched, {**states, "waiting": left.get(row.n, 0)}))
    return found


def fanned_out(tx: Tx) -> int:
    """The last event that every follower was told of as it happened: no further is judged for a replay."""
    return stretches.place(tx)[0]


def _put(tx: Tx, subscription: str, id: str, state: ReplayState) -> Replay:
    row = _held(tx, subscription, id)
    _not_over(row)
    _change(tx, row.n, state=state.value)
    return existing(tx, subscription, id)


def _held(tx: Tx, subscription: str, id: str) -> AnyRow:
    locked = select(subscriptions.c.n).where(subscriptions.c.id == subscription).with_for_update()
    n = tx.conn.execute(locked).scalar_one_or_none()
    row = tx.conn.execute(_ROW.where(table.c.id == id, table.c.subscription == n).with_for_update()).first()
    if row is None:
        raise NotFound(f"the webhook has no replay {id!r}")
    return row


def _not_over(row: AnyRow) -> None:
    if row.ended_at is not None:
        raise Conflict(f"the replay is {row.state}; make another one")


def _change(tx: Tx, n: int, **values: Any) -> None:
    tx.conn.execute(update(table).where(table.c.n == n).values(**values, updated_at=tx.now))


def _replay(tx: Tx, row: AnyRow) -> Replay:
    counted = again.counts(tx, row.subscription, row.run)
    filter = filters.read(row.definition)
    return Replay(
        id=row.id,
        subscription=row.webhook,
        run=row.run,
        only=Which(row.only),
        since_seq=row.since_seq,
        until_seq=row.until_seq,
        rate=row.rate,
        state=ReplayState(row.state),
        reason=row.reason,
        by=row.by,
        feeds=filter.feeds,
        events=tuple(one.value for one in filter.events),
        counted=row.judged >= row.until_seq,
        matched=row.matched,
        sent=row.made,
        delivered=row.delivered + counted.get(DeliveryState.DELIVERED, 0),
        dead=row.dead + counted.get(DeliveryState.DEAD, 0),
        cancelled=row.cancelled + counted.get(DeliveryState.CANCELLED, 0),
        created_at=clock.from_micros(row.created_at),
        updated_at=clock.from_micros(row.updated_at),
        ended_at=moment(row.ended_at),
    )


_ROW = select(table)
_SELECT = (
    select(table, subscriptions.c.id.label("webhook"), filters_table.c.definition)
    .join(subscriptions, subscriptions.c.n == table.c.subscription)
    .join(filters_table, filters_table.c.id == table.c.filter_id)
)
