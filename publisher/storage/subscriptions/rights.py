"""Changes of many subscriptions at once: when rights are lost or regained, and when feeds are removed or back.

Which ones is decided before (``permissions.py`` and ``pausing.py`` of ``delivery/followers``). Everything here
happens in the transaction that takes the right away, and under :func:`stretches.hold`: once that is committed no
process claims anything of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import func, select, update

from publisher.model import Cause, Change, EventType, Filter, Match, Role, SubscriptionState
from publisher.storage.access.keys import highest
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import cursors, events, feed_states, filters, follows, matches
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.subscriptions import deliveries, rosters, seats, spilling, stretches, wakes
from publisher.storage.subscriptions import filters as interned

ACTIVE, PAUSED = SubscriptionState.ACTIVE.value, SubscriptionState.PAUSED.value


class Holder(NamedTuple):
    """A subscription that may be told of something; ``public``: by its filter it takes nothing from private feeds."""

    n: int
    filter_id: int
    filter: Filter
    public: bool
    owner: str
    granted: Role | None
    state: SubscriptionState
    cause: Cause | None


def holders(tx: Tx, owner: str | None = None, feeds: Collection[str] | None = None) -> list[Holder]:
    """Subscriptions that are active or paused: all, or an owner's, or those that follow one of these feeds."""
    columns = (table.c.n, table.c.filter_id, table.c.owner, table.c.granted, table.c.state, table.c.cause)
    statement = select(*columns).where(table.c.state.in_((ACTIVE, PAUSED))).order_by(table.c.n)
    if owner is not None:
        statement = statement.where(table.c.owner == owner)
    if feeds is not None:
        every = tx.conn.execute(select(filters.c.id, filters.c.definition))
        naming = [id_ for id_, text in every if not set(feeds).isdisjoint(interned.read(text).feeds)]
        statement = statement.where(tx.dialect.among(table.c.filter_id, naming))
    rows = tx.conn.execute(statement).all()
    stored = select(filters.c.id, filters.c.definition)
    stored = stored.where(tx.dialect.among(filters.c.id, {row.filter_id for row in rows}))
    known = {id_: (interned.read(text), interned.is_public(text)) for id_, text in tx.conn.execute(stored)}
    return [
        Holder(
            row.n, row.filter_id, *known[row.filter_id], row.owner, row.granted and Role(row.granted),
            SubscriptionState(row.state), row.cause and Cause(row.cause),
        )
        for row in rows
    ]  # fmt: skip


def lock(tx: Tx, concerned: Collection[int]) -> None:
    """Lock everything that will be changed, in the order in which settling locks it, before changing any of it."""
    own = tx.dialect.among(table.c.n, concerned)
    tx.conn.execute(select(table.c.n).where(own).order_by(table.c.n).with_for_update())


def judge_again(tx: Tx) -> None:
    """Void what a fan-out has judged and not written yet, since rights have changed."""
    tx.conn.execute(update(cursors).where(cursors.c.name == "access").values(seq=cursors.c.seq + 1))


def grant(tx: Tx, owner: str, role: Role) -> None:
    """Let an owner's subscriptions keep the rights of this role, whatever happens to the owner's keys."""
    present = table.c.state != SubscriptionState.DELETED.value
    theirs = select(table.c.n, table.c.granted).where(table.c.owner == owner, present).order_by(table.c.n)
    rows = tx.conn.execute(theirs.with_for_update()).all()
    for n, granted in rows:
        kept = highest(role, granted and Role(granted))
        tx.conn.execute(update(table).where(table.c.n == n).values(granted=kept and kept.value))


def lose(tx: Tx, lost: Collection[int], reason: str, last: int) -> None:
    """Pause these (their ``n``): open deliveries are cancelled, and no further events match them."""
    seats.leave(tx, lost)
    own = tx.dialect.among(table.c.n, lost)
    tx.conn.execute(
        update(table).where(own).values(
            state=PAUSED, cause=Cause.ACCESS.value, reason=reason, paused_at=tx.now, updated_at=tx.now,
            until_seq=last, owed="access",
        )
    )  # fmt: skip
    theirs = tx.dialect.among(follows.c.subscription, lost)
    is_open = theirs & follows.c.until_seq.is_(None)
    tx.conn.execute(follows.delete().where(is_open, follows.c.from_seq > last))
    tx.conn.execute(update(follows).where(is_open).values(until_seq=last))
    # What is in the log but not fanned out yet is treated like what already has its row.
    tx.conn.execute(update(follows).where(theirs, follows.c.reason.is_(None)).values(reason=Cause.ACCESS.value))
    deliveries.cancel_of(tx, lost, Cause.ACCESS.value)
    wakes.changed(tx)


def regain(tx: Tx, back: Sequence[Holder], *, public: bool, last: int) -> None:
    """Let these go on with the next event, by what their owners' role may follow."""
    for filter, own in _by_filter(back):
        fitting = interned.intern(tx, filter, public=public)
        tx.conn.execute(
            update(table).where(tx.dialect.among(table.c.n, own)).values(
                state=ACTIVE, cause=None, reason=None, paused_at=None, updated_at=tx.now, filter_id=fitting,
                from_seq=last + 1, until_seq=None, owed="access",
            )
        )  # fmt: skip
        tx.conn.execute(
            follows.insert(), [{"subscription": n, "from_seq": last + 1, "filter_id": fitting} for n in own]
        )


def raise_(tx: Tx, risen: Sequence[Holder], last: int) -> None:
    """Let these follow private feeds too, from the next event on."""
    seats.leave(tx, [one.n for one in risen])
    for filter, own in _by_filter(risen):
        fitting = interned.intern(tx, filter, public=False)
        tx.conn.execute(update(table).where(tx.dialect.among(table.c.n, own)).values(filter_id=fitting))
        for n in own:
            stretches.unfollow(tx, n, last)
            stretches.follow(tx, n, fitting, last + 1)


def lower(tx: Tx, fallen: Sequence[Holder], done: int) -> None:
    """Let these follow no private feed any more, in what is in the log and not fanned out yet (above ``done``) either.

    What takes an erased article away, by its id alone, they are still told. :func:`judge_again` belongs to it; what is
    open of them is judged apart.
    """
    concerned = [one.n for one in fallen]
    seats.leave(tx, concerned)
    # Of a half-done event they have theirs already, so they are counted by what it was to them.
    sent = rosters.sent(tx, concerned, done + 1)
    stretches.divide(tx, sent, done + 1)
    for filter, own in _by_filter(fallen):
        fitting = interned.intern(tx, filter, public=True)
        tx.conn.execute(update(table).where(tx.dialect.among(table.c.n, own)).values(filter_id=fitting))
    theirs = tx.dialect.among(follows.c.subscription, concerned)
    theirs &= ~(tx.dialect.among(follows.c.subscription, sent) & (follows.c.from_seq <= done + 1))
    used = select(follows.c.filter_id).where(theirs).distinct()
    for id_, text in tx.conn.execute(select(filters.c.id, filters.c.definition).where(filters.c.id.in_(used))).all():
        filter = interned.read(text)
        if filter.feeds and not interned.is_public(text):  # those without feeds carry notices
            fitting = interned.intern(tx, filter, public=True)
            tx.conn.execute(update(follows).where(theirs, follows.c.filter_id == id_).values(filter_id=fitting))
            _copy_erased(tx, id_, fitting, done)


def _copy_erased(tx: Tx, filter_id: int, other: int, after: int) -> None:
    """Let erased events be to another filter what they are to this one: they can be judged no more."""
    statement = select(matches).join(events, events.c.seq == matches.c.seq).where(
        matches.c.filter_id == filter_id, matches.c.seq > after, matches.c.reason.is_(None), events.c.erased
    )  # fmt: skip
    rows = [{**row, "filter_id": other} for row in tx.conn.execute(statement).mappings()]
    if rows:
        tx.conn.execute(tx.dialect.insert(matches).on_conflict_do_nothing(), rows)


def owe(tx: Tx, concerned: Collection[int]) -> None:
    """Note that what these may follow has changed, and that a notice is due."""
    tx.conn.execute(update(table).where(tx.dialect.among(table.c.n, concerned)).values(owed="access"))


def stored(tx: Tx, filter_id: int, after: int, seqs: Collection[int]) -> dict[int, Match]:
    """The matches of these events with a filter, and those of every event above ``after`` that is settled, by
    ``seq``.
    """
    statement = select(matches.c.seq, matches.c.type, matches.c.change, matches.c.summary).where(
        matches.c.filter_id == filter_id,
        (matches.c.seq > after) | tx.dialect.among(matches.c.seq, seqs),
        matches.c.reason.is_(None),
    )
    return {row.seq: Match(EventType(row.type), Change(row.change), row.summary) for row in tx.conn.execute(statement)}


def filter_of(tx: Tx, filter_id: int) -> Filter:
    """A stored filter."""
    return interned.read(tx.conn.execute(select(filters.c.definition).where(filters.c.id == filter_id)).scalar_one())


def withhold(tx: Tx, filter_id: int, seqs: Collection[int]) -> None:
    """Void the matches of these events with this filter, for all present and future followers."""
    spilling.of_matched(tx, filter_id, seqs)
    own = (matches.c.filter_id == filter_id) & tx.dialect.among(matches.c.seq, seqs)
    tx.conn.execute(update(matches).where(own).values(reason=Cause.ACCESS.value))
    wakes.changed(tx)


def stand_still(tx: Tx, without: Mapping[str, Collection[int]]) -> None:
    """Pause these active ones, by the reason in words: none of their feeds is published. Nothing is cancelled."""
    for reason, own in without.items():
        seats.leave(tx, own)
        tx.conn.execute(
            update(table).where(tx.dialect.among(table.c.n, own), table.c.state == ACTIVE).values(
                state=PAUSED, cause=Cause.FEEDS.value, reason=reason, paused_at=tx.now, updated_at=tx.now
            )
        )  # fmt: skip
    if without:
        wakes.changed(tx)


def go_on(tx: Tx, again: Collection[int]) -> None:
    """Resume these where they were paused."""
    values = {"state": ACTIVE, "cause": None, "reason": None, "paused_at": None, "updated_at": tx.now}
    tx.conn.execute(update(table).where(tx.dialect.among(table.c.n, again)).values(values))
    deliveries.resume(tx, again)


def stood_still(tx: Tx, seconds: float, limit: int) -> list[str]:
    """Up to ``limit`` (their ids) that have had none of their feeds for so long."""
    still = (table.c.state == PAUSED) & (table.c.cause == Cause.FEEDS.value)
    before = tx.now - round(seconds * 1e6)
    statement = select(table.c.id).where(still, table.c.paused_at <= before).order_by(table.c.n).limit(limit)
    return list(tx.conn.execute(statement).scalars())


def release(tx: Tx, feeds: Collection[str]) -> None:
    """Release what was held because only these feeds showed it: they are back."""
    for filter_id, seqs in _held_no_more(tx, feeds, None).items():
        deliveries.resume_matched(tx, filter_id, seqs)


def let_go(tx: Tx, feeds: Collection[str]) -> None:
    """Cancel what was held for these feeds, which do not come back."""
    for filter_id, seqs in _held_no_more(tx, feeds, "removed").items():
        deliveries.cancel_matched(tx, filter_id, seqs, "removed")


def held_in_vain(tx: Tx, seconds: float) -> list[str]:
    """The feeds that something is held for, and that have been away for so long."""
    since = tx.now - round(seconds * 1e6)
    held = select(matches.c.held).where(matches.c.held.is_not(None)).distinct()
    gone = (feed_states.c.removed_at <= since) & feed_states.c.name.in_(held)
    return list(tx.conn.execute(select(feed_states.c.name).where(gone).order_by(feed_states.c.name)).scalars())


def _held_no_more(tx: Tx, feeds: Collection[str], reason: str | None) -> dict[int, list[int]]:
    """Let nothing be held for these feeds; returns what was, by filter. A reason given is that of what is cancelled."""
    if not feeds:
        return {}
    own = tx.dialect.among(matches.c.held, sorted(feeds))
    changed = update(matches).where(own).values(held=None, reason=func.coalesce(matches.c.reason, reason))
    found: dict[int, list[int]] = {}
    for filter_id, seq in tx.conn.execute(changed.returning(matches.c.filter_id, matches.c.seq)):
        found.setdefault(filter_id, []).append(seq)
    return found


def _by_filter(holders: Sequence[Holder]) -> list[tuple[Filter, list[int]]]:
    found: dict[int, tuple[Filter, list[int]]] = {}
    for one in holders:
        found.setdefault(one.filter_id, (one.filter, []))[1].append(one.n)
    return list(found.values())
