"""``/api/v1/indicators``: the newest observation of each, and pushing observations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from aiohttp import web

from publisher import telemetry
from publisher.clock import rfc3339
from publisher.model import Indicator, Role
from publisher.model.change import IndicatorChange, Outcome
from publisher.model.known import HeldObservation
from publisher.storage.engine.database import Tx
from publisher.storage.items import held, indicators
from publisher.storage.items.indicators import StoredIndicator
from publisher.web.access.auth import caller, require
from publisher.web.access.visibility import Sight, sight_of
from publisher.web.api.cursors import cursor, place_of
from publisher.web.api.idempotency import Answer, once
from publisher.web.api.intake import read_indicator
from publisher.web.api.lists import Batches, list_response
from publisher.web.http.headers import READ
from publisher.web.http.parameters import takes
from publisher.web.http.request import integer, json_body
from publisher.web.http.response import Fault, Problem, json_response, nearest
from publisher.web.kept import outdated
from publisher.web.services import services_of

log = telemetry.logger(__name__)

routes = web.RouteTableDef()

MOST = 1_000
"""Observations in one request."""

LIST, MAX_PAGE, BATCH = "indicators", 500, 100

AT_ONCE = 20
"""Observations that are read where requests are served; more are read in a thread."""


@routes.get("/api/v1/indicators")
@takes("limit", "after")
async def list_indicators(request: web.Request) -> web.StreamResponse:
    """Every indicator that was observed, by symbol, with its newest observation; ``next`` as for articles."""
    limit = integer(request, "limit", MAX_PAGE, low=1, high=MAX_PAGE)
    place = place_of(request, LIST)
    services = services_of(request)
    sight = sight_of(await caller(request), services.catalog().feeds)
    found = await services.db.read(indicators.page, limit=limit + 1, after="" if place is None else str(place[0]))
    page = found[:limit]
    following = cursor(request, LIST, [page[-1].symbol]) if len(found) > limit else None
    return await list_response(request, "indicators", _batches(sight, page), lambda: {"next": following})


async def _batches(sight: Sight, page: list[StoredIndicator]) -> Batches:
    for start in range(0, len(page), BATCH):
        batch = page[start : start + BATCH]
        yield [one.data for one in batch if sight.shows("indicators", one.data, one.source)]


# A symbol may hold a slash: it comes as %2F, or as it is from clients that do not encode it.
@routes.get("/api/v1/indicators/{symbol:.+}")
async def show_indicator(request: web.Request) -> web.Response:
    """The newest observation of one indicator; 404 names those that were observed.

    Editors also see what is ``held`` of it: observations that wait for a second one that agrees.
    """
    symbol = request.match_info["symbol"]
    services = services_of(request)
    sight = sight_of(await caller(request), services.catalog().feeds)
    # A database may choke on what can be no symbol, such as a NUL.
    found = await services.db.read(indicators.get, symbol) if symbol.isprintable() else None
    if found is None or not sight.shows("indicators", found.data, found.source):
        latest = await services.db.read(indicators.page, limit=MAX_PAGE)
        seen = [one.symbol for one in latest if sight.shows("indicators", one.data, one.source)]
        raise Problem(404, f"no indicator {symbol[:200]!r} was observed; {nearest(symbol[:200], seen)}")
    if not sight.everything:
        return json_response(found.data, headers=READ)
    waiting = (await services.db.read(held.among, [symbol])).get(symbol, [])
    return json_response({**found.data, "held": [_held(one) for one in waiting]}, headers=READ)


def _held(one: HeldObservation) -> dict[str, Any]:
    return {"source": one.source, "held_at": rfc3339(one.held_at), "data": one.data}


@routes.post("/api/v1/indicators")
async def push_indicators(request: web.Request) -> web.Response:
    """Take one observation or a list: 201 if one is new, else 202 if one is held, else 200.

    Each observation is judged by itself: valid ones are taken, with anything doubtful in ``warnings``, and the others
    are listed in ``errors``; 422 if none is valid. Once the response is sent, what was taken is stored and every feed
    shows it.
    """
    key = await require(request, Role.EDITOR, to="push indicators")
    body = await json_body(request)
    given = body if isinstance(body, list) else [body]
    if not 1 <= len(given) <= MOST:
        raise Problem(422, f"send one observation, or a list of 1 to {MOST}; this has {len(given)}")
    listed = isinstance(body, list)
    if len(given) <= AT_ONCE:
        read = _read(request, given, listed=listed)
    else:  # not on the event loop, where all requests are served
        read = await asyncio.to_thread(lambda: _read(request, given, listed=listed))
    if not read.good:
        raise Problem(422, "no observation could be taken", faults=read.errors)
    services = services_of(request)

    def effect(tx: Tx) -> Answer:
        decided = services.ingest.observe(tx, read.good)
        log.info("indicators.pushed", taken=len(read.good), refused=len(given) - len(read.good))
        taken = [{"symbol": one.symbol, "outcome": was.outcome} for one, was in zip(read.good, decided, strict=True)]
        doubts = [_doubt(at, was) for at, was in zip(read.places, decided, strict=True) if was.doubt]
        said = {"errors": _faults_json(read.errors), "warnings": _faults_json([*read.warnings, *doubts])}
        return Answer({"indicators": taken, **said}, _status(decided))

    with outdated(request):
        return await once(request, key, effect)


@dataclass(slots=True)
class _Read:
    """The valid observations of a request with the place of each, the faults of the others, and the warnings."""

    good: list[Indicator] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def _read(request: web.Request, given: list[object], *, listed: bool) -> _Read:
    read = _Read()
    values: dict[tuple[str, datetime | None, datetime], tuple[Decimal | None, ...]] = {}
    now = services_of(request).now()
    for number, payload in enumerate(given):
        at = f"[{number}]" if listed else ""
        found, said = read_indicator(request, payload, at, now)
        if found is None:
            read.errors += said
        else:
            moment = found.symbol, found.as_of, found.observed_at
            numbers = found.value, found.change, found.percent
            if values.setdefault(moment, numbers) != numbers:
                said = [*said, Fault(f"{at}.symbol", f"{found.symbol} stands twice with one time; the last counts")]
            read.good.append(found)
            read.places.append(at)
            read.warnings += said
    return read


def _doubt(at: str, change: IndicatorChange) -> Fault:
    """What the response says of an observation that was taken; of one that is held, also how it comes to be
    published.
    """
    said = change.doubt or ""
    if change.outcome is Outcome.HELD:
        said += "; to publish it, push it once more, without observed_at or with a later one"
    return Fault(f"{at}.value".removeprefix("."), said)


def _status(decided: Sequence[IndicatorChange]) -> int:
    outcomes = {change.outcome for change in decided}
    return 201 if Outcome.NEW in outcomes else 202 if Outcome.HELD in outcomes else 200


def _faults_json(faults: list[Fault]) -> list[dict[str, str]]:
    return [{"path": fault.path, "message": fault.message} for fault in faults]
