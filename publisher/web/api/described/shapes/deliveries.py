"""Bodies of deliveries, of what was sent in their attempts, and of what is sent again or held back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from publisher.model import DeliveryState
from publisher.model.envelope import Shape, Time
from publisher.model.replay import HoldState, ReplayState, Which
from publisher.model.subscription import ErrorClass
from publisher.web.api.described.shapes.common import Next

Header = Annotated[list[str], Field(min_length=2, max_length=2, description="A name and its value")]


class Attempt(Shape):
    """A request that counts. `response` is null too where a private network answered, but for operators."""

    number: int
    at: Time
    duration_ms: int
    status: int | None
    error: str | None
    error_class: ErrorClass | None
    response: str | None


class Delivery(Shape):
    """What became of an event for a webhook. `run` is 0, and another where it is sent again. `held` is the hold that
    keeps it from being sent, null where none does.
    """

    id: str
    event: str
    seq: int
    type: str
    run: int
    state: DeliveryState
    reason: str | None
    held: str | None
    created_at: Time
    next_attempt_at: Time | None
    settled_at: Time | None
    attempts: list[Attempt]


class DeliveriesPage(Shape):
    """A page of deliveries of a webhook, newest event first."""

    deliveries: list[Delivery]
    next: Next
    folded_until: Time | None


class DeliveryOfEvent(Delivery):
    """What became of an event for one of its webhooks."""

    webhook: str


class EventDeliveries(Shape):
    """A page of deliveries of an event: `matched` is the sum of `states`, some of which are `folded` into counts.
    `again` counts what was sent again, which is in none of the others.
    """

    deliveries: list[DeliveryOfEvent]
    next: Next
    matched: int
    states: dict[str, int]
    folded: dict[str, int]
    again: dict[str, int]


class RequestKept(Shape):
    """A request as it was sent; what may be a credential is hidden. Where `body` is null, `body_missing` says why."""

    method: str
    target: str
    headers: list[Header]
    body: str | None
    body_missing: str | None


class ResponseKept(Shape):
    """What came back; `status` is null where no status line came. Where `withheld` says why, the rest is null."""

    status: int | None
    headers: list[Header] | None
    body: str | None
    address: str | None
    withheld: str | None


class AttemptKept(Shape):
    """An attempt, with what was sent in it and what came back."""

    number: int
    at: Time
    duration_ms: int
    error: str | None
    request: RequestKept | None
    response: ResponseKept


class LastSuccess(AttemptKept):
    """The last attempt that succeeded, and the id of its delivery."""

    delivery: str


class Replay(Shape):
    """Events `since` to `until`, by number, sent to one webhook once more, as a `run` of its own.

    `matched` is how many deliveries it is, as far as it has looked; all once `counted` is true. Of these `sent` have
    been made, and `remaining` are not settled yet. `rate` is in deliveries a second.
    """

    id: str
    webhook: str
    run: int
    state: ReplayState
    reason: str | None
    only: Which
    since: int
    until: int
    feeds: list[str]
    events: list[str] | None
    rate: int
    counted: bool
    matched: int
    sent: int
    delivered: int
    dead: int
    cancelled: int
    remaining: int
    by: str
    created_at: Time
    updated_at: Time
    ended_at: Time | None


class ReplaysPage(Shape):
    """A page of replays of a webhook, newest first."""

    replays: list[Replay]
    next: Next


class Hold(Shape):
    """What does not begin to be sent: what `feed`, `source` and the events `from` to `to` cover together, everything
    where none is given. `cancelled` is how many deliveries were cancelled by it.
    """

    id: str
    state: HoldState
    feed: str | None
    source: str | None
    first: Annotated[int | None, Field(serialization_alias="from")]
    last: Annotated[int | None, Field(serialization_alias="to")]
    by: str
    reason: str | None
    at: Time
    ended_by: str | None
    ended_reason: str | None
    ended_at: Time | None
    cancelled: int


class Holds(Shape):
    """Holds, newest first."""

    holds: list[Hold]
