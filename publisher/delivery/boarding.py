"""Boarding: seats of parcels that were read wait in memory, each in the line of its subscription.

Nothing is written for that: whoever holds the lane owns them. One leaves its line as it is sent; as it becomes a row,
since it waited too long, there is no room or its endpoint fails; as others have made a row of it; or as another process
has the lane.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from publisher.delivery.aboard import Aboard
from publisher.delivery.endpoints.parties import Item, cancelled, unsent
from publisher.delivery.held import UNKNOWN, Held
from publisher.model import Event
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import bitmaps, holds, parcels, queue, spilling
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.parcels import Parcel
from publisher.storage.subscriptions.queue import Claimed
from publisher.storage.subscriptions.settling import Recorded
from publisher.unbroken import unbroken

ABOARD = 16_384
"""Seats that wait in memory, at most; those under way do not count."""

BOARDED = 2048
"""Open seats of the parcels that are read in one go, or little more."""

LINE_ABOARD, CROWDED_ABOARD = 4096, 64
"""Seats of one subscription that wait in memory at most: while fewer than half of ``ABOARD`` do, and otherwise."""

Made = tuple[int, int, int]
"""A row that others made of a seat: its id, the parcel's, and the subscription (its ``n``)."""

Boarded = tuple[list[Parcel], Mapping[int, Sequence[int]], list[queue.Follower], Sequence[Event]]


class Boarding:
    """Reads parcels into the lines, and takes their seats out again where others have moved them."""

    def __init__(self, held: Held, aboard: Aboard) -> None:
        self._held = held
        self._aboard = aboard
        self._aside: dict[int, Parcel] = {}
        """Parcels that were read and are held: none of their seats waits here, or is under way."""

    def look(self) -> None:
        """Look for new parcels at once."""
        self._aboard.more = True

    def forget(self) -> None:
        """Forget every parcel: it is another log."""
        self.let_go(list(self._aboard))
        self._aboard.forget()
        self._aside.clear()

    def gain(self, tx: Tx, lanes: Iterable[int]) -> None:
        """Read these lanes from their first open parcel on."""
        self._aboard.gain(tx, list(lanes))

    def ready(self, lanes: frozenset[int]) -> frozenset[int]:
        """Those of these lanes that can be read: of another, which was lost, something is still to be settled here, and
        would be sent again.
        """
        return lanes - (self._aboard.unsettled(self._held.unsettled) - self._held.serving)

    def keep(self, lanes: frozenset[int]) -> None:
        """Drop what is in other lanes than these."""
        self._aside = {id_: one for id_, one in self._aside.items() if one.lane in lanes}
        self.let_go([one for one in self._aboard if one.lane not in lanes])
        self._aboard.keep(lanes)

    def moved(self, tx: Tx) -> tuple[Mapping[int, int], list[Made]]:
        """What others have moved to rows: of each parcel aboard of which anything was, all of that as a bitmap; and the
        rows, under this process's lease, that it has to go by from now on.

        These are of seats that wait here, of those that had moved before the parcel was read, and of those that are
        held. Not among them are the rows of seats that have begun to be sent, or were: their outcomes find them as they
        are settled.
        """
        moved = parcels.moved(tx, [*(one.id for one in self._aboard), *self._aside])
        known = (*self._aboard, *self._aside.values())
        changed = {one.id: one for one in known if moved.get(one.id, 0) & ~one.moved}
        if not changed:
            return moved, []
        waiting = self._waiting()
        made = spilling.made(tx, self._held.process, [(one.id, one.seq) for one in changed.values()])
        return moved, [
            (row, parcel, n)
            for row, parcel, n in made
            if (parcel, n) in waiting or n in changed[parcel].absent or parcel in self._aside
        ]

    async def board(self) -> bool:
        """Read parcels, as far as there is room for their seats; returns whether there may be more."""
        room = min(BOARDED, ABOARD - self._held.seats)
        if room <= 0 or self._held.draining or not self._held.serving or not self._aboard.more:
            return False
        found, holders, unknown, loaded = await unbroken(self._held.db.read(self._boarded, room, self._aboard.ids))
        self._held.prepared.add(loaded)
        now = time.monotonic()
        for one in unknown:
            self._held.lines.add(one, now)
        for parcel in found:
            self._seat(parcel, holders[parcel.roster], now)
        self._held.prepared.trim()
        self._held.lines.trim()
        return self._aboard.more

    def left(self, moved: Mapping[int, int], made: Iterable[Made], claimed: Mapping[int, Claimed]) -> dict[int, Item]:
        """Go by what :meth:`moved` found: what waits as a seat goes on as its row; returns it, by the row's id.

        A row of which nothing waits here is given back, or settled where it is cancelled. ``claimed`` is what is on
        record of these rows.
        """
        seats = self._waiting()
        for id_, parcel in self._aside.items():
            parcel.moved = moved.get(id_, parcel.moved)
        for parcel in list(self._aboard):
            gone = moved.get(parcel.id, 0)
            if gone & ~parcel.moved or parcel.absent:
                parcel.moved, parcel.absent = gone, frozenset()
                # It may be that nothing else of it is open.
                self._held.settler.add(Outcome(0, "", "moved", parcel=parcel))
        here = {item.one.id for item in self._held.sending} | {
            one.one.id for line in self._held.lines for one in line.items
        }
        found = {}
        for row, parcel_id, n in made:
            item = seats.get((parcel_id, n))
            if item is not None:
                if item not in self._held.sending:
                    self._held.count(-1, [item])
                    item.parcel = None
                    self._held.count(1, [item])
                item.parcel = None
                found[row] = item
            elif row in claimed and row not in here:
                one = claimed[row]
                self._held.settler.add(cancelled(one) if one.cancelled else unsent(one, 0.0))
        return found

    def recorded(self, what: Recorded) -> None:
        """Go by what the settler has committed of parcels."""
        self.let_go(self._aboard.recorded(what))

    def let_go(self, some: Iterable[Parcel]) -> None:
        """Drop what waits of these parcels: they are not this process's any more."""
        ids = {one.id for one in some}
        if not ids:
            return
        for (parcel, _), item in self._waiting().items():
            if parcel in ids:
                item.dropped = True
                if item in self._held.sending and item.sending is not None:
                    item.sending.cancel()
        self._held.sweep()

    def _boarded(self, tx: Tx, room: int, known: Collection[int]) -> Boarded:
        self._held.prepared.valid(self._held.db.epoch)
        found = self._free(tx, self._aboard.read(tx, self._held.serving, room, known))
        holders = self._aboard.holders(tx, found)
        unknown = {
            n
            for parcel in found
            for seat in bitmaps.seats(parcel.open)
            if (line := self._held.lines.get(n := holders[parcel.roster][seat])) is None or line.known is None
        }
        seqs = {one.seq for one in found if one.erased or one.seq not in self._held.prepared.known}
        return (
            found, holders, queue.followers(tx, unknown) if unknown else [], events.among(tx, seqs) if seqs else [],
        )  # fmt: skip

    def _free(self, tx: Tx, found: list[Parcel]) -> list[Parcel]:
        """Those of these parcels that are not held; the others are left in the database."""
        if not self._held.holding:
            return found
        held = holds.covering(tx, ((one.seq, one.filter_id) for one in found))
        for one in found:
            if (one.seq, one.filter_id) in held:
                self._aside[one.id] = one
                if one.members & ~one.open:
                    self._held.known = UNKNOWN  # some of it may be a row in this process's name
        return [one for one in found if one.id not in self._aside]

    def _seat(self, parcel: Parcel, holders: Sequence[int], now: float) -> None:
        """Let each open seat of a parcel wait in its line. It becomes a row where rows of its subscription go first,
        where there is no room, or where the endpoint's circuit is open.
        """
        self._aboard.take(parcel)
        gone = parcel.members & ~parcel.open
        if gone:
            parcel.absent = frozenset(holders[seat] for seat in bitmaps.seats(gone))
            self._held.known = UNKNOWN  # some of it may be a row in this process's name that it knows nothing of
        if not parcel.open:  # it was not closed by whoever settled the last of it
            self._held.settler.add(Outcome(0, "", "moved", parcel=parcel))
            return
        due = self._held.now()
        most = LINE_ABOARD if self._held.seats < ABOARD // 2 else CROWDED_ABOARD
        policy = self._held.policy
        for seat in bitmaps.seats(parcel.open):
            line = self._held.lines.get(holders[seat])
            known = None if line is None else line.known
            if line is None or known is None:  # forgotten as others came
                self._held.settler.add(_row(parcel, seat, holders[seat]))
                continue
            one = Claimed(
                0, parcel.seq, line.n, "", 1, known.webhook, known.url, known.format, known.secret, parcel.type,
                parcel.change, None, parcel.summary, 0, known.options,
            )  # fmt: skip
            behind = line.due is not None and line.due <= due
            if behind or len(line.items) >= most or line.endpoint.circuit.open:
                self._held.settler.add(_row(parcel, seat, line.n))
                continue
            self._held.queue(Item(one, line, now, policy, parcel, seat))

    def _waiting(self) -> dict[tuple[int, int], Item]:
        """The seats that have not begun to be sent, by parcel (its id) and subscription (its ``n``)."""
        queued = (item for line in self._held.lines for item in line.items)
        some = chain(queued, (item for item in self._held.sending if not item.begun))
        return {(item.parcel.id, item.line.n): item for item in some if item.parcel is not None}


def _row(parcel: Parcel, seat: int, n: int) -> Outcome:
    """A seat for which there is no room: it becomes a row, due at once."""
    return Outcome(0, "", "pending", wait=0.0, subscription=n, parcel=parcel, seat=seat)
