"""Turns: which of the lines that have something to send begin it now, and what has to be there before that."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable

from publisher.delivery.backoff import Backoff
from publisher.delivery.endpoints.parties import Item, Line
from publisher.delivery.held import Held
from publisher.storage.log import events
from publisher.unbroken import unbroken

SURE_SECONDS = 0.9
"""How old what is known may be where the look itself takes long."""

TURN = 64
"""Requests begun in one step of the event loop: some milliseconds in which nothing else is done."""


class Turns:
    """Gives lines their turn, and begins what each may send with ``begin``.

    ``fresh_seconds`` is how old what is known of a delivery may be when it begins.
    """

    def __init__(self, held: Held, backoff: Backoff, begin: Callable[[Item], None], fresh_seconds: float) -> None:
        self._held = held
        self._backoff = backoff
        self._begin = begin
        self._fresh_seconds = fresh_seconds
        self._waiting: list[Line] = []
        self._paced: list[tuple[float, int, Line]] = []
        self._coming = False

    def soon(self) -> None:
        """Take turns in the event loop's next step."""
        if not self._coming:
            self._coming = True
            asyncio.get_running_loop().call_soon(self.take)

    def take(self) -> None:
        """Begin what can begin, some at a time."""
        self._coming = False
        left, slots = TURN, self._held.slots
        now = time.monotonic()
        if self._held.draining or not self._held.settler.keeps_up.is_set() or self._backoff.resting:
            return
        if not self._held.current or now - self._held.known_at > (self._fresh_seconds or SURE_SECONDS):
            self._held.wake.set()
            return
        self._in_their_time(now)
        while slots.ready and left and not slots.full:
            line = slots.ready.popleft()
            line.listed = False
            if not line.items:
                continue
            if line.items[0].held_back_at > self._held.known_at:
                self._held.known_at = float("-inf")  # what is known of it is to be read first
                self._held.wake.set()
                slots.ask(line)
                return
            left -= self._turn_of(line, now)
        if slots.ready and not slots.full:
            self.soon()

    async def load(self) -> None:
        """Load the events of lines whose next one is not in memory any more."""
        lines, self._waiting = self._waiting, []
        wanted = {one.seq for line in lines if line.items for one in line.items[0].rows}
        if wanted:
            self._held.prepared.valid(self._held.db.epoch)
            try:
                self._held.prepared.add(await unbroken(self._held.db.read(events.among, wanted)))
            except BaseException:
                self._waiting += lines
                raise
        for line in lines:
            line.listed = False
            if line.items:
                self._held.slots.ask(line)

    def _turn_of(self, line: Line, now: float) -> bool:
        """Begin the next of a line, if it may; returns whether it did."""
        item = line.items[0]
        if line.lane not in self._held.lanes.held:  # handed back by the next look, or sent where it is back by then
            self._wait(line)
            return False
        if item.dropped or item.lapsed(now):
            self._put_away(line, item)
            return False
        if not self._is_loaded(item):
            self._held.wake.set()  # to be loaded
            self._wait(line)
            return False
        if line.wish is not None and (wait := line.wish.wait(now)) > 0:
            line.listed = True
            heapq.heappush(self._paced, (now + wait, line.n, line))
            asyncio.get_running_loop().call_later(wait, self.take)
            return False
        parties = self._held.slots.take(line)
        if parties is None:
            return False
        if line.wish is not None:
            line.wish.begins(now)
        line.items.popleft()
        self._held.count(-1, (item,))
        item.parties = parties
        self._begin(item)
        if line.items:
            self._held.slots.ask(line)
        self._held.seek(line)
        return True

    def _is_loaded(self, item: Item) -> bool:
        find = self._held.prepared.find
        return find(item.one.seq) is not None and all(find(one.seq) is not None for one in item.others)

    def _wait(self, line: Line) -> None:
        line.listed = True
        self._waiting.append(line)

    def _put_away(self, line: Line, item: Item) -> None:
        """It is stopped, or has waited for too long."""
        if line.ordered and not item.dropped:
            self._held.hand_back(line)  # those behind it go after it
        else:
            line.items.popleft()
            self._held.count(-1, [item])
            if not item.dropped:
                item.dropped = True
                self._held.settle(item, item.unsent(0.0))
            self._held.slots.ask(line)
        self._held.seek(line)

    def _in_their_time(self, now: float) -> None:
        """Those whose pace lets one more begin take their turn."""
        while self._paced and self._paced[0][0] <= now:
            line = heapq.heappop(self._paced)[2]
            line.listed = False
            if line.items:
                self._held.slots.ask(line)
