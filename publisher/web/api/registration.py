"""What may be set on a webhook: its fields, where it may point and what it may follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from publisher.configfile import seconds, written_seconds
from publisher.delivery import transports
from publisher.errors import AddressRefused, NotFound
from publisher.model import (
    Cause,
    EventType,
    FeedDefinition,
    Filter,
    Key,
    Options,
    Role,
    Subscription,
    SubscriptionState,
)
from publisher.model.base import Text
from publisher.model.options import DEFAULT, Batch, template_text
from publisher.model.subscription import STANDARD
from publisher.selection.where import of as where_of
from publisher.web.access.auth import Caller
from publisher.web.access.visibility import may_read
from publisher.web.api import credentials
from publisher.web.api.filters import MOST_NAMES, refuse, unknown
from publisher.web.api.narrowing import Expressed, Narrowed, expression, fits, narrowing
from publisher.web.http.request import faults_of
from publisher.web.http.response import Fault, invalid
from publisher.web.services import Services

Names = Annotated[list[str], Field(min_length=1, max_length=MOST_NAMES)]
Note = Annotated[Text, Field(max_length=500)] | None


_SECONDS = BeforeValidator(lambda value: None if value is None else seconds(value))


class BatchForm(BaseModel):
    """As :class:`~publisher.model.options.Batch`, with the time as a duration: ``"1s"``."""

    model_config = ConfigDict(extra="forbid")

    max: int = Batch.model_fields["max"].default
    wait: Annotated[float, _SECONDS] = Batch.model_fields["wait"].default


class OptionsForm(BaseModel):
    """The fields of :class:`~publisher.model.options.Options` as they are given: null is as left out."""

    model_config = ConfigDict(extra="forbid")

    ordered: bool | None = None
    history: bool | None = None
    throttle: Annotated[float | None, _SECONDS] = None
    batch: BatchForm | None = None
    max_in_flight: int | None = None
    rate_limit: float | None = None
    content: str | None = None
    template: Annotated[Any, AfterValidator(lambda value: None if value is None else template_text(value))] = None
    parameters: dict[str, Any] | None = None


class Registration(credentials.Given, OptionsForm):
    """The body of ``POST /api/v1/webhooks``; ``events`` absent or null means every type."""

    url: str
    feeds: Names
    events: Names | None = None
    where: Narrowed | None = None
    expression: Expressed | None = None
    format: str = STANDARD
    description: Note = None
    signature: Literal["v1", "v1a", "both"] = "v1"


class Change(credentials.Given, OptionsForm):
    """The body of ``PATCH /api/v1/webhooks/ID``: what is absent stays as it is."""

    url: str = ""
    feeds: Names = Field(default_factory=list, validate_default=False)
    events: Names | None = None
    where: Narrowed | None = None
    expression: Expressed | None = None
    description: Note = None
    state: Literal["active", "disabled"] = "active"


Wanted = TypeVar("Wanted", bound=BaseModel)


def read(model: type[Wanted], data: dict[str, Any]) -> Wanted:
    """The body as one of the forms above; 422 names each field that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(*faults_of(error)) from error


def options_json(options: Options) -> dict[str, Any]:
    """Options as they are given and shown: times as durations."""
    shown = options.model_dump(mode="json")
    if options.throttle is not None:
        shown["throttle"] = written_seconds(options.throttle)
    if options.batch is not None:
        shown["batch"]["wait"] = written_seconds(options.batch.wait)
    if options.template is not None:
        shown["template"] = orjson.loads(options.template)
    return shown


def checked(
    wanted: Registration | Change, key: Key, services: Services, *, now: Subscription | None = None
) -> dict[str, Any]:
    """The given fields as storage takes them: ``url``, ``filter``, ``format``, ``description``, ``state``,
    ``options``.

    ``now`` is the present webhook, for fields that are not given. 422 names everything that cannot be followed at once;
    a feed that the key may not read is treated as unknown. 403 for a feed that the key may read and not follow.
    """
    given = wanted.model_fields_set
    feeds = services.catalog().feeds
    offered = [name for name, one in feeds.items() if _may_follow(key, one)]
    known = [name for name, one in feeds.items() if name in offered or may_read(Caller(key), one)]
    values, faults = _address(wanted, key, services)
    url = values.get("url") if now is None else values.get("url", now.url)
    if url is not None:  # a preview may do without, and a fault of it is told
        faults += credentials.faults(wanted, url, services.now(), now)
    faults += _names(wanted, offered, known)
    if _activates(wanted):
        faults += _nothing_to_follow(wanted.feeds if "feeds" in given or now is None else now.filter.feeds, known)
    if given & Options.model_fields.keys():
        values["options"], more = _options(wanted, DEFAULT if now is None else now.options)
        faults += more + _batched(values["options"], wanted.format if isinstance(wanted, Registration) else now)
    if not faults and (now is None or given & {"url", *Options.model_fields}):
        faults += _unwritable(wanted, values, now)
    if faults:
        raise invalid(*faults)
    if "feeds" in given:
        _allow(key, [feeds[name] for name in wanted.feeds])
    if given & {"feeds", "events", "where", "expression"}:
        values["filter"] = _filter(wanted, now)
        _narrows(values["filter"], wanted, key, {name: feeds[name] for name in known})
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


def _options(wanted: OptionsForm, now: Options) -> tuple[Options, list[Fault]]:
    """What is given, and for the rest what it is now; or why it cannot be."""
    given = wanted.model_dump(include=wanted.model_fields_set & Options.model_fields.keys())
    merged = {**now.model_dump(), **given}
    try:
        return Options.model_validate({name: value for name, value in merged.items() if value is not None}), []
    except ValidationError as error:
        return now, faults_of(error)


def _unwritable(wanted: Registration | Change, values: dict[str, Any], now: Subscription | None) -> list[Fault]:
    """What the format cannot be sent to or written by, of what is wanted and what is there already."""
    name = now.format if now is not None else getattr(wanted, "format", STANDARD)
    format = transports.FORMATS.get(name)
    if format is None:  # one of a later program
        return []
    url, options = (now.url, now.options) if now is not None else ("", DEFAULT)
    refusals = format.refusals(values.get("url", url), values.get("options", options))
    return [Fault(one.field, one.said) for one in refusals]


def _batched(options: Options, of: str | Subscription | None) -> list[Fault]:
    """Whether events can be sent together in this format, or that of this webhook."""
    name = of.format if isinstance(of, Subscription) else of
    format = transports.for_webhooks().get(name or "")
    if options.batch is None or format is None or format.batch_type is not None:
        return []
    fitting = ", ".join(repr(one.name) for one in transports.for_webhooks().values() if one.batch_type is not None)
    return [Fault("batch", f"the format {name!r} carries one event a request; those that carry several: {fitting}")]


def _filter(wanted: Registration | Change, now: Subscription | None) -> Filter:
    """What is given, each name once, and for the rest what it is now."""
    given = wanted.model_fields_set
    feeds = tuple(dict.fromkeys(wanted.feeds))
    events = tuple(EventType(name) for name in dict.fromkeys(wanted.events or ()))
    where, said = narrowing(wanted.where).pairs, expression(wanted.expression)
    if now is None:
        return Filter(feeds=feeds, events=events, where=where, expression=said)
    return Filter(
        feeds=feeds if "feeds" in given else now.filter.feeds,
        events=events if "events" in given else now.filter.events,
        where=where if "where" in given else now.filter.where,
        expression=said if "expression" in given else now.filter.expression,
    )


def _narrows(filter: Filter, wanted: Registration | Change, key: Key, feeds: Mapping[str, FeedDefinition]) -> None:
    """422 where the feeds cannot be narrowed so, if either is given."""
    if wanted.model_fields_set & {"feeds", "where"}:
        followed = [feeds[name] for name in filter.feeds if name in feeds]
        if faults := fits(where_of(filter.where), followed, key):
            raise invalid(*faults)


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
