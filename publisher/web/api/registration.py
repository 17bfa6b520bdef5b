"""What may be set on a webhook: its fields, where it may point and what it may follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from publisher.delivery import transports
from publisher.errors import AddressRefused, NotFound
from publisher.model import Cause, EventType, FeedDefinition, Filter, Key, Role, Subscription, SubscriptionState
from publisher.model.base import Text
from publisher.model.subscription import STANDARD
from publisher.web.access.auth import Caller
from publisher.web.access.visibility import may_read
from publisher.web.api import credentials
from publisher.web.api.filters import MOST_NAMES, refuse, unknown
from publisher.web.http.request import faults_of
from publisher.web.http.response import Fault, invalid
from publisher.web.services import Services

Names = Annotated[list[str], Field(min_length=1, max_length=MOST_NAMES)]
Note = Annotated[Text, Field(max_length=500)] | None


class Registration(credentials.Given):
    """The body of ``POST /api/v1/webhooks``; ``events`` absent or null means every type."""

    url: str
    feeds: Names
    events: Names | None = None
    format: str = STANDARD
    description: Note = None
    signature: Literal["v1", "v1a", "both"] = "v1"


class Change(credentials.Given):
    """The body of ``PATCH /api/v1/webhooks/ID``: what is absent stays as it is."""

    url: str = ""
    feeds: Names = Field(default_factory=list, validate_default=False)
    events: Names | None = None
    description: Note = None
    state: Literal["active", "disabled"] = "active"


Wanted = TypeVar("Wanted", bound=BaseModel)


def read(model: type[Wanted], data: dict[str, Any]) -> Wanted:
    """The body as one of the forms above; 422 names each field that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(*faults_of(error)) from error


def checked(
    wanted: Registration | Change, key: Key, services: Services, *, now: Subscription | None = None
) -> dict[str, Any]:
    """The given fields as storage takes them: ``url``, ``filter``, ``format``, ``description``, ``state``.

    ``now`` is the present webhook, for fields that are not given. 422 names everything that cannot be followed at once;
    a feed that the key may not read is treated as unknown. 403 for a feed that the key may read and not follow.
    """
    given = wanted.model_fields_set
    feeds = services.catalog().feeds
    offered = [name for name, one in feeds.items() if _may_follow(key, one)]
    known = [name for name, one in feeds.items() if name in offered or may_read(Caller(key), one)]
    values, faults = _address(wanted, key, services)
    if not faults:
        url = values["url"] if now is None else values.get("url", now.url)
        faults += credentials.faults(wanted, url, services.now(), now)
    faults += _names(wanted, offered, known)
    if _activates(wanted):
        faults += _nothing_to_follow(wanted.feeds if "feeds" in given or now is None else now.filter.feeds, known)
    if faults:
        raise invalid(*faults)
    if "feeds" in given:
        _allow(key, [feeds[name] for name in wanted.feeds])
    if given & {"feeds", "events"}:
        values["filter"] = _filter(wanted, now)
        if "feeds" in given and now is not None and now.cause is Cause.FEEDS:  # they are there: it follows them now
            values["state"] = SubscriptionState.ACTIVE
    elif now is not None and _activates(wanted):
        _allow_some(key, [feeds[name] for name in now.filter.feeds if name in known])
    if "description" in given:
        values["description"] = wanted.description
    if isinstance(wanted, Registration):
        values["format"] = wanted.format
    elif "state" in given:
        values["state"] = SubscriptionState(wanted.state)
    return values


def _activates(wanted: Registration | Change) -> bool:
    return isinstance(wanted, Change) and "state" in wanted.model_fields_set and wanted.state == "active"


def _address(wanted: Registration | Change, key: Key, services: Services) -> tuple[dict[str, Any], list[Fault]]:
    """The URL as it is called, where one is given; or why it may not be."""
    if "url" not in wanted.model_fields_set:
        return {}, []
    try:
        return {"url": services.guard.check_url(wanted.url, public_only=not key.private_networks)}, []
    except AddressRefused as error:
        return {}, [Fault("url", error.for_operators if key.role is Role.OPERATOR else str(error))]


def _names(wanted: Registration | Change, offered: Sequence[str], known: Sequence[str]) -> list[Fault]:
    """Which of the given names of feeds, event types and formats are none."""
    faults: list[Fault] = []
    if "feeds" in wanted.model_fields_set:
        faults += _unknown("feeds", wanted.feeds, offered, known)
    if "events" in wanted.model_fields_set:
        faults += _unknown("events", wanted.events or (), EventType, EventType)
    if isinstance(wanted, Registration):
        faults += _unknown_format(wanted.format)
    return faults


def _filter(wanted: Registration | Change, now: Subscription | None) -> Filter:
    """What is given, each name once, and for the rest what it is now."""
    given = wanted.model_fields_set
    feeds = tuple(dict.fromkeys(wanted.feeds))
    events = tuple(EventType(name) for name in dict.fromkeys(wanted.events or ()))
    if now is None:
        return Filter(feeds=feeds, events=events)
    return Filter(
        feeds=feeds if "feeds" in given else now.filter.feeds, events=events if "events" in given else now.filter.events
    )


def _unknown(field: str, names: Sequence[str], offered: Iterable[str], known: Iterable[str]) -> list[Fault]:
    return [Fault(f"{field}[{place}]", said) for place, said in unknown(names, offered, known)]


def _unknown_format(name: str) -> list[Fault]:
    try:
        transports.named(name)
    except NotFound as error:
        return [Fault("format", str(error))]
    return []


def _nothing_to_follow(names: Sequence[str], known: Iterable[str]) -> list[Fault]:
    """Refuse a webhook none of whose feeds exists for the caller (one is enough): it would be paused again at once."""
    if not set(names).isdisjoint(known):
        return []
    missing = ", ".join(repr(name[:80]) for name in names)
    return [Fault("state", f"cannot be 'active' before one of its feeds is there: {missing}")]


def _may_follow(key: Key, feed: FeedDefinition) -> bool:
    return key.role.allows(feed.follower)


def _allow_some(key: Key, feeds: Sequence[FeedDefinition]) -> None:
    if not any(_may_follow(key, feed) for feed in feeds):
        _allow(key, feeds)


def _allow(key: Key, feeds: Sequence[FeedDefinition]) -> None:
    refuse([feed.name for feed in feeds if not _may_follow(key, feed)])
