"""Whom a request under way counts for: a subscription, its endpoint, the endpoint's host, its owner.

What a party holds is time: a place for as long as a request lasts. One that answers quickly and with success gives its
places back before others miss them, and is not held to the bounds of hosts and endpoints; one that is slow, or not
known yet, is, and gets none of the places that are kept for the quick (``slots.py``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from publisher.delivery.endpoints.circuit import Circuit
from publisher.delivery.endpoints.policy import Policy
from publisher.delivery.endpoints.wish import Wish
from publisher.model.options import Options
from publisher.model.subscription import endpoint_host
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.parcels import Parcel
from publisher.storage.subscriptions.queue import Claimed, Follower

if TYPE_CHECKING:
    from publisher.outbound import Sending

QUICK_SECONDS = 0.25
"""Who answers within this, on average, and took the last request, is quick."""

ABOARD_SECONDS = 60.0
"""How long a seat of a parcel may wait in memory for its turn: then it becomes a row, so that its parcel can close."""

KEPT = 16_384

_NEVER = float("-inf")

Key = tuple[str, str, int | None, str]


class Party:
    """How much is under way for it, and the lines that wait for a place with it."""

    __slots__ = ("quick", "seconds", "slow", "under_way", "waiting")

    def __init__(self) -> None:
        self.under_way = 0
        self.slow = 0
        """How much of it is under way to endpoints that are slow or not known yet: bounds are on that."""
        self.waiting: deque[Line] | None = None
        """Made where there are any: an empty one takes 760 bytes, and there may be 100,000 endpoints."""
        self.seconds: float | None = None
        """How long its requests last on average; None where none was answered yet."""
        self.quick = False

    def took(self, seconds: float, *, taken: bool) -> None:
        """Learn how long a request lasted, and whether it was answered with a success."""
        self.seconds = seconds if self.seconds is None else (self.seconds * 3 + seconds) / 4
        self.quick = taken and self.seconds <= QUICK_SECONDS

    @property
    def idle(self) -> bool:
        """Whether nothing of it is under way or waits."""
        return not self.under_way and not self.waiting


class Endpoint(Party):
    """What is sent to by (scheme, host, port, path): connections, pace and circuit are its own."""

    __slots__ = ("circuit", "host", "key", "lines")

    def __init__(self, key: Key, host: Host) -> None:
        super().__init__()
        self.key = key
        self.host = host
        self.circuit = Circuit()
        self.lines: dict[int, Line] = {}


class Host(Party):
    """A machine, whatever the port."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class Owner(Party):
    """Who registered webhooks."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class Line:
    """What waits in memory for one subscription (its ``n``), in the order in which it is sent.

    ``known`` is the subscription as it is on record, None where that may have changed. ``due`` is when the database has
    more of it (microseconds by its clock), None while it has none; ``sought`` is when that is looked for. ``under_way``
    counts what goes to its present endpoint. ``failing``: its last attempt failed. ``listed``: it stands
    among those that can be sent to, or waits for a place. ``wish`` is what it asked for, None for most.
    """

    __slots__ = (
        "due", "endpoint", "failing", "items", "known", "lane", "listed", "n", "owner", "sought", "under_way", "wish",
    )  # fmt: skip

    def __init__(self, known: Follower, endpoint: Endpoint, owner: Owner) -> None:
        self.n = known.n
        self.lane = known.lane
        self.known: Follower | None = known
        self.endpoint = endpoint
        self.owner = owner
        self.items: deque[Item] = deque()
        self.under_way = 0
        self.failing = known.failures > 0
        self.due: int | None = None
        self.sought: int | None = None
        self.listed = False
        self.wish: Wish | None = None
        endpoint.lines[self.n] = self

    def wants(self, options: Options | None) -> None:
        """Go by these options from now on. What was remembered of the log may not hold any more."""
        if options is None:
            self.wish = None
        elif self.wish is None or self.wish.options != options:
            self.wish = Wish(options)
        else:
            self.wish.reached.seq = 0

    @property
    def ordered(self) -> bool:
        """Whether it is sent one at a time, in the order of the log."""
        return self.wish is not None and self.wish.options.ordered

    @property
    def alone(self) -> bool:
        """Whether its rows are chosen by what it asked for."""
        return self.wish is not None and self.wish.options.alone

    @property
    def idle(self) -> bool:
        """Whether it could be forgotten."""
        return not self.items and not self.under_way and self.due is None and not self.listed

    def move(self, endpoint: Endpoint) -> None:
        """Be sent to another endpoint from now on; what is under way to the old one is no concern of the new."""
        self.endpoint.lines.pop(self.n, None)
        self.endpoint = endpoint
        self.under_way = 0
        endpoint.lines[self.n] = self


class Item:
    """``one`` since ``claimed_at`` (monotonic): a row under its lease, by the ``policy`` that this was made for, or a
    ``seat`` of a ``parcel``; ``others`` are rows that are sent with it, in a batch.

    ``begun``: something of it has been written to a connection; ``cut``: it was cut off by our own stop. ``dropped``:
    it must not be sent any more, and was settled or belongs to someone else. ``held_back_at`` is when it was last found
    that what is known of it is too old to send it by.
    """

    __slots__ = (
        "at", "begun", "claimed_at", "cut", "dropped", "endpoint", "held_back_at", "line", "one", "others", "parcel",
        "parties", "policy", "probe", "seat", "sending",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 -- one is made for every delivery
        self, one: Claimed, line: Line, claimed_at: float, policy: Policy, parcel: Parcel | None = None, seat: int = 0,
        *, probe: bool = False, others: tuple[Claimed, ...] = (),
    ) -> None:  # fmt: skip
        self.one = one
        self.others = others
        self.line = line
        self.endpoint = line.endpoint
        self.claimed_at = claimed_at
        self.policy = policy
        self.parcel = parcel
        self.seat = seat
        self.probe = probe
        self.begun = False
        self.cut = False
        self.dropped = False
        self.held_back_at = _NEVER
        self.at: datetime | None = None
        self.parties: tuple[Party, ...] = ()
        self.sending: Sending | None = None

    @property
    def rows(self) -> tuple[Claimed, ...]:
        """All that is sent with this request."""
        return (self.one, *self.others) if self.others else (self.one,)

    def outcomes(self, what: Outcome) -> Iterator[Outcome]:
        """What became of the first, and the same of each that was sent with it."""
        yield what
        for one in self.others:
            yield _echo(one, what)

    def lapsed(self, now: float) -> bool:
        """Whether it has waited for so long that its lease would not outlast the attempt, or its parcel is to be closed
        without it; ``now`` is monotonic.
        """
        return now - self.claimed_at > (self.policy.queue if self.parcel is None else ABOARD_SECONDS)

    def unsent(self, wait: float) -> Outcome:
        """As :func:`unsent`; a seat becomes a row."""
        if self.parcel is None:
            return unsent(self.one, wait)
        n = self.one.subscription
        return Outcome(0, "", "pending", wait=wait, subscription=n, parcel=self.parcel, seat=self.seat)


def unsent(one: Claimed, wait: float) -> Outcome:
    """Not sent, or not to its end: it goes back as it was for ``wait`` seconds, and the attempt does not count."""
    state: Literal["pending", "retrying"] = "pending" if one.number == 1 else "retrying"
    return Outcome(one.id, one.lease, state, wait=wait, subscription=one.subscription)


def _echo(one: Claimed, what: Outcome) -> Outcome:
    same = what._replace(id=one.id, lease=one.lease, echo=True)
    if what.number:
        same = same._replace(number=one.number)
    if what.state in {"pending", "retrying"}:
        tried = one.number > 1 or (what.number and not what.probe)
        same = same._replace(state="retrying" if tried else "pending")
    return same


def cancelled(one: Claimed) -> Outcome:
    """Not sent, and not to be sent: what was claimed says why."""
    return Outcome(one.id, one.lease, "cancelled", reason=one.cancelled)


@lru_cache(KEPT)
def key_of(url: str) -> Key:
    """Which endpoint a URL is: its query is no part of that."""
    parts = urlsplit(url)
    return parts.scheme, endpoint_host(url), parts.port, parts.path


host_of = lru_cache(KEPT)(endpoint_host)
"""The host of a URL, whatever its port: many ports are still one machine."""
