"""Who may be told of what: by the role of a subscription's owner, and by what is public now.

A subscription may follow a feed as long as some key in force of its owner, or a role that it was granted beside them,
allows it. That is judged for each event as it is fanned out; here, for all that is open, in the transaction that takes
a right away. Lost rights cancel (``access``); rights that are back hold from the next event on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from publisher import selection, telemetry
from publisher.model import Cause, Event, FeedDefinition, Filter, Key, Match, Role
from publisher.selection import Judge, visible
from publisher.storage.access import keys
from publisher.storage.configuration import in_force
from publisher.storage.configuration.in_force import Moved
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import deliveries, rights, stretches, subscriptions
from publisher.storage.subscriptions.rights import Holder

log = telemetry.logger(__name__)

CHUNK = 50
"""Events loaded at once to be judged again; each holds its item."""

Feeds = Mapping[str, FeedDefinition]
Stored = Mapping[int, Match]


def create_key(tx: Tx, role: Role, owner: str, *, private_networks: bool | None = None) -> tuple[Key, str]:
    """A new key and its secret; what its owner may follow by it, its subscriptions do from the next event on.

    ``private_networks`` as :func:`keys.create` has it.
    """
    made = keys.create(tx, role, owner, private_networks=private_networks)
    review(tx, owner)
    return made


def revoke_key(tx: Tx, id: str, *, keep_webhooks: bool = False) -> Key:
    """Revoke a key; what its owner may not follow by its others is sent to it no more. Raises NotFound.

    With ``keep_webhooks`` its owner's subscriptions go on as long as they are there.
    """
    key = keys.revoke(tx, id)
    if keep_webhooks:
        stretches.hold(tx)
        rights.grant(tx, key.owner, key.role)
    review(tx, key.owner)
    return key


def adopt(tx: Tx, feeds: Feeds) -> Moved:
    """Go by these definitions from now on: what they close is stopped, what they strand stands still."""
    stretches.hold(tx)
    moved = in_force.describe(tx, feeds)
    if moved.rewritten:
        rights.judge_again(tx)
    if moved:
        rights.lock(tx, [one.n for one in rights.holders(tx, feeds=moved.names)])
        rights.release(tx, moved.added)
        pause_stranded(tx, moved.names)
        review(tx, moved=moved)
    return moved


def misplaced(tx: Tx) -> bool:
    """Whether there is anything for :func:`pause_stranded` to do."""
    feeds = in_force.present(tx)
    amiss = subscriptions.stranded(tx, feeds, 1) or subscriptions.returned(tx, feeds, 1)
    return bool(amiss) and in_force.complete(tx)


def pause_stranded(tx: Tx, moved: Collection[str] | None = None) -> tuple[int, int]:
    """Let stand still whatever follows no feed that is there, and go on what follows one again; returns how many.

    ``moved``: the feeds whose followers are looked at; by default, all.
    """
    stretches.hold(tx)
    feeds = in_force.present(tx)
    if not in_force.complete(tx):
        return 0, 0
    still: dict[str, list[int]] = {}
    again = []
    for one in rights.holders(tx, feeds=moved):
        there = any(name in feeds for name in one.filter.feeds)
        if not there and one.cause is None:
            still.setdefault(removed(one.filter.feeds), []).append(one.n)
        elif there and one.cause is Cause.FEEDS:
            again.append(one.n)
    rights.lock(tx, [n for own in still.values() for n in own] + again)
    rights.stand_still(tx, still)
    for reason, own in still.items():
        log.warning("webhook.paused", webhooks=len(own), reason=reason)
    if again:
        rights.go_on(tx, again)
        log.info("webhook.resumed", webhooks=len(again))
    return sum(map(len, still.values())), len(again)


def removed(feeds: Collection[str]) -> str:
    """The reason, in words, where all of these feeds were removed."""
    names = in_force.names(feeds)
    return f"the feed {names} was removed" if len(feeds) == 1 else f"the feeds {names} were removed"


@dataclass(slots=True)
class Verdicts:
    """Subscriptions that have to be changed. ``lost``: by the reason in words, those that may follow nothing.

    ``back``: those that may follow something again, by whether that is public feeds alone. ``fallen`` and ``risen``:
    those that may follow private feeds no more, or from now on. ``narrowed``: those with a feed that was just closed.
    """

    lost: dict[str, list[Holder]] = field(default_factory=dict)
    back: dict[bool, list[Holder]] = field(default_factory=dict)
    fallen: list[Holder] = field(default_factory=list)
    risen: list[Holder] = field(default_factory=list)
    narrowed: list[Holder] = field(default_factory=list)

    @property
    def all(self) -> list[Holder]:
        """Each of them."""
        groups = (*self.lost.values(), *self.back.values(), self.fallen, self.risen, self.narrowed)
        return [one for group in groups for one in group]


def review(tx: Tx, owner: str | None = None, *, moved: Moved | None = None) -> None:
    """Judge anew what subscriptions may follow: all, or one owner's, or those of feeds that were just ``moved``.

    Before the first start after an upgrade not all definitions are known: then only those lose something whose owner
    has no right left, and the rest is judged at that start.
    """
    closed = moved.closed if moved else frozenset[str]()
    last, done = stretches.hold(tx)
    roles, private, feeds = keys.roles(tx, owner), in_force.closed(tx), in_force.present(tx)
    held = rights.holders(tx, owner, moved.names if moved else None)
    if not in_force.complete(tx):
        held = [one for one in held if keys.highest(roles.get(one.owner), one.granted) is None]
    found = _verdicts(held, roles, feeds, private, closed)
    rights.lock(tx, [one.n for one in found.all])
    for refusal, own in found.lost.items():
        rights.lose(tx, [one.n for one in own], refusal, last)
    for public, own in found.back.items():
        rights.regain(tx, own, public=public, last=last)
    rights.raise_(tx, found.risen, last)
    if found.fallen:
        rights.lower(tx, found.fallen, done)
    if found.lost or found.fallen or found.narrowed:
        rights.judge_again(tx)
        _take_back(tx, found.fallen + found.narrowed, feeds, done, closed=closed)
    lowered = [one for one in found.fallen if not private.isdisjoint(one.filter.feeds)]
    rights.owe(tx, [one.n for one in lowered + found.narrowed])


def _verdicts(
    held: Iterable[Holder], roles: Mapping[str, Role], feeds: Feeds, private: Collection[str], closed: Collection[str]
) -> Verdicts:
    found = Verdicts()
    for one in held:
        role = keys.highest(roles.get(one.owner), one.granted)
        public = role is not Role.OPERATOR
        refusal = _refusal(one.filter, feeds, private, role)
        if refusal is not None:
            if one.cause is not Cause.ACCESS:
                found.lost.setdefault(refusal, []).append(one)
        elif one.cause is Cause.ACCESS:
            if not feeds.keys().isdisjoint(one.filter.feeds):  # with none of them there, there is nothing to go on with
                found.back.setdefault(public, []).append(one)
        elif one.public is not public:
            (found.fallen if public else found.risen).append(one)
        elif public and not set(closed).isdisjoint(one.filter.feeds):
            found.narrowed.append(one)
    return found


def withheld(tx: Tx, id: str) -> list[str]:
    """The feeds of a subscription that its owner may not follow now."""
    found = subscriptions.get(tx, id)
    if found is None:
        return []
    role = keys.role(tx, found.owner, found.granted)
    private = in_force.closed(tx)
    return [name for name in found.filter.feeds if role is None or (name in private and role is not Role.OPERATOR)]


def confidential(tx: Tx, feeds: Collection[str]) -> list[str]:
    """Those of these feeds that only operators may follow, or might when they were removed."""
    private = in_force.closed(tx, removed=True)
    return [name for name in feeds if name in private]


def _refusal(filter: Filter, feeds: Feeds, private: Collection[str], role: Role | None) -> str | None:
    """Why a role may follow none of a filter's feeds, in words; None if it may. Feeds that are not there count for
    nothing: what follows no other stands still."""
    if role is None:
        return subscriptions.NO_KEY
    known = [name for name in filter.feeds if name in feeds]
    if role is Role.OPERATOR or not known or visible(filter, feeds, private):
        return None
    return f"only operators may follow {in_force.names(known)} now"


def _take_back(tx: Tx, concerned: Sequence[Holder], feeds: Feeds, done: int, *, closed: Collection[str]) -> None:
    """Cancel what is open of these and is not for everyone; void what a half-done event is to their filters.

    What waits for a removed feed is judged by how that was.
    """
    standing = in_force.standing(tx, done)
    there = {**standing.removed, **feeds}
    judge = Judge(feeds, standing.removed, standing.closed, {})
    own = [one.n for one in concerned]
    opened = deliveries.open_events(tx, own) if own else {}
    shared = {one.filter_id for one in concerned if one.public and not set(closed).isdisjoint(one.filter.feeds)}
    for filter_id in sorted({*opened, *shared}):
        filter = rights.filter_of(tx, filter_id)
        if not filter.feeds:  # a notice, which is about the subscription itself
            continue
        stored = rights.stored(tx, filter_id, done, opened.get(filter_id, set()))
        refused = _refused(tx, filter, visible(filter, there, standing.closed), judge, stored)
        if not refused:
            continue
        deliveries.cancel_matched(tx, filter_id, refused, Cause.ACCESS.value, own)
        if filter_id in shared:
            rights.withhold(tx, filter_id, refused)


def _refused(tx: Tx, filter: Filter, seen: Feeds, judge: Judge, stored: Stored) -> list[int]:
    """The events that are something else to a filter by these feeds alone than they are by what is stored."""
    if not seen:
        return sorted(stored)
    seqs, found = sorted(stored), []
    for start in range(0, len(seqs), CHUNK):
        found += _differing(events.among(tx, seqs[start : start + CHUNK]), filter, seen, judge, stored)
    return found


def _differing(loaded: Iterable[Event], filter: Filter, seen: Feeds, judge: Judge, stored: Stored) -> list[int]:
    found = []
    for event in loaded:
        if event.erased:  # it can be judged no more; what takes it away holds its id alone
            continue
        # It was judged before one of the feeds was removed, or after it.
        now = (selection.follow(filter, seen, event, public=True), judge.follow(filter, event, public=True))
        if not any(match is not None and _covers(match, stored[event.seq]) for match in now):
            found.append(event.seq)
    return found


def _covers(match: Match, stored: Match) -> bool:
    """Whether what is sent by ``stored`` is no more than ``match`` allows: not the full text where it is a summary."""
    return (match.type, match.change) == (stored.type, stored.change) and (stored.summary or not match.summary)
