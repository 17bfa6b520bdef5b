"""What may be sent to a subscription again: what it had a right to then, and has now.

Nothing that was judged is judged again, but where a narrower filter asks for it: what an event was to a filter is
stored. What nobody followed at the time, as the events that a disabled webhook has missed, is judged by the definitions
in force. To a subscription without an operator's right an event is what public feeds show of it now, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publisher.clock import to_micros
from publisher.model import Change, Event, EventType, FeedDefinition, Filter, Match, Role
from publisher.selection import Judge
from publisher.storage.access import keys
from publisher.storage.configuration import in_force
from publisher.storage.configuration.in_force import Standing
from publisher.storage.engine.database import Tx
from publisher.storage.engine.values import AnyRow
from publisher.storage.subscriptions import tenure
from publisher.storage.subscriptions.tenure import Tenure


@dataclass(frozen=True, slots=True)
class Right:
    """What a subscription may be sent again: by the definitions in force, and by which roles its owner has and had."""

    feeds: Mapping[str, FeedDefinition]
    standing: Standing
    tenure: Tenure
    role: Role | None

    @classmethod
    def of(cls, tx: Tx, owner: str, granted: Role | None, after: int) -> Right:
        """Of an owner, for events above ``after``."""
        role = keys.role(tx, owner, granted)
        return cls(in_force.present(tx), in_force.standing(tx, after), tenure.of(tx, owner, granted), role)

    def judge(self) -> Judge:
        """What events are by it."""
        return Judge(self.feeds, self.standing.removed, self.standing.closed, self.standing.opened)

    @property
    def all(self) -> bool:
        """Whether it may be sent what private feeds show."""
        return self.role is Role.OPERATOR

    def at(self, event: Event) -> Role | None:
        """The role that counts for an event: what its owner has now, and no more than it had then."""
        return tenure.lowest(self.role, self.tenure.at(to_micros(event.timestamp)))


@dataclass(frozen=True, slots=True)
class Known:
    """What an event was to a filter, as it is stored: ``match``, None where nothing is; ``withheld``: it is not for
    those who follow by it after all.
    """

    match: Match | None = None
    withheld: bool = False

    @classmethod
    def of(cls, row: AnyRow | None) -> Known:
        """As it is stored."""
        if row is None:
            return cls()
        return cls(Match(EventType(row.type), Change(row.change), row.summary), row.reason is not None)


def what(event: Event, filter: Filter, known: Known, right: Right, judge: Judge, *, narrowed: bool) -> Match | None:
    """What an event is to a subscription that it is sent to again by this filter; None: it is not for it.

    ``known`` is what it was to the filter that was followed; ``narrowed``: this one is narrower than that.
    """
    role = right.at(event)
    if role is None or known.withheld:
        return None
    then = None if narrowed else known.match
    if event.erased:  # it can be judged no more; what takes it away holds its id alone
        return then if then is not None and then.change is Change.LEFT else None
    # Without feeds it is a notice, which is about the subscription itself.
    if not filter.feeds or (then is not None and role is Role.OPERATOR):
        return then
    now = None if event.quiet else judge.follow(filter, event, public=role is not Role.OPERATOR)
    if now is not None and now.held is not None:
        return None
    return then if now is not None and then is not None and _covers(now, then) else now


def _covers(match: Match, then: Match) -> bool:
    """Whether what is sent by ``then`` is no more than ``match`` allows."""
    return (match.type, match.change) == (then.type, then.change) and (then.summary or not match.summary)
