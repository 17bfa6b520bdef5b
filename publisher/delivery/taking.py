"""Taking rows under leases: those that were just written, and what is due of a subscription; a little ahead of what can
be sent. Seats of parcels are not taken, see ``boarding.py``.

What a line has no room for stays in the database, and is looked for there by its own index once the line has room:
whoever has much waiting, or is slow, costs no one else more than its place.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

from publisher.delivery.endpoints.parties import Item, Line, cancelled, unsent
from publisher.delivery.endpoints.policy import Policy
from publisher.delivery.held import BATCH, Held, in_groups
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import alone as rows_alone
from publisher.storage.subscriptions import queue, wakes
from publisher.storage.subscriptions.alone import Groups
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.queue import Claim
from publisher.unbroken import unbroken

POLL_SECONDS = 1.0
"""How often to look for what other processes put into the queue."""

AHEAD = 8192
"""Rows taken and not under way, at most."""

ALONE_AT_ONCE = 64
"""Subscriptions in one transaction whose rows are chosen by what they asked for."""

SCAN = 4096
"""New rows looked at in one statement."""

LOCKED_MICROS = 50_000
"""How long to leave alone what another transaction holds just now."""

Pairs = list[tuple[int, int]]
"""Rows and their subscriptions."""

Shares = dict[int, list[int]]
"""How many to take of each of which subscriptions."""


class Taking:
    """Takes rows under leases, and knows what of them the database has more of.

    ``more``: there may be rows that the fan-out wrote and that were not seen yet.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self.more = True
        self._strays: set[int] = set()
        self._foreign: set[int] = set()
        self._new: deque[tuple[int, int]] = deque()
        self._reached: queue.Place | None = None
        self._scanned_at = float("-inf")

    def forget(self) -> None:
        """Forget what was seen of new rows: it is another log, in which numbers may be given out anew."""
        self._reached = None
        self._new.clear()

    def begin(self, end: queue.Place) -> None:
        """Rows up to this place are known from another look; new ones come after it."""
        if self._reached is None:
            self._reached = end

    async def take(self) -> bool:
        """Take what is due, as far as there is room; returns whether there may be more."""
        room = min(BATCH, AHEAD - self._held.rows)
        if room <= 0 or self._held.draining or not self._held.serving:
            return False
        await self._scan()
        new, own, alone = self._chosen(room)
        if not new and not own and not alone:
            return bool(self._new)
        began, policy = time.monotonic(), self._held.policy
        # Unbroken to the end: what was taken is held, to be sent or handed back.
        await unbroken(self._taken(new, own, alone, began, policy))
        return bool(self._new) or self._is_due()

    async def find_strays(self) -> None:
        """Learn when something is due of subscriptions that were forgotten while it was being settled; have others look
        for what is theirs.
        """
        strays, self._strays = self._strays, set()
        if strays and self._held.serving:
            for follower, due in await unbroken(self._held.db.read(queue.waiting, self._held.serving, strays)):
                self._held.lines.more(self._held.lines.add(follower, time.monotonic()), due)
        foreign, self._foreign = self._foreign, set()
        if foreign:  # whoever sends for them now may have looked before they were back in the queue
            await unbroken(self._held.db.write(wakes.wake, sorted(foreign)))

    def returned(self, outcomes: Iterable[Outcome]) -> None:
        """These are back in the queue, for as long as they say: only now could they be found there."""
        now = self._held.now()
        in_order = self._held.lines.in_order
        for one in outcomes:
            if one.wait is None:
                if in_order and one.subscription in in_order:
                    self._next_of(one.subscription, now)
                continue
            line = self._held.lines.get(one.subscription)
            if line is None:
                self._strays.add(one.subscription)
                self._held.wake.set()
                continue
            if line.lane not in self._held.lanes.held:
                self._foreign.add(one.subscription)
                self._held.wake.set()
                continue
            at = now + round(one.wait * 1e6)
            if line.due is None or at < line.due:
                line.due = at
            self._held.seek(line)
            self._held.wake.set()

    def _next_of(self, n: int, now: int) -> None:
        """One of a line in order is settled: those behind it could not be taken while it was under way."""
        line = self._held.lines.get(n)
        if line is not None and line.due is not None and line.due > now:
            self._held.lines.more(line, now)
            self._held.wake.set()

    async def _scan(self) -> None:
        """Look for new rows, and learn whose they are."""
        if time.monotonic() - self._scanned_at >= POLL_SECONDS:
            self.more = True
        if self._new or not self.more or self._reached is None:
            return
        self.more = False
        self._scanned_at = time.monotonic()
        (found, self._reached), unknown = await unbroken(self._held.db.read(self._scanned, self._reached))
        now = time.monotonic()
        for one in unknown:
            if one.lane in self._held.serving:
                self._held.lines.add(one, now)
            else:
                self._held.lines.elsewhere(one.n)
        self._new.extend(found)
        self.more |= len(found) == SCAN

    def _scanned(self, tx: Tx, after: queue.Place) -> tuple[tuple[Pairs, queue.Place], list[queue.Follower]]:
        found = queue.fresh(tx, after, SCAN)
        unknown = {n for _, n in found[0] if self._held.lines.unknown(n)}
        return found, queue.followers(tx, unknown) if unknown else []

    def _chosen(self, room: int) -> tuple[Pairs, Shares, list[Line]]:
        """Which new rows to take; of which subscriptions how many (by that number) of those due before; and those whose
        rows are chosen by what they asked for.
        """
        own: Shares = {}
        alone: list[Line] = []
        later = []
        now = self._held.now()
        for line in self._held.lines.due(now):
            if line.lane not in self._held.serving or (line.endpoint.circuit.open and not line.ordered):
                continue  # looked for again once it is closed; the first in order keeps to its schedule
            share = min(self._held.room(line), room)
            if share <= 0:
                later.append(line)
                if room <= 0:
                    break
                continue
            if line.alone:
                if len(alone) < ALONE_AT_ONCE:
                    alone.append(line)
                else:
                    later.append(line)
                continue
            share = 1 << (share.bit_length() - 1)
            own.setdefault(share, []).append(line.n)
            room -= share
        for line in later:
            self._held.seek(line)
        new: Pairs = []
        planned: dict[int, int] = {}
        while self._new and room > 0:
            id_, n = self._new.popleft()
            one = self._held.lines.get(n)
            if one is None or one.lane not in self._held.serving:
                if n not in self._held.lines:  # forgotten since it was scanned
                    self._strays.add(n)
                    self._held.wake.set()
                continue
            # What is due of it in the database comes first, and what it has no room for stays there.
            behind = one.due is not None and one.due <= now
            if behind or one.alone or one.endpoint.circuit.open or self._held.room(one) <= planned.get(n, 0):
                one.due = now if one.due is None else min(one.due, now)
                self._held.seek(one)
                continue
            planned[n] = planned.get(n, 0) + 1
            new.append((id_, n))
            room -= 1
        return new, own, alone

    async def _taken(self, new: Pairs, own: Shares, alone: list[Line], began: float, policy: Policy) -> None:
        claim, due, groups = await self._held.db.write_loosely(self._claimed, new, own, alone, policy)
        self._add(claim, groups, began, policy)
        got = {one.subscription for one in claim.deliveries}
        soon = self._held.now() + LOCKED_MICROS
        for n, at in due.items():
            line = self._held.lines.get(n)
            if line is not None:
                # What is due and was not taken is locked by someone who changes it.
                line.due = at if at is None or n in got else max(at, soon)
                self._held.seek(line)

    def _claimed(
        self, tx: Tx, new: Pairs, own: Shares, alone: list[Line], policy: Policy
    ) -> tuple[Claim, dict[int, int | None], Groups]:
        """What was taken; of those subscriptions that may have more, when that is due; and what is sent together, or in
        this order.
        """
        # In the transaction: nothing that this process erased is taken for known.
        self._held.prepared.valid(self._held.db.epoch)
        lease = self._held.next_lease()
        taken: list[int] = []
        for share, some in own.items():
            taken += queue.take_of(tx, some, share, lease=lease, seconds=policy.lease)
        if new:
            taken += queue.take(tx, [id_ for id_, _ in new], lease=lease, seconds=policy.lease)
        dues: dict[int, int | None] = {}
        groups: Groups = []
        for line in alone:
            assert line.wish is not None
            chosen = rows_alone.take(
                tx, line.n, line.wish.options, line.wish.reached,
                room=self._held.room(line), lease=lease, seconds=policy.lease,
            )  # fmt: skip
            groups += chosen.groups
            dues[line.n] = chosen.due
        claim = queue.brought(tx, taken + [id_ for group in groups for id_ in group], self._held.prepared.known)
        missed = set(new) - {(one.id, one.subscription) for one in claim.deliveries} if len(taken) < len(new) else ()
        concerned = {n for some in own.values() for n in some}.union(claim.parked, (n for _, n in missed))
        found = queue.due(tx, concerned) if concerned else {}
        return claim, {n: found.get(n) for n in concerned} | dues, groups

    def _add(self, claim: Claim, groups: Groups, began: float, policy: Policy) -> None:
        self._held.prepared.add(claim.events)
        for some in in_groups(claim.deliveries, groups):
            one = some[0]
            line = self._held.lines.get(one.subscription)
            if one.cancelled:  # alone in its group
                self._held.settler.add(cancelled(one))
                continue
            if line is not None:
                self._held.lines.readdress(line, one.url)
            # It goes elsewhere by now, or its lane does, or this process stops; or it is behind what stands still.
            if (
                line is None or self._held.draining or line.lane not in self._held.lanes.held
                or (line.ordered and line.n in claim.parked)
            ):  # fmt: skip
                for each in some:
                    self._held.settler.add(unsent(each, 0.0))
                continue
            self._held.queue(Item(one, line, began, policy, others=tuple(some[1:])))
        self._held.prepared.trim()
        self._held.lines.trim()

    def _is_due(self) -> bool:
        due = self._held.lines.next_due
        return due is not None and due <= self._held.now()
