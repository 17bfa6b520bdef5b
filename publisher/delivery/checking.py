"""Checking: reading again all that waits, rows and seats, whenever others have changed something of what is open.

It may be stopped, paused, sent elsewhere, or another process's by now.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping

from publisher.delivery.boarding import Boarding, Made
from publisher.delivery.endpoints.parties import Item, cancelled
from publisher.delivery.held import Held
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import holds, queue, wakes
from publisher.storage.subscriptions.queue import Claim, Claimed

Checked = tuple[Claim, list[tuple[queue.Follower, int | None]], Mapping[int, int], list[Made], tuple[int, int, int]]


class Checking:
    """Goes by what is on record now of all that waits."""

    def __init__(self, held: Held, boarding: Boarding) -> None:
        self._held = held
        self._boarding = boarding

    async def check(self) -> None:
        """Read again all that is held and has not begun: it may be stopped, go elsewhere, or have lost its lease."""
        waiting = [item for line in self._held.lines for item in line.items if item.parcel is None]
        waiting += [item for item in self._held.sending if item.parcel is None and not item.begun]
        items = {one.id: item for item in waiting for one in item.rows}
        claim, woken, moved, made, edition = await self._held.db.write_loosely(self._checked, list(items))
        self._held.prepared.add(claim.events)
        items |= self._boarding.left(moved, made, {one.id: one for one in claim.deliveries})
        self._awake(woken)
        for n in claim.parked:
            if (parked := self._held.lines.get(n)) is not None:
                self._held.lines.more(parked, self._held.now())
        still = {one.id: one for one in claim.deliveries}
        rows: dict[Item, list[Claimed]] = {item: [] for item in items.values()}
        for id_, item in items.items():  # a seat that is a row by now is not known by its id yet
            if id_ in still:
                rows[item].append(still[id_])
        for item, found in rows.items():
            self._update(item, found)
        for n in claim.parked:
            if (parked := self._held.lines.get(n)) is not None and parked.ordered:
                self._held.hand_back(parked)  # those behind what stands still go after it
        if edition != self._held.holds:
            self._held_otherwise(edition)
        for line in self._held.sweep():
            self._held.seek(line)
        for line in self._held.lines:
            if line.lane not in self._held.lanes.held:  # where it goes now another process sends
                self._held.hand_back(line)
            elif line.items:
                self._held.slots.ask(line)  # where it goes now there may be a place

    def _held_otherwise(self, edition: tuple[int, int, int]) -> None:
        """Something is held that was not, or no more: read every parcel again, as where lanes were lost."""
        self._held.holds, self._held.holding = edition, edition[2] > 0
        self._held.serving = frozenset()
        self._boarding.keep(frozenset())
        self._held.wake.set()

    def _awake(self, woken: Iterable[tuple[queue.Follower, int | None]]) -> None:
        """Take over what is on record of these, and when something of each is due."""
        for follower, due in woken:
            line = self._held.lines.add(follower, time.monotonic())
            circuit = line.endpoint.circuit
            # Only where it is open: failures that are not committed yet are not on record, and still count.
            if not follower.failures and circuit.open and circuit.succeeded():
                self._held.resume(line.endpoint)
            if due is not None:
                self._held.lines.more(line, due)

    def _update(self, item: Item, found: Collection[Claimed]) -> None:
        """Go by what a delivery that has not begun is now, with those it is to be sent with: without those that belong
        to someone else, or stand still. What is left of several is another request.
        """
        left = [one for one in found if not one.cancelled]
        for one in found:
            if one.cancelled:
                self._held.settler.add(cancelled(one))
        if not left:
            item.dropped = True
            return
        one = left[0]
        before = item.one
        changed = len(left) < len(item.rows)
        # What was given to the client was addressed, signed and written by these.
        changed |= (one.url, one.secret, one.options) != (before.url, before.secret, before.options)
        changed |= item.line.ordered and item.line.under_way > 1  # it was not when this was given to the client
        self._held.rows -= 0 if item in self._held.sending else len(item.rows) - len(left)
        item.one, item.others = one, tuple(left[1:])
        self._held.lines.readdress(item.line, one.url)
        if changed and item in self._held.sending and item.sending is not None:
            item.sending.cancel()

    def _checked(self, tx: Tx, ids: list[int]) -> Checked:
        self._held.prepared.valid(self._held.db.epoch)
        lanes = self._held.lanes.held
        own = wakes.woken(tx, lanes)
        due = {one.n: at for one, at in queue.waiting(tx, lanes, own)} if own else {}
        found = [(one, due.get(one.n)) for one in queue.followers(tx, own)] if own else []
        wakes.heard(tx, own)
        moved, made = self._boarding.moved(tx)
        held = queue.held_by(tx, ids, self._held.process) if ids else []
        claim = queue.brought(tx, [*held, *(row for row, _, _ in made)], self._held.prepared.known)
        return claim, found, moved, made, holds.edition(tx)
