"""What should be there of deliveries, said in plain terms, for tests in which anything may happen."""

from __future__ import annotations

from dataclasses import dataclass, field

from publisher.model import Change, Event, EventType, Match
from publisher.storage.subscriptions.fanout import Followed
from support.parcels import Pair


@dataclass
class Follower:
    """What is known of a subscription: its feed (None while it follows none), and how it stands."""

    n: int
    id: str
    feed: str
    state: str = "active"  # or "still", "lost", "disabled", "deleted"
    public: bool = False

    @property
    def follows(self) -> bool:
        """Whether it is sent what comes next."""
        return self.state in {"active", "still"}


@dataclass
class Made:
    """What is known of an event."""

    feed: str
    private: bool
    held: bool
    subject: str
    erased: bool = False


@dataclass
class Model:
    """What should be there."""

    followers: dict[int, Follower] = field(default_factory=dict)
    events: dict[int, Made] = field(default_factory=dict)
    expected: set[Pair] = field(default_factory=set)
    may_be_cancelled: set[Pair] = field(default_factory=set)
    unsure: set[Pair] = field(default_factory=set)
    """Of these either is right: that they are expected, and that they are not."""

    def of(self, *states: str) -> list[Follower]:
        """Those in one of these states."""
        return [one for one in self.followers.values() if one.state in states]

    def appended(self, seq: int, made: Made) -> None:
        """An event is in the log."""
        self.events[seq] = made
        self.expected |= {
            (seq, one.n)
            for one in self.followers.values()
            if one.follows and one.feed == made.feed and not (made.private and one.public)
        }

    def ended(self, one: Follower, state: str) -> None:
        """It follows no more, and what is open of it is cancelled."""
        one.state = state
        self.may_be_cancelled |= {pair for pair in self.expected if pair[1] == one.n}

    def matches(self, event: Event, one: Followed) -> Match | None:
        """What an event is to a filter, as the fan-out judges."""
        made = self.events.get(event.seq or 0)
        if made is None or made.feed not in one.filter.feeds or (made.private and one.public):
            return None
        held = made.feed if made.held else None
        return Match(EventType.ARTICLE_PUBLISHED, Change.ENTERED, held=held)
