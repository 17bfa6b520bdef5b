"""Parcels: the first attempts of one event for the members of one roster, as one row.

The fan-out writes a parcel for each roster whose filter matched (``fanout.py``). Whoever holds its lane reads it, sends
to its members, and settles what came of it: what a receiver took goes to the ``journal``, a row for each batch, and
into the parcel once that closes; whatever else became of a seat *moves* it to a row of ``deliveries``, which has a
schedule, a state and a reason. So a parcel is open until each of its seats was taken or has moved, and a seat counts in
one place only.

Others move seats too, where something has to be stopped or to be changed (``spilling.py``). Both lock the parcel. Here
``taken`` always means: by the receiver, with a 2xx; a sender does not take seats, it owns them with their lane.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import select

from publisher.model import Change, EventType
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import events, journal, matches
from publisher.storage.engine.tables import parcels as table
from publisher.storage.subscriptions import bitmaps

ENTRY = struct.Struct("<QHHHq")
"""One seat in the journal: parcel, seat, milliseconds, status, and when its attempt began (microseconds)."""

_ONE = struct.Struct("<H")
_RAW = -zlib.MAX_WBITS
"""Deflate without a head: that would be more than a single seat takes."""

MOVED = 0xFFFF
"""The status of a seat that moved."""

MOST = 0xFFFF
"""The longest duration (milliseconds) and the latest beginning (hundredths of a second) that are kept exactly."""

OK = 200

TICK = 10_000
"""Microseconds: how exactly it is kept when an attempt began."""


class Taken(NamedTuple):
    """A seat whose receiver took the event: when the attempt began (microseconds), how long it took, and the status."""

    at: int
    milliseconds: int
    status: int


class Parcel:
    """An open parcel in the memory of the process that sends it. ``open`` is the bitmap of the seats that are still to
    be settled, ``moved`` those that others have moved and that this process knows of, ``absent`` the subscriptions of
    those that were not open when it was read, until it knows what became of them. ``taken`` is what is in the journal,
    in the rows ``journaled``. ``created_at`` is in microseconds.
    """

    __slots__ = (
        "absent", "change", "created_at", "erased", "filter_id", "id", "journaled", "lane", "members", "moved", "open",
        "roster", "seq", "summary", "taken", "type",
    )  # fmt: skip

    def __init__(self, row: Any) -> None:
        (
            self.id, self.seq, self.roster, self.lane, self.filter_id, members, moved, self.created_at, type_, change,
            summary, self.erased,
        ) = row  # fmt: skip
        self.members = bitmaps.unpacked(members)
        self.moved = 0
        self.absent: frozenset[int] = frozenset()
        self.open = self.members & ~bitmaps.unpacked(moved)
        self.type, self.change, self.summary = _TYPES[type_], _CHANGES[change], bool(summary)
        self.taken: dict[int, Taken] = {}
        self.journaled: set[int] = set()

    def went(self, seat: int, how: Taken | None) -> None:
        """A seat is settled: taken, or (None) moved."""
        self.open &= ~(1 << seat)
        if how is not None:
            self.taken[seat] = how


class Entry(NamedTuple):
    """A seat in the journal's row ``row``, of a lane; ``how`` is None where it moved."""

    row: int
    lane: int
    parcel: int
    seat: int
    how: Taken | None


@dataclass(slots=True)
class Batch:
    """What came of seats of one parcel: those taken, and those that moved to rows."""

    parcel: Parcel
    taken: dict[int, Taken] = field(default_factory=dict)
    moved: list[int] = field(default_factory=list)

    @property
    def bits(self) -> int:
        """All of these seats."""
        return bitmaps.of(self.taken) | bitmaps.of(self.moved)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settling did: rows of the journal that it wrote, with their parcels, and that it deleted; and the parcels
    that it closed.
    """

    journaled: Mapping[int, Collection[Parcel]] = field(default_factory=dict)
    deleted: Collection[int] = ()
    closed: Collection[Parcel] = ()


def last(tx: Tx) -> int:
    """The highest id that a parcel has."""
    found = tx.dialect.fetch(tx.conn, "SELECT coalesce(max(id), 0) FROM parcels", ())
    return int(found[0][0])


def fresh(tx: Tx, lanes: Collection[int], after: int, limit: int) -> tuple[list[Parcel], int]:
    """Open parcels of these lanes above an id, in order, up to ``limit``; and up to which id it looked.

    Ids are given out under the fan-out's lock, so none below one that is seen appears later.
    """
    end = last(tx)
    rows = tx.conn.execute(
        _PARCEL.where(table.c.id > after, table.c.id <= end, table.c.lane.in_(sorted(lanes))).limit(limit)
    ).all()
    return [Parcel(row) for row in rows], rows[-1].id if len(rows) == limit else end


def standing(tx: Tx, lane: int, after: int, until: int, limit: int) -> list[Parcel]:
    """Open parcels of a lane above an id and up to another, in order, by their own index; up to ``limit``."""
    of_lane = _PARCEL.where(table.c.lane == lane, table.c.id > after, table.c.id <= until)
    return [Parcel(row) for row in tx.conn.execute(of_lane.limit(limit))]


def entries(tx: Tx, lanes: Collection[int]) -> list[Entry]:
    """What the journal holds of these lanes."""
    columns = (journal.c.id, journal.c.lane, journal.c.entries)
    rows = tx.conn.execute(select(*columns).where(journal.c.lane.in_(sorted(lanes))))
    return [
        Entry(id_, lane, parcel, seat, None if status == MOVED else Taken(at, ms, status))
        for id_, lane, packed in rows
        for parcel, seat, ms, status, at in ENTRY.iter_unpack(packed)
    ]


def moved(tx: Tx, ids: Collection[int]) -> dict[int, int]:
    """What has moved of those of these parcels of which anything has, as bitmaps."""
    own = table.c.moved.is_not(None) & table.c.closed_at.is_(None) & tx.dialect.among(table.c.id, ids)
    rows = tx.conn.execute(select(table.c.id, table.c.moved).where(own))
    return {row.id: bitmaps.unpacked(row.moved) for row in rows}


def hold(tx: Tx, some: Collection[Parcel], process: str) -> dict[int, int]:
    """Lock those of these parcels that are open and whose lane this process has; returns their bitmaps of what has
    moved. One that was given the number of another, as after a restore, is not that.
    """
    known = {(one.id, one.created_at) for one in some}
    ids = tx.dialect.array({one.id for one in some})
    rows = tx.dialect.fetch(tx.conn, tx.dialect.parcels_held, (ids, process))
    return {int(id_): bitmaps.unpacked(moved) for id_, created_at, moved in rows if (id_, created_at) in known}


@dataclass(slots=True)
class Journaled:
    """What a process knows of the journal: the open parcels (their ids) that each row names, and the rows that are
    ``stale``, since they name closed ones alone.
    """

    rows: dict[int, set[int]] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)


def settle(tx: Tx, batches: Sequence[Batch], journaled: Journaled) -> Settled:
    """Record what came of seats, of parcels that are held.

    One that is done with stays open until this process knows of all that others have moved: it may have that waiting
    to be sent, and finds the rows that were made of it by their parcel. Rows of the journal that are stale, or
    that no open parcel needs any more, are deleted.
    """
    closing = [one for one in batches if not one.parcel.absent and not one.parcel.open & ~one.bits & ~one.parcel.moved]
    if closing:
        tx.dialect.many(tx.conn, tx.dialect.close_parcel, [_closed(tx, one) for one in closing])
    closed = {one.parcel.id for one in closing}
    rows = _journal(tx, [one for one in batches if one.parcel.id not in closed and (one.taken or one.moved)])
    touched = {row for one in closing for row in one.parcel.journaled}
    # Of a row that is not known any more, since its lane was lost, others may be open still.
    known = [row for row in touched if row in journaled.rows]
    over = [row for row in known if closed.issuperset(journaled.rows[row])] + list(journaled.stale)
    if over:
        tx.dialect.many(tx.conn, tx.dialect.drop_of_journal, [(tx.dialect.array(over),)])
    return Settled(rows, over, [one.parcel for one in closing])


def nth(stored: bytes | None, statuses: bytes | None, place: int) -> tuple[int, int, int]:
    """What a closed parcel keeps of the seat in this place among those taken: when its attempt began (microseconds
    since the first), how long it took (milliseconds), and the status.
    """
    numbers = zlib.decompress(stored or b"", _RAW)
    [tick] = _ONE.unpack_from(numbers, place * _ONE.size)
    [milliseconds] = _ONE.unpack_from(numbers, len(numbers) // 2 + place * _ONE.size)
    if statuses is None:
        return tick * TICK, milliseconds, OK
    alike = len(statuses) == _ONE.size
    return tick * TICK, milliseconds, _ONE.unpack_from(statuses, 0 if alike else place * _ONE.size)[0]


def _closed(tx: Tx, one: Batch) -> tuple[Any, ...]:
    taken = {**one.parcel.taken, **one.taken}
    gone = one.parcel.members & ~bitmaps.of(taken)
    began = min((how.at for how in taken.values()), default=0)
    in_order = [taken[seat] for seat in sorted(taken)]
    ticks = [min((how.at - began) // TICK, MOST) for how in in_order]
    # Deflated, they take a half of the page that a parcel would have for itself.
    times = zlib.compress(_packed([*ticks, *(min(how.milliseconds, MOST) for how in in_order)]), wbits=_RAW)
    found = [how.status for how in in_order]
    statuses = _packed(found[:1] if len(set(found)) == 1 else found) if set(found) - {OK} else None
    moved = bitmaps.packed(gone) if gone else None
    return one.parcel.id, tx.now, len(taken), began if taken else None, times, statuses, moved


def _packed(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}H", *numbers)


def _journal(tx: Tx, batches: Sequence[Batch]) -> dict[int, list[Parcel]]:
    """A row for each lane."""
    of_lane: dict[int, list[Batch]] = {}
    for one in batches:
        of_lane.setdefault(one.parcel.lane, []).append(one)
    written: dict[int, list[Parcel]] = {}
    for lane, own in sorted(of_lane.items()):
        packed = b"".join(_entries(own))
        [(row,)] = tx.dialect.fetch(tx.conn, tx.dialect.add_to_journal, (lane, packed))
        written[int(row)] = [one.parcel for one in own]
    return written


def _entries(batches: Iterable[Batch]) -> Iterable[bytes]:
    for one in batches:
        id_ = one.parcel.id
        for seat, (at, ms, status) in one.taken.items():
            yield ENTRY.pack(id_, seat, min(ms, MOST), status, at)
        for seat in one.moved:
            yield ENTRY.pack(id_, seat, 0, MOVED, 0)


_TYPES = {type_.value: type_ for type_ in EventType}
_CHANGES = {change.value: change for change in Change}

_PARCEL = (
    select(
        table.c.id, table.c.seq, table.c.roster, table.c.lane, table.c.filter_id, table.c.members, table.c.moved,
        table.c.created_at, matches.c.type, matches.c.change, matches.c.summary, events.c.erased,
    )
    .join(matches, (matches.c.seq == table.c.seq) & (matches.c.filter_id == table.c.filter_id))
    .join(events, events.c.seq == table.c.seq)
    .where(table.c.closed_at.is_(None))
    .order_by(table.c.id)
)  # fmt: skip
