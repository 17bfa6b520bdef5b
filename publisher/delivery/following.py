"""Following what happens elsewhere: to what is held here, to the lanes of this process, and to the log as a whole."""

from __future__ import annotations

import time
from collections.abc import Iterable

from publisher.delivery.boarding import Boarding
from publisher.delivery.checking import Checking
from publisher.delivery.held import Held
from publisher.delivery.suspects import Suspects
from publisher.delivery.taking import POLL_SECONDS, Taking
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import queue
from publisher.unbroken import unbroken


class Following:
    """Keeps what is held current. ``fresh_seconds`` is how old what is known of a delivery may be when it begins."""

    def __init__(  # noqa: PLR0917 -- the parts of a sender
        self, held: Held, boarding: Boarding, taking: Taking, checking: Checking, suspects: Suspects,
        fresh_seconds: float,
    ) -> None:  # fmt: skip
        self._held = held
        self._boarding = boarding
        self._taking = taking
        self._checking = checking
        self._suspects = suspects
        self._fresh_seconds = fresh_seconds
        self._generation = held.db.generation
        self._lost: frozenset[int] = frozenset()
        self._anew = False
        self._swept_at = float("-inf")

    def lost(self, lanes: frozenset[int]) -> None:
        """These lanes were not this process's for a while, though they may be again before it looks."""
        self._lost |= lanes

    def look_again(self) -> None:
        """Look at all that is open at once, as at the start."""
        self._anew = True
        self._held.wake.set()

    async def changes(self) -> None:
        """Make sure that what is known of what is held is not too old to send by."""
        began = time.monotonic()
        if self._held.current and began - self._held.known_at < self._fresh_seconds / 2:
            return
        await unbroken(self._held.db.refresh())
        known = (self._held.db.changes, self._held.db.epoch)
        if known != self._held.known:
            await unbroken(self._checking.check())
            self._held.known = known
        if self._generation != self._held.db.generation:
            # It is another log, in which numbers may be given out anew: what is open is looked through as at the start.
            self._generation, self._held.serving = self._held.db.generation, frozenset()
            self._taking.forget()
            self._boarding.forget()
        self._held.known_at = began

    async def lanes(self) -> None:
        """Look through all that is open in lanes that are new here, and hand back what is of others."""
        if self._lost:
            lost, self._lost = self._lost, frozenset()
            self._held.serving -= lost
            self._boarding.keep(self._held.serving)
        lanes = self._boarding.ready(self._held.lanes.held)
        if lanes == self._held.serving and not self._anew:
            return
        if self._anew:  # and not before: a look that is under way goes on with what it knows
            self._anew, self._held.serving = False, frozenset()
        gained = lanes - self._held.serving
        self._held.lines.moved(gained)
        self._boarding.keep(lanes)
        for line in list(self._held.lines):
            if line.lane not in lanes:
                self._held.hand_back(line)
                if line.idle or not line.under_way:
                    line.due = None
                    if not line.listed:
                        self._held.lines.remove(line)
        if gained:
            found, end = await unbroken(self._held.db.read(self._open_in, gained))
            now = time.monotonic()
            for follower, due in found:
                self._held.lines.more(self._held.lines.add(follower, now), due)
            self._taking.begin(end)
            self._suspects.gained()
        self._held.serving = lanes

    def let_go_of_old(self) -> None:
        """Hand back what has waited for longer than it may: a lease must outlast its attempt, a parcel close."""
        now = time.monotonic()
        if now - self._swept_at < min(POLL_SECONDS, self._held.policy.queue / 4):
            return
        self._swept_at = now
        for line in self._held.lines:
            if line.items and line.items[0].lapsed(now):
                self._held.hand_back(line)

    def _open_in(self, tx: Tx, lanes: Iterable[int]) -> tuple[list[tuple[queue.Follower, int]], queue.Place]:
        # In this order: what is written in between is seen twice, and not missed.
        end = queue.place(tx)
        self._boarding.gain(tx, lanes)
        return queue.waiting(tx, list(lanes)), end
