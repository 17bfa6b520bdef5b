"""``/api/v1/webhooks/ID``: sending one delivery again, replays, and what was sent and answered in an attempt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from publisher import telemetry
from publisher.clock import rfc3339
from publisher.delivery import exchanges as sent
from publisher.delivery.followers import replaying, resending
from publisher.delivery.transports.base import Site
from publisher.model import Attempt, EventType, Role, Subscription
from publisher.model.replay import Replay, Which
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import again, exchanges, listing, replays
from publisher.storage.subscriptions.listing import Listed
from publisher.web.api.cursors import cursor, place_of
from publisher.web.api.filters import unknown
from publisher.web.api.idempotency import Answer, once
from publisher.web.api.missed import PATH
from publisher.web.api.owned import in_words, own
from publisher.web.api.webhooks import NO_STORE, answered_publicly, delivery_json
from publisher.web.http.parameters import takes
from publisher.web.http.request import faults_of, integer, json_object
from publisher.web.http.response import Fault, Problem, invalid, json_response
from publisher.web.services import services_of

log = telemetry.logger(__name__)

routes = web.RouteTableDef()

DELIVERY = PATH + "/{id}/deliveries/{delivery}"
REPLAYS = PATH + "/{id}/replays"
REPLAY = REPLAYS + "/{replay}"
PAGE, MAX_PAGE = 50, 500
LAST_SEQ = 2**53
FASTEST = 1000

ASIDE = "answers of private networks are shown to operators"
"""Why an answer is not shown to the owner of a webhook."""


def _a_date(value: object) -> object:
    if not isinstance(value, str) or "-" not in value[1:]:  # a number is none of seconds, however it is written
        raise ValueError("is no date")
    return value


Seq = Annotated[int, Field(ge=0, le=LAST_SEQ, strict=True)]
Time = Annotated[AwareDatetime, BeforeValidator(_a_date)]
Names = Annotated[list[str], Field(min_length=1, max_length=100)]


class ReplayWanted(BaseModel):
    """The body of ``POST …/replays``: ``since`` and ``until`` are an event's number or a time, and the events of both
    are taken in; ``until`` absent is the log's end. ``only`` what ``failed`` for good, or ``all``; of these ``feeds``
    and ``events`` alone, which must be among what the webhook follows. ``rate`` is in deliveries a second.
    """

    model_config = ConfigDict(extra="forbid")

    since: Seq | Time
    until: Seq | Time | None = None
    only: Literal["all", "failed"] = "failed"
    feeds: Names | None = None
    events: Names | None = None
    rate: Annotated[int, Field(ge=1, le=FASTEST, strict=True)] = replays.RATE


@routes.post(DELIVERY + "/retry")
async def retry(request: web.Request) -> web.Response:
    """Send a delivery again now, in a run of its own; one that is open is made due at once instead. Answers 202 with
    the delivery by which it is sent; 409 says why it cannot be.
    """
    _, found = await own(request)
    services = services_of(request)

    def again_(tx: Tx) -> tuple[Listed, list[Attempt]]:
        made = resending.retry(tx, found.id, request.match_info["delivery"])
        return made, listing.attempts(tx, made)

    made, attempts = await in_words(services.db.write(again_))
    return json_response(delivery_json(made, attempts), status=202)


@routes.post(REPLAYS)
async def replay(request: web.Request) -> web.Response:
    """Send what lay in a stretch of the log to this webhook again. Answers 202 with the replay, whose progress its
    address shows; 409 where the webhook is not active.
    """
    key, found = await own(request)
    wanted = _read(await json_object(request))
    _narrows(wanted, found)
    services = services_of(request)
    site = services.site().url.rstrip("/")

    def make(tx: Tx) -> Answer:
        events.lock(tx)
        services.check(tx)
        since = again.place(tx, wanted.since)
        until = None if wanted.until is None else again.place(tx, wanted.until, end=True)
        if until is not None and until < since:
            raise invalid(Fault("until", f"must not be before `since`, which is event {since}; this is event {until}"))
        made = replaying.start(
            tx, found.id, only=Which(wanted.only), since=since, until=until, feeds=wanted.feeds or (),
            types=wanted.events or (), rate=wanted.rate, by=key.owner,
        )  # fmt: skip
        log.info("replay.made", id=made.id, webhook=found.id, by=key.owner, only=made.only.value)
        return Answer(replay_json(made), 202, {"Location": f"{site}{PATH}/{found.id}/replays/{made.id}"})

    answer: web.Response = await in_words(once(request, key, make))
    return answer


@routes.get(REPLAYS)
@takes("limit", "after")
async def list_replays(request: web.Request) -> web.Response:
    """A page of a webhook's replays, newest first; ``next`` is the ``after`` of the following page."""
    _, found = await own(request, deleted=True)
    name = f"replays of {found.id}"
    limit = integer(request, "limit", PAGE, low=1, high=MAX_PAGE)
    place = place_of(request, name)
    before = None if place is None else int(place[0])
    page, n = await services_of(request).db.read(replays.page, found.id, limit=limit, before=before)
    following = None if n is None else cursor(request, name, [n])
    return json_response({"replays": [replay_json(one) for one in page], "next": following}, headers=NO_STORE)


@routes.get(REPLAY)
async def show_replay(request: web.Request) -> web.Response:
    """One replay, and how far it has come."""
    _, found = await own(request, deleted=True)
    one = await services_of(request).db.read(replays.get, found.id, _id(request))
    if one is None:
        raise Problem(404, f"the webhook has no replay {_id(request)[:80]!r}")
    return json_response(replay_json(one))


@routes.post(REPLAY + "/pause")
async def pause_replay(request: web.Request) -> web.Response:
    """Make no further deliveries of a replay until it is resumed; what is open goes on."""
    _, found = await own(request)
    db = services_of(request).db
    return json_response(replay_json(await in_words(db.write(replays.pause, found.id, _id(request)))))


@routes.post(REPLAY + "/resume")
async def resume_replay(request: web.Request) -> web.Response:
    """Go on with a replay that is paused."""
    _, found = await own(request)
    db = services_of(request).db
    return json_response(replay_json(await in_words(db.write(replays.resume, found.id, _id(request)))))


@routes.post(REPLAY + "/cancel")
async def cancel_replay(request: web.Request) -> web.Response:
    """End a replay: no further deliveries of it are made, and what is open is cancelled."""
    _, found = await own(request)
    db = services_of(request).db
    made = await in_words(db.write(replays.cancel, found.id, _id(request)))
    log.info("replay.cancelled", id=made.id, webhook=found.id, reason="asked for")
    return json_response(replay_json(made))


@routes.get(DELIVERY + "/attempts/{number}")
async def show_attempt(request: web.Request) -> web.Response:
    """What was sent in an attempt and what came back: of each that failed, and of the webhook's last that succeeded.

    Of others ``request`` is null. Credentials are hidden; answers of private networks are shown to operators alone.
    """
    key, found = await own(request, deleted=True)
    number = request.match_info["number"]
    wanted = int(number) if number.isdecimal() and len(number) < 10 else 0
    site = services_of(request).deliverer.site

    def read(tx: Tx) -> dict[str, Any] | None:
        return _attempt(tx, found, request.match_info["delivery"], wanted, site, operator=key.role is Role.OPERATOR)

    shown = await services_of(request).db.read(read)
    if shown is None:
        raise Problem(404, f"there is no attempt {number[:20]!r} of this delivery, or it is kept no longer")
    return json_response(shown)


@routes.get(PATH + "/{id}/last-success")
async def show_last_success(request: web.Request) -> web.Response:
    """What was sent and answered in the last attempt that succeeded, and of which delivery it was; 404 before any has.

    It is written every few seconds, so the last ones may still be missing.
    """
    key, found = await own(request, deleted=True)
    site = services_of(request).deliverer.site

    def read(tx: Tx) -> dict[str, Any] | None:
        last = exchanges.last(tx, found.id)
        if last is None:
            return None
        delivery = f"{last.seq}.{last.run}"
        shown = _attempt(tx, found, delivery, last.number, site, operator=key.role is Role.OPERATOR)
        return None if shown is None else {"delivery": delivery, **shown}

    shown = await services_of(request).db.read(read)
    if shown is None:
        raise Problem(404, "no attempt is known that has succeeded, or its delivery is listed no more")
    return json_response(shown)


def replay_json(one: Replay) -> dict[str, Any]:
    """A replay as the API shows it.

    ``matched`` is how many deliveries it is, as far as it has looked; all once ``counted`` is true. Of these ``sent``
    have been made, and ``remaining`` are not settled yet.
    """
    return {
        "id": one.id,
        "webhook": one.subscription,
        "run": one.run,
        "state": one.state,
        "reason": one.reason,
        "only": one.only,
        "since": one.since_seq,
        "until": one.until_seq,
        "feeds": one.feeds,
        "events": one.events or None,
        "rate": one.rate,
        "counted": one.counted,
        "matched": one.matched,
        "sent": one.sent,
        "delivered": one.delivered,
        "dead": one.dead,
        "cancelled": one.cancelled,
        "remaining": one.remaining,
        "by": one.by,
        "created_at": rfc3339(one.created_at),
        "updated_at": rfc3339(one.updated_at),
        "ended_at": one.ended_at and rfc3339(one.ended_at),
    }


def _attempt(
    tx: Tx, webhook: Subscription, delivery: str, number: int, site: Site, *, operator: bool
) -> dict[str, Any] | None:
    one = listing.get(tx, webhook.id, delivery)
    if one is None:
        return None
    attempt = next((each for each in listing.attempts(tx, one) if each.number == number), None)
    last = exchanges.last(tx, webhook.id)
    if last is not None and (last.seq, last.run, last.number) == (one.seq, one.run, number):
        attempt = exchanges.of_success(last)
    if attempt is None:
        return None
    told_of = [(one.seq, one.filter_id), *listing.together(tx, one)]
    seqs, filters = {seq for seq, _ in told_of}, {filter_id for _, filter_id in told_of}
    known = {event.seq: event for event in events.among(tx, seqs)}
    matched = replays.stored(tx, list(seqs), list(filters))
    told = [sent.Told(known.get(seq), matched.get((seq, filter_id))) for seq, filter_id in told_of]
    return _attempt_json(attempt, told, webhook, site, operator=operator)


def _attempt_json(
    attempt: Attempt, told: Sequence[sent.Told], webhook: Subscription, site: Site, *, operator: bool
) -> dict[str, Any]:
    shown: dict[str, Any] | None = None
    if attempt.request is not None:
        body, why = sent.shown_body(told, attempt, webhook.format, webhook.options, site)
        shown = {**orjson.loads(attempt.request), "body": body, "body_missing": why}
    aside = not operator and not answered_publicly(attempt)
    answer = None if attempt.answer is None else orjson.loads(attempt.answer)
    return {
        "number": attempt.number,
        "at": rfc3339(attempt.at),
        "duration_ms": attempt.duration_ms,
        "error": attempt.error,
        "request": shown,
        "response": {
            "status": attempt.status,
            "headers": None if aside else answer,
            "body": None if aside else attempt.response,
            "address": None if aside else attempt.address,
            "withheld": ASIDE if aside else None,
        },
    }


def _id(request: web.Request) -> str:
    id_ = request.match_info["replay"]
    if not (id_.isascii() and id_.isprintable()):  # a database may choke on it
        raise Problem(404, f"the webhook has no replay {id_[:80]!r}")
    return id_


def _read(data: dict[str, Any]) -> ReplayWanted:
    try:
        return ReplayWanted.model_validate(data)
    except ValidationError as error:
        # Of a place there is a fault for each form that it could have had.
        faults = dict.fromkeys(_of_place(fault) for fault in faults_of(error))
        raise invalid(*faults) from error


def _of_place(fault: Fault) -> Fault:
    name = fault.path.partition(".")[0]
    if name not in {"since", "until"} or fault.message == "is missing":
        return fault
    return Fault(name, "must be the number of an event, or a time such as 2026-11-28T06:00:00Z")


def _narrows(wanted: ReplayWanted, webhook: Subscription) -> None:
    """422 unless it asks for what the webhook follows."""
    own = webhook.filter
    types = [one.value for one in own.events or tuple(EventType)]
    faults = [
        Fault(f"{field}[{place}]", said)
        for field, names, known in (("feeds", wanted.feeds, own.feeds), ("events", wanted.events, types))
        for place, said in unknown(names or (), known, known)
    ]
    if faults:
        raise invalid(*faults)
