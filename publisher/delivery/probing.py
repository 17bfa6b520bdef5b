"""Probing: an endpoint whose circuit is open is sent one delivery now and then, whenever that is due."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from publisher.delivery.endpoints.parties import Endpoint, Item, Line, cancelled
from publisher.delivery.endpoints.policy import Policy
from publisher.delivery.held import Held, in_groups
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import alone, queue
from publisher.storage.subscriptions.queue import Claim
from publisher.unbroken import unbroken

PROBES, PROBES_AT_HOST = 16, 4
"""Probes under way at most, in all and to one host."""

FAULT_SECONDS = 1.0
"""How long until the next probe of an endpoint whose probe told nothing."""


class Probing:
    """Takes probes, and begins each with ``begin``; ``turn`` begins what else can begin in between."""

    def __init__(self, held: Held, begin: Callable[[Item], None], turn: Callable[[], None]) -> None:
        self._held = held
        self._begin = begin
        self._turn = turn
        self._probes: Counter[str] = Counter()

    def send(self, item: Item) -> None:
        """Begin this probe."""
        item.endpoint.circuit.probing = True
        self._probes[item.endpoint.host.name] += 1
        self._begin(item)

    def over(self, item: Item) -> None:
        """The end of a probe."""
        self._probes[item.endpoint.host.name] -= 1
        if item.endpoint.circuit.probing:  # it told nothing: the pace stays
            item.endpoint.circuit.probing = False
            item.endpoint.circuit.probe_at = time.monotonic() + FAULT_SECONDS

    async def probe(self) -> None:
        """Send each probe that is due, as far as there may be more."""
        now = time.monotonic()
        for endpoint in self._held.lines.to_probe(now):
            circuit, host = endpoint.circuit, endpoint.host.name
            if self._probes.total() >= PROBES:
                return
            if not circuit.probing and not self._held.draining and self._probes[host] < PROBES_AT_HOST:
                await unbroken(self._probe_one(endpoint))
                self._turn()

    async def _probe_one(self, endpoint: Endpoint) -> None:
        newest = endpoint.circuit.probe()
        began, policy = time.monotonic(), self._held.policy
        # The first in order is a probe at the times of its own schedule.
        own = [line for line in endpoint.lines.values() if line.due is not None and not line.ordered]
        try:
            claim, left = await self._held.db.write_loosely(self._probed, own, newest, policy)
        except BaseException:
            endpoint.circuit.unanswered(time.monotonic())
            raise
        self._held.prepared.add(claim.events)
        for n, at in left.items():
            if (line := self._held.lines.get(n)) is not None:
                line.due = at
        begun = False
        for some in in_groups(claim.deliveries, [[one.id for one in claim.deliveries]]):
            line = self._held.lines.get(some[0].subscription)
            if some[0].cancelled:
                self._held.settler.add(cancelled(some[0]))
            elif line is not None:
                self.send(Item(some[0], line, began, policy, probe=True, others=tuple(some[1:])))
                begun = True
        if not begun:
            endpoint.circuit.unanswered(time.monotonic())

    def _probed(self, tx: Tx, own: list[Line], newest: bool, policy: Policy) -> tuple[Claim, dict[int, int | None]]:
        """One delivery of the first of these subscriptions that has any; and when those before it have one again."""
        self._held.prepared.valid(self._held.db.epoch)
        lease = self._held.next_lease()
        for place, line in enumerate(own):
            taking = alone.probe if line.alone else queue.probe
            taken = taking(tx, line.n, newest=newest, lease=lease, seconds=policy.lease)
            if taken:
                return queue.brought(tx, taken, self._held.prepared.known), self._due_of(tx, own[:place])
        return Claim(), self._due_of(tx, own)

    @staticmethod
    def _due_of(tx: Tx, own: list[Line]) -> dict[int, int | None]:
        found = queue.due(tx, [line.n for line in own]) if own else {}
        return {line.n: found.get(line.n) for line in own}
