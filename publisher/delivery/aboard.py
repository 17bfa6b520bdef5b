"""The parcels aboard: those that this process has read and that are still open, and what is known of each.

They are read in the order of the log, and stay aboard until they are closed, or until another process has their lane.
Here nothing is known of endpoints or of sending: ``boarding.py`` lets the seats wait in their lines.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from cachetools import LRUCache

from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import bitmaps, parcels, rosters
from publisher.storage.subscriptions.parcels import Entry, Journaled, Parcel
from publisher.storage.subscriptions.settling import Recorded

READ = 256
"""Parcels looked at in one statement."""

ROSTERS = 4096
"""Rosters whose seats are remembered: 3.5 KiB each at most."""


class Aboard:
    """What a sender has read of the parcels in its lanes, and up to which it has.

    ``more``: there may be parcels that were not read yet. ``journaled``: what it knows of the journal's rows.
    """

    def __init__(self) -> None:
        self._open: dict[int, Parcel] = {}
        self._reached: int | None = None
        self._behind: dict[int, int] = {}
        """Lanes that are new here, and up to which parcel (its id) each was read. Once all of them have come to where
        the other lanes are, every lane is read together."""
        self._entries: dict[int, list[Entry]] = {}
        """What the journal held, as those lanes were gained, of parcels that were not read yet."""
        self.journaled = Journaled()
        self._left: set[Parcel] = set()
        """Parcels that were forgotten before they were closed."""
        self._seats: LRUCache[int, array[int]] = LRUCache(ROSTERS)
        self.more = True

    def __iter__(self) -> Iterator[Parcel]:
        """Every open parcel that was read."""
        return iter(self._open.values())

    @property
    def ids(self) -> frozenset[int]:
        """Of every open parcel that was read."""
        return frozenset(self._open)

    def forget(self) -> None:
        """Forget everything: it is another log."""
        self._reached = None
        self.journaled.rows.clear()
        self.journaled.stale.clear()
        self._left.update(self._open.values())
        for known in (self._open, self._behind, self._entries, self._seats):
            known.clear()

    def gain(self, tx: Tx, lanes: Collection[int]) -> None:
        """Read these lanes from their first open parcel on: they are new here."""
        if self._reached is None:
            self._reached = parcels.last(tx)
        for one in parcels.entries(tx, lanes):
            if one.parcel in self._open:
                continue
            self._entries.setdefault(one.parcel, []).append(one)
            self.journaled.rows.setdefault(one.row, set()).add(one.parcel)
        self._behind |= dict.fromkeys(lanes, 0)
        self.more = True

    def keep(self, lanes: Collection[int]) -> None:
        """Forget what is in other lanes than these: another process has them, and needs their journal."""
        for parcel in [one for one in self._open.values() if one.lane not in lanes]:
            self.drop(parcel)
            self._left.add(parcel)
        self._behind = {lane: after for lane, after in self._behind.items() if lane in lanes}
        for id_ in [id_ for id_, own in self._entries.items() if own[0].lane not in lanes]:
            for one in self._entries.pop(id_):
                self._leave(one.row, id_)

    def drop(self, parcel: Parcel) -> None:
        """Forget a parcel: it is closed, or another process's."""
        self._open.pop(parcel.id, None)
        for row in parcel.journaled:
            self._leave(row, parcel.id)

    def read(self, tx: Tx, lanes: Collection[int], room: int, known: Collection[int]) -> list[Parcel]:
        """The next parcels of these lanes, with not many more than ``room`` open seats; they are not aboard before
        :meth:`take`. ``known`` is :attr:`ids` from before the transaction: of those some may have been closed since,
        which are open in what it sees.
        """
        assert self._reached is not None
        if self._entries and not self._behind:
            self._forget_entries()
        found: list[Parcel] = []
        for lane, after in list(self._behind.items()):
            if room <= 0:
                break
            some = parcels.standing(tx, lane, after, self._reached, READ)
            kept, room = _fitting(some, room)
            found += [one for one in kept if one.id not in known]
            if len(kept) == len(some) < READ:
                del self._behind[lane]
            elif kept:
                self._behind[lane] = kept[-1].id
        self.more = bool(self._behind)
        others = frozenset(lanes) - self._behind.keys()
        if room > 0 and others == frozenset(lanes):
            some, reached = parcels.fresh(tx, lanes, self._reached, READ)
            kept, room = _fitting(some, room)
            found += kept
            whole = len(kept) == len(some)
            self._reached = reached if whole else kept[-1].id if kept else self._reached
            self.more = not whole or len(some) == READ
        else:
            self.more = True
        return found

    def take(self, parcel: Parcel) -> None:
        """Have a parcel that was read aboard, with what the journal says of its seats."""
        self._open[parcel.id] = parcel
        for one in self._entries.pop(parcel.id, ()):
            parcel.went(one.seat, one.how)
            parcel.journaled.add(one.row)

    def holders(self, tx: Tx, some: Iterable[Parcel]) -> Mapping[int, Sequence[int]]:
        """Whose each seat is (their ``n``, by seat), for the rosters of these parcels."""
        wanted: dict[int, int] = {}
        for one in some:  # whoever had the last seat may have left between them
            wanted[one.roster] = max(wanted.get(one.roster, 0), one.members.bit_length())
        known: dict[int, array[int]] = {}
        unknown = []
        for roster, length in wanted.items():
            own = self._seats.get(roster)
            if own is None or len(own) < length:
                unknown.append(roster)
            else:
                known[roster] = own
        if unknown:
            for seat in rosters.of(tx, unknown):
                known.setdefault(seat.roster, array("q")).append(seat.n)
            for roster in unknown:
                self._seats[roster] = known[roster]
        return known

    def recorded(self, what: Recorded) -> list[Parcel]:
        """Go by what was committed; returns the parcels that are not this process's any more."""
        for batch in what.parcels:
            for seat, how in batch.taken.items():
                batch.parcel.went(seat, how)
            batch.parcel.open &= ~bitmaps.of(batch.moved)
        for row, own in what.settled.journaled.items():
            aboard = [one for one in own if self._open.get(one.id) is one]
            if aboard:
                self.journaled.rows[row] = {one.id for one in aboard}
            for parcel in aboard:
                parcel.journaled.add(row)
        for parcel in what.settled.closed:
            self.drop(parcel)
        self.journaled.stale.difference_update(what.settled.deleted)
        gone = [self._open[id_] for id_ in what.gone if id_ in self._open]
        for parcel in gone:
            self.drop(parcel)
        self._left.update(gone)
        return gone

    def unsettled(self, among: Callable[[], Collection[Parcel]]) -> frozenset[int]:
        """The lanes of parcels that were forgotten and of which something, ``among`` what it returns, is still to be
        settled: what is on record of those is not all that came of them.
        """
        if self._left:
            self._left &= set(among())
        return frozenset(one.lane for one in self._left)

    def _forget_entries(self) -> None:
        """All that is open was read: what else the journal holds is of parcels that are closed."""
        for parcel in [one for one in self._entries if one <= (self._reached or 0)]:
            for one in self._entries.pop(parcel):
                if self._leave(one.row, parcel):
                    self.journaled.stale.add(one.row)

    def _leave(self, row: int, parcel: int) -> bool:
        """A parcel needs a row of the journal no more; returns whether none does."""
        own = self.journaled.rows.get(row)
        if own is None:
            return False
        own.discard(parcel)
        if not own:
            del self.journaled.rows[row]
        return not own


def _fitting(some: Sequence[Parcel], room: int) -> tuple[list[Parcel], int]:
    kept = []
    for one in some:
        if room <= 0:
            break
        kept.append(one)
        room -= one.open.bit_count()
    return kept, room
