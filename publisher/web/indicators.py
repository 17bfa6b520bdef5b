"""``/api/v1/indicators``: the newest observation of each, and pushing observations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from publisher import telemetry
from publisher.model import Indicator, Role
from publisher.model.change import Outcome
from publisher.storage import indicators
from publisher.storage.database import Tx
from publisher.storage.indicators import StoredIndicator
from publisher.web.answers import Fault, Problem, json_response, nearest
from publisher.web.asking import integer, json_body
from publisher.web.auth import caller, require
from publisher.web.cursors import cursor, place_of
from publisher.web.headers import READ
from publisher.web.idempotency import Answer, once
from publisher.web.intake import read_indicator
from publisher.web.kept import outdated
from publisher.web.lists import Batches, list_response
from publisher.web.parameters import takes
from publisher.web.services import services_of
from publisher.web.visibility import Sight, sight_of

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


# A symbol may hold a slash: it comes as %2F, and plain from those who do not encode it.
@routes.get("/api/v1/indicators/{symbol:.+}")
async def show_indicator(request: web.Request) -> web.Response:
    """The newest observation of one indicator; 404 names those that were observed."""
    symbol = request.match_info["symbol"]
    services = services_of(request)
    sight = sight_of(await caller(request), services.catalog().feeds)
    # A database may choke on what can be no symbol, such as a NUL.
    found = await services.db.read(indicators.get, symbol) if symbol.isprintable() else None
    if found is None or not sight.shows("indicators", found.data, found.source):
        latest = await services.db.read(indicators.page, limit=MAX_PAGE)
        seen = [one.symbol for one in latest if sight.shows("indicators", one.data, one.source)]
        raise Problem(404, f"no indicator {symbol[:200]!r} was observed; {nearest(symbol[:200], seen)}")
    return json_response(found.data, headers=READ)


@routes.post("/api/v1/indicators")
async def push_indicators(request: web.Request) -> web.Response:
    """Take one observation or a list: 201 if one is new, else 200.

    Each observation stands for itself: the good ones are taken and the others itemised in ``errors``, what is doubtful
    of those that are taken in ``warnings``; 422 if none is good. Once it is answered, what was taken is stored and
    every feed shows it.
    """
    key = await require(request, Role.EDITOR, to="push indicators")
    body = await json_body(request)
    given = body if isinstance(body, list) else [body]
    if not 1 <= len(given) <= MOST:
        raise Problem(422, f"send one observation, or a list of 1 to {MOST}; this has {len(given)}")
    listed = isinstance(body, list)
    if len(given) <= AT_ONCE:
        read = _read(request, given, listed=listed)
    else:  # not where all requests are served
        read = await asyncio.to_thread(lambda: _read(request, given, listed=listed))
    if not read.good:
        raise Problem(422, "no observation could be taken", faults=read.errors)
    services = services_of(request)

    def effect(tx: Tx) -> Answer:
        outcomes = services.ingest.observe(tx, read.good)
        log.info("indicators.pushed", taken=len(read.good), refused=len(given) - len(read.good))
        taken = [{"symbol": one.symbol, "outcome": outcome} for one, outcome in zip(read.good, outcomes, strict=True)]
        said = {"errors": _told(read.errors), "warnings": _told(read.warnings)}
        return Answer({"indicators": taken, **said}, 201 if Outcome.NEW in outcomes else 200)

    with outdated(request):
        return await once(request, key, effect)


@dataclass(slots=True)
class _Read:
    """The observations of a request that can be taken, what is wrong with others, and what is doubtful."""

    good: list[Indicator] = field(default_factory=list)
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def _read(request: web.Request, given: list[object], *, listed: bool) -> _Read:
    read = _Read()
    now = services_of(request).now()
    for number, payload in enumerate(given):
        found, said = read_indicator(request, payload, f"[{number}]" if listed else "", now)
        if found is None:
            read.errors += said
        else:
            read.good.append(found)
            read.warnings += said
    return read


def _told(faults: list[Fault]) -> list[dict[str, str]]:
    return [{"path": fault.path, "message": fault.message} for fault in faults]
