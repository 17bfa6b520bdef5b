"""A subscription, what it follows, and the deliveries made for it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from publisher.model.base import Frozen
from publisher.model.credentials import ShownCredentials
from publisher.model.event import EventType
from publisher.model.key import Role
from publisher.model.options import Options

STANDARD = "standard"
"""The format of a webhook that asks for no other; ``delivery/transports`` knows all."""


class SubscriptionState(StrEnum):
    """``active`` is told of events; ``disabled`` is not until it is enabled; ``deleted`` is kept for the accounts.

    ``paused`` is told of nothing and goes on by itself once what it lacks is back, see :class:`Cause`.
    """

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    DELETED = "deleted"


def endpoint_host(url: str) -> str:
    """The host that a webhook's URL points at, in lower case and without a last dot, by which endpoints are counted."""
    return (urlsplit(url).hostname or "").rstrip(".")


class Cause(StrEnum):
    """Why a subscription is paused.

    ``feeds``: none of its feeds is published any more. What is open stands still and what happens is kept for it, for
    a day. ``access``: its owner may follow none of them. What is open was cancelled, and what happens is not for it.
    """

    FEEDS = "feeds"
    ACCESS = "access"


class Verification(StrEnum):
    """Whether the endpoint of a webhook that was registered without a key has echoed a challenge."""

    PENDING = "pending"
    DONE = "done"


class Filter(Frozen):
    """What a subscription follows. Equal filters are stored once and judged once per event.

    ``events`` empty means every type. ``where`` narrows: keys with their values, in the canonical form of
    ``selection/where.py``. ``expression`` is one of ``selection/expression.py``, None for none.
    """

    feeds: tuple[str, ...]
    events: tuple[EventType, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    expression: str | None = None


class Subscription(Frozen):
    """A webhook and its owner.

    ``format`` is the name of how events are written for it. ``from_seq`` is the first event that it is told of,
    ``until_seq`` the last (None: no end).

    ``reason`` says in words why the publisher paused or disabled it, None where it did not; ``cause`` is set while it
    is paused. ``granted`` is a role that it has whatever keys its owner has.

    ``failures`` is how many attempts failed since the last that did not, ``failing_since`` when the first of them did
    (None: the last attempt succeeded); ``last_error`` stays after a success.

    ``filter_errors`` is for how many events the expression of its filter could not be evaluated, which is no match, and
    ``last_filter_error`` why. ``verification`` is None where none is asked for.
    """

    id: str
    url: str
    filter: Filter
    format: str = STANDARD
    description: str | None = None
    owner: str
    state: SubscriptionState = SubscriptionState.ACTIVE
    reason: str | None = None
    cause: Cause | None = None
    granted: Role | None = None
    from_seq: int
    until_seq: int | None = None
    created_at: datetime
    updated_at: datetime
    failures: int = 0
    failing_since: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    options: Options = Options()
    filter_errors: int = 0
    last_filter_error: str | None = None
    credentials: ShownCredentials = ShownCredentials()
    verification: Verification | None = None


class DeliveryState(StrEnum):
    """``pending → sending → delivered | retrying → sending … | dead | cancelled``; what is settled stays so.

    What was taken and not sent goes back to where it was. A first attempt in a parcel is ``pending`` until it is
    answered.
    """

    PENDING = "pending"
    SENDING = "sending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Delivery(Frozen):
    """One event for one subscription in one run; run 0 is live. ``id`` is ``SEQ.RUN``, unique for its subscription."""

    id: str
    seq: int
    event_id: str
    event_type: str
    subscription: str
    run: int = 0
    state: DeliveryState
    reason: str | None = None
    attempts: int = 0
    created_at: datetime
    next_attempt_at: datetime | None = None
    settled_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None


class ErrorClass(StrEnum):
    """Why an attempt failed, in one word.

    ``name``: it does not resolve; ``refused``: the guard does not let it be connected to; ``answer``: there was one
    that is none of HTTP, or that broke off. The rest are answers other than 2xx.
    """

    NAME = "name"
    REFUSED = "refused"
    CONNECTION = "connection"
    TLS = "tls"
    TIMEOUT = "timeout"
    ANSWER = "answer"
    OTHER = "other"
    INTERIM = "1xx"
    REDIRECT = "3xx"
    CLIENT = "4xx"
    SERVER = "5xx"


def status_class(status: int | None) -> ErrorClass | None:
    """The class of an answer; None for a success, and where there was none."""
    if status is None or 200 <= status < 300:
        return None
    named = f"{status // 100}xx"
    return ErrorClass(named) if named in set(ErrorClass) else ErrorClass.ANSWER


class Attempt(Frozen):
    """One try of a delivery. ``status`` is None where no status line came; ``error`` then says why.

    ``response`` is how the text of the answer begins. ``request`` and ``answer`` are the heads that were sent and
    answered, as JSON without credentials; ``digest`` is the SHA-256 of the body that was sent, and ``address`` the one
    that was connected to. None where they are not kept. ``error_class`` is None for a success, and for a fault of
    before it was kept.
    """

    number: int
    at: datetime
    duration_ms: int
    status: int | None = None
    error: str | None = None
    response: str | None = None
    request: str | None = None
    digest: str | None = None
    answer: str | None = None
    address: str | None = None
    error_class: ErrorClass | None = None
