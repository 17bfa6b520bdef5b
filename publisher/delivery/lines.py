"""What this process knows of the subscriptions it sends for: their lines, endpoints, hosts and owners.

Only those with something to do are kept for certain; of the others, those used last.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator

from cachetools import LRUCache

from publisher.delivery.endpoints import wish
from publisher.delivery.endpoints.parties import Endpoint, Host, Key, Line, Owner, key_of
from publisher.storage.subscriptions.alone import Reached
from publisher.storage.subscriptions.lanes import lane_of
from publisher.storage.subscriptions.queue import Follower

KEPT = 16_384
"""Lines kept that have nothing to do, and subscriptions of other processes that are remembered as such."""


class Lines:
    """All lines in memory, and when each has more in the database."""

    def __init__(self) -> None:
        self._lines: OrderedDict[int, Line] = OrderedDict()
        self._endpoints: dict[Key, Endpoint] = {}
        self._hosts: dict[str, Host] = {}
        self._owners: dict[str, Owner] = {}
        self._failing: set[Endpoint] = set()
        self.in_order: set[int] = set()
        """Those that are sent one at a time: what waits for them can go once the one before is settled."""
        self._due: list[tuple[int, int]] = []
        self._trimmed_at = KEPT
        self._elsewhere: LRUCache[int, bool] = LRUCache(KEPT)

    def __contains__(self, n: int) -> bool:
        """Whether it is known whose subscription this is, if only as that of another process."""
        return n in self._lines or n in self._elsewhere

    def __iter__(self) -> Iterator[Line]:
        """Every line."""
        return iter(self._lines.values())

    def unknown(self, n: int) -> bool:
        """Whether this subscription is to be read before anything of it is taken."""
        line = self._lines.get(n)
        return n not in self._elsewhere if line is None else line.known is None

    def get(self, n: int) -> Line | None:
        """The line of a subscription; None for one of another process."""
        return self._lines.get(n)

    def add(self, one: Follower, now: float) -> Line:
        """The line of a subscription that this process sends for, as it is on record; ``now`` is monotonic."""
        self._elsewhere.pop(one.n, None)
        endpoint = self._endpoint(one.url)
        line = self._lines.get(one.n)
        if line is None:
            owner = self._owners.get(one.owner)
            if owner is None:
                owner = self._owners[one.owner] = Owner(one.owner)
            line = self._lines[one.n] = Line(one, endpoint, owner)
        line.lane, line.known = one.lane, one
        line.wants(wish.of(one.options))
        (self.in_order.add if line.ordered else self.in_order.discard)(line.n)
        line.failing |= one.failures > 0
        if line.endpoint is not endpoint:
            self._move(line, endpoint)
        endpoint.circuit.known(one.failures, now)
        if endpoint.circuit.open:
            self._failing.add(endpoint)
        return line

    def failing(self, endpoint: Endpoint) -> None:
        """Its circuit has opened."""
        self._failing.add(endpoint)

    def to_probe(self, now: float) -> list[Endpoint]:
        """The endpoints whose circuit is open and that a probe is due for; few, so that others cost nothing."""
        self._failing = {one for one in self._failing if one.circuit.open and self._endpoints.get(one.key) is one}
        return [one for one in self._failing if one.circuit.probe_at <= now]

    def elsewhere(self, n: int) -> None:
        """Another process sends for this one."""
        self._elsewhere[n] = True

    def moved(self, gained: Collection[int]) -> None:
        """Forget what others send for, and what is known of those in lanes that were gained: others sent for them.

        What each asked for goes on to hold until it is read again, which is before more of it is taken.
        """
        self._elsewhere.clear()
        for line in self._lines.values():
            if line.lane in gained:
                line.known = None
                if line.wish is not None:
                    line.wish.reached = Reached()

    def readdress(self, line: Line, url: str) -> None:
        """Send to this URL from now on, if this process is to send there."""
        if key_of(url) != line.endpoint.key:
            self._move(line, self._endpoint(url))
            line.lane = lane_of(url)

    def remove(self, line: Line) -> None:
        """Forget a line."""
        self._lines.pop(line.n, None)
        self.in_order.discard(line.n)
        line.endpoint.lines.pop(line.n, None)
        self._forget(line.endpoint)

    def more(self, line: Line, due: int | None) -> None:
        """Note when the database has more of it (microseconds), None if it has nothing."""
        line.due = due
        if due is not None and (line.sought is None or due < line.sought):
            line.sought = due
            heapq.heappush(self._due, (due, line.n))

    @property
    def next_due(self) -> int | None:
        """When the next of those that have more is due (microseconds)."""
        while self._due:
            due, n = self._due[0]
            line = self._lines.get(n)
            if line is not None and line.sought == due:
                return due
            heapq.heappop(self._due)
        return None

    def due(self, now: int) -> Iterator[Line]:
        """Each that has more that is due, those longest due first; none twice, unless it is noted anew."""
        while (due := self.next_due) is not None and due <= now:
            line = self._lines[heapq.heappop(self._due)[1]]
            line.sought = None
            if line.due is not None:
                yield line

    def used(self, line: Line) -> None:
        """It had something to do."""
        self._lines.move_to_end(line.n)

    def trim(self) -> None:
        """Forget the lines with nothing to do that were not used for longest, and whoever is left without a line."""
        if len(self._lines) <= self._trimmed_at:
            return
        surplus = len(self._lines) - KEPT
        for line in [line for line in self._lines.values() if line.idle and not line.endpoint.circuit.open][:surplus]:
            self.remove(line)
        used = [line.endpoint for line in self._lines.values()]
        self._endpoints = {one.key: one for one in (*used, *self._busy(self._endpoints.values()))}
        self._hosts = {one.host.name: one.host for one in self._endpoints.values()}
        self._owners = {line.owner.name: line.owner for line in self._lines.values()}
        # So that going through all of them is paid by many, also where most are busy.
        self._trimmed_at = max(KEPT, len(self._lines)) * 5 // 4

    def _move(self, line: Line, endpoint: Endpoint) -> None:
        before = line.endpoint
        line.move(endpoint)
        self._forget(before)

    def _forget(self, endpoint: Endpoint) -> None:
        """Forget an endpoint that no line goes to: what was known of it may not hold when one does again."""
        if not endpoint.lines and self._endpoints.get(endpoint.key) is endpoint:
            del self._endpoints[endpoint.key]

    @staticmethod
    def _busy(endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
        return (one for one in endpoints if not one.idle or one.circuit.open)

    def _endpoint(self, url: str) -> Endpoint:
        key = key_of(url)
        found = self._endpoints.get(key)
        if found is None:
            host = self._hosts.get(key[1])
            if host is None:
                host = self._hosts[key[1]] = Host(key[1])
            found = self._endpoints[key] = Endpoint(key, host)
        return found
