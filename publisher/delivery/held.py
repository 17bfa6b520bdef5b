"""What a sender holds in memory, in one place for all that is done with it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator

from publisher import clock
from publisher.delivery.endpoints.parties import Endpoint, Item, Line
from publisher.delivery.endpoints.policy import Policy
from publisher.delivery.endpoints.slots import Slots
from publisher.delivery.lanes import Lanes
from publisher.delivery.lines import Lines
from publisher.delivery.prepared import PreparedEvents
from publisher.delivery.settler import Settler
from publisher.model import EventType
from publisher.model.options import Options, read
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions.alone import SUPERSEDED, Groups
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.parcels import Parcel
from publisher.storage.subscriptions.queue import Claimed

BATCH = 512
"""Rows taken in one transaction."""

FIRST_AHEAD = 20
"""Rows taken ahead for a subscription whose endpoint is not known to be quick."""

BATCHES_AHEAD = 4
"""Batches taken ahead for a subscription: each may be of hundreds of rows."""

UNKNOWN = (-1, -1)
"""In the place of what is known of changes: all that is held is to be read again."""


class Held:
    """What waits in the lines of this process and what is under way, and the parts that work on it.

    ``sending`` is what is under way; ``rows`` and ``seats`` are how many of either wait; ``serving`` are the lanes
    whose open rows and parcels are known here. ``policy`` is what goes for whatever is taken next. ``known`` is up to
    which changes, and in which epoch of the log, all that waits was read, and ``known_at`` when that was (monotonic).
    ``holds`` is the edition of the holds by which that was, and ``holding`` whether any holds something. ``wake`` is
    set when there is something to look for.
    """

    def __init__(
        self, db: Database, settler: Settler, lanes: Lanes, slots: Slots, *, policy: Policy, process: str
    ) -> None:
        self.db = db
        self.settler = settler
        self.lanes = lanes
        self.slots = slots
        self.policy = policy
        self.process = process
        self.lines = Lines()
        self.prepared = PreparedEvents()
        self.sending: set[Item] = set()
        self.rows = 0
        self.seats = 0
        self.serving: frozenset[int] = frozenset()
        self.known = UNKNOWN
        self.known_at = float("-inf")
        self.holds: tuple[int, int, int] | None = None
        self.holding = False
        self.draining = False
        self.wake = asyncio.Event()
        self._claims = 0

    @property
    def current(self) -> bool:
        """Whether nothing is known to have changed since what is held was read."""
        return self.known == (self.db.changes, self.db.epoch)

    def next_lease(self) -> str:
        """The name of a lease that no other one has."""
        self._claims += 1
        return f"{self.process}.{self._claims}"

    def queue(self, item: Item) -> None:
        """Let something wait in its line."""
        line, one = item.line, item.one
        if line.items and not read(one.options).all_of_it:
            for own in item.rows:
                if own.type is EventType.ARTICLE_WITHDRAWN and not own.run:
                    self._overtake(line, own.seq)
        self.lines.used(line)
        line.items.append(item)
        self.count(1, (item,))
        self.slots.ask(line)

    def sweep(self) -> Iterable[Line]:
        """Take what was dropped out of the lines; returns those that it was in."""
        found = []
        for line in self.lines:
            if any(item.dropped for item in line.items):
                self.count(-1, (item for item in line.items if item.dropped))
                line.items = deque(item for item in line.items if not item.dropped)
                found.append(line)
        return found

    def settle(self, item: Item, what: Outcome) -> None:
        """Hand on what became of something."""
        if not item.others:
            self.settler.add(what)
            return
        for one in item.outcomes(what):
            self.settler.add(one)

    def count(self, by: int, items: Iterable[Item]) -> None:
        """So many more wait, or fewer, for each of these."""
        for item in items:
            if item.parcel is None:
                self.rows += by * (1 + len(item.others))
            else:
                self.seats += by

    def hand_back(self, line: Line) -> None:
        """Let go of what waits in memory for this line: rows are due at once, and so are seats, as rows. Where this
        process stops, seats stay in their parcels.
        """
        for item in line.items:
            if item.parcel is None or not self.draining:
                self.settle(item, item.unsent(0.0))
            item.dropped = True
        self.count(-1, line.items)
        line.items.clear()

    def seek(self, line: Line) -> None:
        """Have more of a line looked for when that is due, once it has come to half of what may be taken ahead."""
        if line.due is None or (line.sought is not None and line.sought <= line.due):
            return
        now = self.now()
        if line.due > now:
            self.lines.more(line, line.due)
        elif (line.ordered or not line.endpoint.circuit.open) and self.room(line) > len(line.items):
            self.lines.more(line, line.due)
            self.wake.set()

    def room(self, line: Line) -> int:
        """How many more may be taken ahead for this line: what it may send in some two seconds, as far as is known."""
        endpoint = line.endpoint
        if line.wish is not None and (most := self._wished(line.wish.options)) is not None:
            return most - len(line.items)
        if endpoint.seconds is None or not endpoint.quick:
            most = max(FIRST_AHEAD, 2 * self.slots.bounds.endpoint)
        else:
            most = BATCH
        return most - len(line.items)

    def _overtake(self, line: Line, seq: int) -> None:
        """Cancel what waits of the item that this event withdraws: none of it is to be told after that. What is sent
        again is told all the same, and what was to be sent with it is another request.
        """
        withdrawn = self.prepared.find(seq)
        if withdrawn is None:
            return
        for item in list(line.items):
            gone = [one for one in item.rows if not one.run and self._tells_of(one.seq, withdrawn.event.subject)]
            if not gone:
                continue
            for one in gone:
                ended = Outcome(one.id, one.lease, "cancelled", reason=SUPERSEDED, subscription=line.n)
                self.settler.add(ended._replace(parcel=item.parcel, seat=item.seat))
            self.count(-1, (item,))
            left = [one for one in item.rows if one not in gone]
            if left:
                item.one, item.others = left[0], tuple(left[1:])
                self.count(1, (item,))
            else:
                item.dropped = True
                line.items.remove(item)

    def _tells_of(self, seq: int, subject: str) -> bool:
        told = self.prepared.find(seq)
        return told is not None and told.event.subject == subject

    @staticmethod
    def _wished(options: Options) -> int | None:
        """How many requests may wait for a subscription that asked for less than others; None for as many."""
        if options.batch is not None:
            return BATCHES_AHEAD
        slow = options.rate_limit is not None and options.rate_limit < FIRST_AHEAD
        return FIRST_AHEAD if options.ordered or slow else None

    def resume(self, endpoint: Endpoint) -> None:
        """Have more looked for of every line that goes there: its circuit is closed."""
        for line in endpoint.lines.values():
            self.lines.more(line, self.now())

    def unsettled(self) -> set[Parcel]:
        """The parcels of which something is under way, or not committed yet."""
        return self.settler.parcels.union(item.parcel for item in self.sending if item.parcel is not None)

    def now(self) -> int:
        """Microseconds by the clock of the database."""
        return clock.to_micros(self.db.now())


def in_groups(some: Iterable[Claimed], groups: Groups) -> Iterator[list[Claimed]]:
    """What was taken: each by itself, or those that are sent together, in order. What is cancelled is by itself."""
    rows = {one.id: one for one in some}
    for group in groups:
        found = [one for id_ in group if (one := rows.pop(id_, None)) is not None]
        yield from ([one] for one in found if one.cancelled)
        if left := [one for one in found if not one.cancelled]:
            yield left
    yield from ([one] for one in rows.values())
