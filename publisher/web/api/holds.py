"""``/api/v1/holds``: the stop button. What is held does not begin to be sent, and is not lost; for operators."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from publisher import telemetry
from publisher.clock import rfc3339
from publisher.model import Key, Role
from publisher.model.base import Text
from publisher.model.replay import Hold
from publisher.storage.subscriptions import holds
from publisher.web.access.auth import require
from publisher.web.api.owned import in_words
from publisher.web.http.parameters import takes
from publisher.web.http.request import faults_of, flag, json_object
from publisher.web.http.response import Fault, Problem, invalid, json_response
from publisher.web.services import services_of

log = telemetry.logger(__name__)

routes = web.RouteTableDef()

PATH = "/api/v1/holds"

Words = Annotated[Text, Field(min_length=1, max_length=200)]
Name = Annotated[Text, Field(min_length=1, max_length=200)]
Seq = Annotated[int, Field(ge=1, le=2**53, strict=True)]


class HoldWanted(BaseModel):
    """The body of ``POST /api/v1/holds``: what all of these cover that are given, everything where none is.

    ``feed``: what is for webhooks that follow it. ``source``: events of it. ``from`` and ``to``: the first and the last
    event, by number; without ``to``, all that follow.
    """

    model_config = ConfigDict(extra="forbid")

    feed: Name | None = None
    source: Name | None = None
    first: Annotated[Seq | None, Field(alias="from")] = None
    last: Annotated[Seq | None, Field(alias="to")] = None
    reason: Words | None = None


class Ending(BaseModel):
    """The body with which a hold ends: ``reason``, in words."""

    model_config = ConfigDict(extra="forbid")

    reason: Words | None = None


class Cancelling(BaseModel):
    """The body with which what is held is cancelled: ``reason``, in words, which its deliveries show."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


@routes.post(PATH)
async def hold(request: web.Request) -> web.Response:
    """Hold back deliveries: within a second nothing that it covers begins to be sent, in any process."""
    key = await _operator(request)
    wanted = _read(HoldWanted, await json_object(request))
    services = services_of(request)
    faults = []
    if wanted.feed is not None and wanted.feed not in services.catalog().feeds:
        faults.append(Fault("feed", f"there is no feed {wanted.feed!r}"))
    if wanted.first is not None and wanted.last is not None and wanted.last < wanted.first:
        faults.append(Fault("to", f"must not be before `from`, {wanted.first}; it is {wanted.last}"))
    if faults:
        raise invalid(*faults)
    made = await services.db.write(
        holds.create, feed=wanted.feed, source=wanted.source, first=wanted.first, last=wanted.last, by=key.owner,
        reason=wanted.reason,
    )  # fmt: skip
    log.warning("hold.begun", **_said(made))
    location = f"{services.site().url.rstrip('/')}{PATH}/{made.id}"
    return json_response(hold_json(made), status=201, headers={"Location": location})


@routes.get(PATH)
@takes("all")
async def list_holds(request: web.Request) -> web.Response:
    """What is held now, newest first; with ``all=true`` also what was, with who ended it, when and why."""
    await _operator(request)
    found = await services_of(request).db.read(holds.list_, everything=flag(request, "all"))
    return json_response({"holds": [hold_json(one) for one in found]})


@routes.get(PATH + "/{id}")
async def show_hold(request: web.Request) -> web.Response:
    """One hold, also one that has ended."""
    await _operator(request)
    return json_response(hold_json(await in_words(services_of(request).db.read(holds.existing, _id(request)))))


@routes.delete(PATH + "/{id}")
async def release(request: web.Request) -> web.Response:
    """Let go on what is held; the hold stays on record. A body may give a ``reason``."""
    key = await _operator(request)
    data = await json_object(request) if request.can_read_body else {}
    reason = _read(Ending, data).reason
    ended = await in_words(services_of(request).db.write(holds.release, _id(request), by=key.owner, reason=reason))
    log.warning("hold.released", **_said(ended))
    return json_response(hold_json(ended))


@routes.post(PATH + "/{id}/cancel")
async def cancel(request: web.Request) -> web.Response:
    """Cancel what is held of every event up to now, for the reason that the body gives; the hold then ends. Answers
    202: it is done a piece at a time.
    """
    key = await _operator(request)
    reason = _read(Cancelling, await json_object(request)).reason
    ended = await in_words(services_of(request).db.write(holds.cancel, _id(request), by=key.owner, reason=reason))
    log.warning("hold.cancelling", **_said(ended))
    return json_response(hold_json(ended), status=202)


def hold_json(one: Hold) -> dict[str, Any]:
    """A hold as the API shows it; ``cancelled`` is how many deliveries were cancelled by it."""
    return {
        "id": one.id,
        "state": one.state,
        "feed": one.feed,
        "source": one.source,
        "from": one.first_seq,
        "to": one.last_seq,
        "by": one.by,
        "reason": one.reason,
        "at": rfc3339(one.at),
        "ended_by": one.ended_by,
        "ended_reason": one.ended_reason,
        "ended_at": one.ended_at and rfc3339(one.ended_at),
        "cancelled": one.cancelled,
    }


def _said(one: Hold) -> dict[str, Any]:
    return {name: value for name, value in hold_json(one).items() if value is not None}


def _id(request: web.Request) -> str:
    id_ = request.match_info["id"]
    if not (id_.isascii() and id_.isprintable()):  # a database may choke on it
        raise Problem(404, f"there is no hold {id_[:80]!r}")
    return id_


def _read(model: Any, data: dict[str, Any]) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(*faults_of(error)) from error


async def _operator(request: web.Request) -> Key:
    return await require(request, Role.OPERATOR, to="hold deliveries")
