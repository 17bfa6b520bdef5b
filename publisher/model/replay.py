"""What is sent to a webhook again, and what is held back from all."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from publisher.model.base import Frozen


class ReplayState(StrEnum):
    """``running`` until everything it takes has its delivery and none of these is open: then it is ``done``.

    ``paused``: no further deliveries are made until it is resumed; what has its delivery goes on. ``cancelled``: none
    will be, and those that were open are cancelled too.
    """

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class Which(StrEnum):
    """What a replay takes: ``all`` that its webhook follows, or what ``failed`` and has not arrived since: it is dead
    or was cancelled as the webhook was disabled.
    """

    ALL = "all"
    FAILED = "failed"


class Replay(Frozen):
    """Events ``since_seq`` to ``until_seq`` sent to one webhook once more, as a run of its own.

    ``matched`` is how many of them it takes, as far as it has looked, and all once it is ``counted``; ``sent`` is for
    how many there is a delivery by now; ``delivered``, ``dead`` and ``cancelled`` are how many came to that. ``rate``
    is in deliveries a second.
    """

    id: str
    subscription: str
    run: int
    only: Which
    since_seq: int
    until_seq: int
    rate: int
    state: ReplayState
    reason: str | None = None
    by: str
    feeds: tuple[str, ...]
    events: tuple[str, ...] = ()
    counted: bool
    matched: int
    sent: int
    delivered: int
    dead: int
    cancelled: int
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None

    @property
    def remaining(self) -> int:
        """How many are not settled yet, of those it is known to take."""
        return self.matched - self.delivered - self.dead - self.cancelled


class HoldState(StrEnum):
    """``held``: nothing of it begins to be sent. ``cancelling``: what it holds is being cancelled, and it still holds
    it. ``released`` and ``cancelled``: it holds nothing any more.
    """

    HELD = "held"
    CANCELLING = "cancelling"
    RELEASED = "released"
    CANCELLED = "cancelled"


class Hold(Frozen):
    """What must not begin to be sent, who said so, and why.

    What it covers: deliveries to webhooks that follow ``feed``; events of ``source``; the events ``first_seq`` to
    ``last_seq`` (None: no end). Where several are given, what all of them cover; where none is, everything.
    ``cancelled`` is how many deliveries were cancelled by it.
    """

    id: str
    state: HoldState
    feed: str | None = None
    source: str | None = None
    first_seq: int | None = None
    last_seq: int | None = None
    by: str
    reason: str | None = None
    at: datetime
    ended_by: str | None = None
    ended_reason: str | None = None
    ended_at: datetime | None = None
    cancelled: int = 0
