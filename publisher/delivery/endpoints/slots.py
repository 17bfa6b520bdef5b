"""Which line may send now: bounds in all, and for each subscription, endpoint, host and owner."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from publisher.delivery.endpoints.parties import Endpoint, Host, Line, Owner, Party

RESERVED = 1 / 4
"""The share of all places that only the quick may take."""

RESUMED_AT = 3 / 4
"""Who waits for a party that was full is looked at again once no more than this share of its places is taken."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Requests under way at most: in all, to one subscription and to one endpoint, to one host, and of one owner."""

    slots: int = 4096
    endpoint: int = 10
    host: int = 64
    owner: int = 2048


class Slots:
    """Gives places, and keeps those who find none until there is one."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._common = max(1, int(bounds.slots * (1 - RESERVED)))
        self._any = Party()
        self._slow = Party()
        self.ready: deque[Line] = deque()
        """Those that can be sent to, in turn."""

    @property
    def under_way(self) -> int:
        """How many places are taken."""
        return self._any.under_way

    @property
    def full(self) -> bool:
        """Whether none is left, not even for the quick."""
        return self._any.under_way >= self.bounds.slots

    def ask(self, line: Line) -> None:
        """Let a line that has something to send take its turn; nothing happens if it does already."""
        if not line.listed:
            line.listed = True
            self.ready.append(line)

    def take(self, line: Line) -> tuple[Party, ...] | None:
        """Places with everyone concerned, to be given back together; None where one is full, which then lists it."""
        endpoint, host, bounds = line.endpoint, line.endpoint.host, self.bounds
        # Who is not known yet is as quick as its host.
        quick = endpoint.quick or (endpoint.seconds is None and host.quick)
        most = None if line.wish is None else line.wish.most
        if line.under_way >= (bounds.endpoint if most is None else min(most, bounds.endpoint)):
            return None  # it comes back with the next of its own that ends
        if not quick:
            for party, most in (
                (endpoint, bounds.endpoint),
                (host, bounds.host),
                (line.owner, bounds.owner),
                (self._slow, self._common),
            ):
                if party.slow >= most:
                    if party.waiting is None:
                        party.waiting = deque()
                    party.waiting.append(line)
                    line.listed = True
                    return None
        parties: tuple[Party, ...] = (self._any, endpoint, host, line.owner, *(() if quick else (self._slow,)))
        for party in parties:
            party.under_way += 1
            party.slow += not quick
        line.under_way += 1
        return parties

    def give_back(self, line: Line, parties: Collection[Party]) -> None:
        """The end of a request: those who waited for one of its places take their turn."""
        if line.endpoint in parties:  # else it is sent to elsewhere by now
            line.under_way = max(0, line.under_way - 1)
        slow = self._slow in parties
        for party in parties:
            party.under_way -= 1
            party.slow -= slow
            if party.waiting and party.slow <= self._most(party) * RESUMED_AT:
                self._resume(party)
        if line.items:
            self.ask(line)

    def _most(self, party: Party) -> int:
        if party is self._slow:
            return self._common
        match party:
            case Endpoint():
                return self.bounds.endpoint
            case Host():
                return self.bounds.host
            case Owner():
                return self.bounds.owner
        return self.bounds.slots

    def _resume(self, party: Party) -> None:
        # All of them: each that finds this one full again, or another, waits there.
        while party.waiting:
            self.ready.append(party.waiting.popleft())
        party.waiting = None
