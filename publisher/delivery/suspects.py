"""Suspects: rows that were under way each time that a process ended, sent few at a time and then one by one.

``storage/subscriptions/crashes.py`` finds and counts them, as lanes are taken over. They are found here alone, and
wait in no line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from publisher.delivery.endpoints.parties import Item, cancelled, unsent
from publisher.delivery.endpoints.policy import Policy
from publisher.delivery.held import Held
from publisher.delivery.probing import Probing
from publisher.delivery.taking import POLL_SECONDS
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import crashes, queue
from publisher.storage.subscriptions.crashes import Taken
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.queue import Claim, Follower
from publisher.unbroken import unbroken

ALONE_AFTER = (1.0, 10.0, 60.0)
"""Seconds that a process must have had lanes before it sends a suspect alone: the first time, the second, and from then
on. What makes a process end sooner is something else, and does not count against it."""


class Suspects:
    """Takes them, and begins each with ``begin``, or as a probe where its endpoint's circuit is open."""

    def __init__(
        self, held: Held, begin: Callable[[Item], None], probing: Probing, alone_after: Sequence[float]
    ) -> None:
        self._held = held
        self._begin = begin
        self._probing = probing
        self._alone_after = alone_after
        self._under_way: dict[int, Item] = {}
        self._alone = False
        self._any = False
        self._known = held.known
        self._began_at = float("inf")
        self._looked_at = float("-inf")

    def gained(self) -> None:
        """Lanes are new here: whoever had them may have ended."""
        self._began_at = min(self._began_at, time.monotonic())
        self._any, self._looked_at = True, float("-inf")

    def returned(self, outcomes: Iterable[Outcome]) -> None:
        """What came of these is on record."""
        before = len(self._under_way)
        for one in outcomes if before else ():
            self._under_way.pop(one.id, None)
        if len(self._under_way) < before:
            self._looked_at = float("-inf")
            self._held.wake.set()

    async def look(self) -> None:
        """Take and begin as many as may be under way."""
        if self._known != self._held.known:  # one that goes elsewhere by now may be in other lanes
            self._known, self._any = self._held.known, True
        now = time.monotonic()
        if not self._any or self._held.draining or not self._held.serving or now - self._looked_at < POLL_SECONDS:
            return
        self._under_way = {id_: item for id_, item in self._under_way.items() if not item.dropped}
        room = crashes.TOGETHER - len(self._under_way)
        if room <= 0 or (self._alone and self._under_way):
            return
        self._looked_at = now
        await unbroken(self._take(room))

    async def _take(self, room: int) -> None:
        began, policy = time.monotonic(), self._held.policy
        taken, claim, unknown = await self._held.db.write_loosely(self._taken, room, policy)
        self._any, self._alone = taken.any, taken.alone
        self._held.prepared.add(claim.events)
        for follower in unknown:
            self._held.lines.add(follower, began)
        for one in claim.deliveries:
            line = self._held.lines.get(one.subscription)
            if one.cancelled:
                self._held.settler.add(cancelled(one))
                continue
            if line is not None:
                self._held.lines.readdress(line, one.url)
            if line is None or self._held.draining or line.lane not in self._held.lanes.held:
                self._held.settler.add(unsent(one, 0.0))
                continue
            item = Item(one, line, began, policy, probe=line.endpoint.circuit.open)
            self._under_way[one.id] = item
            if item.probe:
                self._probing.send(item)
            else:
                self._begin(item)

    def _taken(self, tx: Tx, room: int, policy: Policy) -> tuple[Taken, Claim, list[Follower]]:
        self._held.prepared.valid(self._held.db.epoch)
        passed = time.monotonic() - self._began_at
        alone = crashes.ALONE - 1 + sum(passed >= wait for wait in self._alone_after)
        if passed >= self._alone_after[-1]:
            alone = crashes.FATAL
        lease = self._held.next_lease()
        taken = crashes.take(tx, self._held.serving, room, alone=alone, lease=lease, seconds=policy.lease)
        claim = queue.brought(tx, taken.ids, self._held.prepared.known)
        unknown = {one.subscription for one in claim.deliveries if self._held.lines.get(one.subscription) is None}
        return taken, claim, queue.followers(tx, unknown) if unknown else []
