"""``/api/v1/articles``: reading what is published, and pushing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from publisher import telemetry
from publisher.clock import rfc3339
from publisher.errors import NotFound
from publisher.ingest import Intake, Taken
from publisher.model import Role
from publisher.model.article import ID_PATTERN
from publisher.model.change import Outcome
from publisher.model.facets import wanted_values
from publisher.model.provenance import NOTHING_KNOWN, Provenance
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import articles, embargoes
from publisher.storage.items.articles import Place, Position, StoredArticle
from publisher.storage.items.embargoes import Embargo
from publisher.storage.log import events
from publisher.web.access.auth import caller, require
from publisher.web.access.visibility import Sight, in_sight, sight_of
from publisher.web.api.cursors import cursor, place_of
from publisher.web.api.idempotency import Answer, once
from publisher.web.api.intake import read_article
from publisher.web.api.lists import BATCH_BYTES, PAGE_BYTES, Batches, list_response
from publisher.web.http.conditions import conditions_of
from publisher.web.http.headers import READ
from publisher.web.http.negotiation import matching_tag
from publisher.web.http.parameters import takes
from publisher.web.http.request import flag, integer, many
from publisher.web.http.response import Fault, Problem, json_response
from publisher.web.kept import outdated
from publisher.web.services import services_of

log = telemetry.logger(__name__)

routes = web.RouteTableDef()

FACETS = {
    "topic": "topics",
    "section": "sections",
    "author": "authors",
    "editor": "editors",
    "agency": "agencies",
    "language": "languages",
    "source": "sources",
}
"""Query parameter → facet."""

PAGE, MAX_PAGE = 50, 500
LIST = "articles"


@routes.get("/api/v1/articles")
@takes("limit", "after", many=FACETS)
async def list_articles(request: web.Request) -> web.StreamResponse:
    """A page of articles, newest first; ``next`` is the ``after`` of the following page, null at the end.

    Where few are visible, or they are large, a page holds fewer than the limit though more follow.

    ``topic``, ``section``, … narrow it: repeated, one of the values must fit; together, all of them. By ``source`` only
    for editors.
    """
    limit = integer(request, "limit", PAGE, low=1, high=MAX_PAGE)
    position = _position(request)
    facets = {facet: wanted_values(facet, values) for name, facet in FACETS.items() if (values := many(request, name))}
    services = services_of(request)
    if "sources" in facets:
        await require(request, Role.EDITOR, to="narrow articles by source")
    sight = sight_of(await caller(request), services.catalog().feeds)
    found = await services.db.read(
        articles.listing, limit=limit, before=position, facets=facets, seen=sight.narrowings()
    )
    places, position = _within(*found)
    following = None if position is None else cursor(request, LIST, list(position))
    return await list_response(request, "articles", _batches(services.db, sight, places), lambda: {"next": following})


@routes.get("/api/v1/articles/{id}")
async def show_article(request: web.Request) -> web.Response:
    """One article, with its version as ``ETag``. 404 if there is none; 410 if it was withdrawn.

    A caller who sees it only in feeds of summaries gets it without its text, under an ``ETag`` of its own.
    ``provenance`` says where its values came from, and ``warnings``, for editors, what is doubtful about them.

    An article that waits for its published time is shown to editors alone, and says so in ``Embargoed-Until``.
    """
    services = services_of(request)
    sight = sight_of(await caller(request), services.catalog().feeds)
    article = _known_form(request)
    stored, waiting, version, provenance = await services.db.read(_find, services.ingest, sight, article)
    if waiting is not None:
        headers = READ | _tag(version or "") | _embargoed(waiting.until)
        return json_response(waiting.data | sight.beside(waiting.provenance), headers=headers)
    if stored is None:
        raise Problem(404, f"no article has the id {article!r}")
    if stored.withdrawn_at is not None:
        raise Problem(410, f"the article was withdrawn at {rfc3339(stored.withdrawn_at)}")
    seen = sight.seen(stored)
    tag = sight.tag(version or "", stored, seen, provenance)
    if matching_tag(request, tag) is not None:
        return web.Response(status=304, headers=READ | _tag(tag))
    return json_response(seen.data | sight.beside(provenance), headers=READ | _tag(tag))


@routes.put("/api/v1/articles/{id}")
async def push_article(request: web.Request) -> web.Response:
    """Publish or change an article: 201 if it is new, 200 if it was changed or is what it was.

    202 if its published time is still to come: it is stored, and published then. Otherwise, once it is answered, every
    feed shows it. ``If-Match`` and ``If-None-Match`` are held to its version, 412 otherwise.
    """
    key = await require(request, Role.EDITOR, to="push articles")
    observed, warnings = await read_article(request, request.match_info["id"])
    conditions, services = conditions_of(request), services_of(request)
    prepared = await services.ingest.prepared([observed])

    def effect(tx: Tx) -> Answer:
        events.lock(tx)
        conditions.check(services.ingest.version(tx, observed.article.id))
        (taken,) = services.ingest.take(tx, prepared)
        log.info("article.pushed", id=taken.id, outcome=taken.outcome.value)
        return _pushed(taken, warnings, services.site().url.rstrip("/"))

    with outdated(request):
        return await once(request, key, effect)


@routes.delete("/api/v1/articles/{id}")
@takes("erase")
async def withdraw_article(request: web.Request) -> web.Response:
    """Withdraw an article; 404 if there never was one. Doing it twice changes nothing.

    With ``?erase=true`` its text is removed for good, too. ``If-Match`` is held to its version, 412 otherwise.
    """
    await require(request, Role.EDITOR, to="withdraw articles")
    article, services, conditions = _known_form(request), services_of(request), conditions_of(request)

    def check(tx: Tx) -> None:
        events.lock(tx)
        conditions.check(services.ingest.version(tx, article))

    def withdraw(tx: Tx) -> str:
        check(tx)
        return services.ingest.remove(tx, article).value

    try:
        with outdated(request):
            if flag(request, "erase"):
                await services.ingest.erase(article, check)
                await services.publications.sweep()
                outcome = "erased"
            else:
                outcome = await services.db.write(withdraw)
    except NotFound as error:
        raise Problem(404, str(error)) from error
    log.info("article.withdrawn", id=article, outcome=outcome)
    return json_response({"outcome": outcome, "id": article})


def _known_form(request: web.Request) -> str:
    """The id in the path; 404 for what cannot be one, before it reaches a database that may choke on it."""
    article = request.match_info["id"]
    if not re.fullmatch(ID_PATTERN, article):
        raise Problem(404, f"no article has the id {article[:200]!r}")
    return article


def _find(
    tx: Tx, ingest: Intake, sight: Sight, id: str
) -> tuple[StoredArticle | None, Embargo | None, str | None, Provenance]:
    """The article as far as it is visible; what is embargoed under its id, for a caller who sees everything; its
    version; the provenance of its values.
    """
    waiting = embargoes.get(tx, id) if sight.everything else None
    found = in_sight(tx, sight, id)
    provenance = articles.provenance(tx, [id]).get(id, NOTHING_KNOWN)
    return found, waiting, ingest.version(tx, id), provenance


def _pushed(taken: Taken, warnings: list[Fault], root: str) -> Answer:
    doubts = [{"path": fault.path, "message": fault.message} for fault in warnings]
    data = {"outcome": taken.outcome.value, "article": taken.data, "warnings": doubts}
    headers = {"Location": f"{root}/api/v1/articles/{taken.id}", **_tag(taken.version)}
    if taken.until is not None:
        data["embargoed_until"] = rfc3339(taken.until)
        return Answer(data, 202, headers | _embargoed(taken.until))
    return Answer(data, 201 if taken.outcome is Outcome.NEW else 200, headers)


def _tag(version: str) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


def _embargoed(until: datetime) -> dict[str, str]:
    return {"Embargoed-Until": rfc3339(until)}


async def _batches(db: Database, sight: Sight, places: Sequence[Place]) -> Batches:
    """The articles at these places as they are when their turn comes; one that is out of sight by then is left out."""
    for ids in articles.split([(one.position[1], one.size) for one in places], BATCH_BYTES):
        yield await db.read(_seen, sight, ids)


def _seen(tx: Tx, sight: Sight, ids: list[str]) -> list[dict[str, Any]]:
    found = articles.accounted(tx, ids)
    present = [found[id] for id in ids if id in found and found[id][0].withdrawn_at is None]
    return [
        sight.seen(one).data | sight.beside(provenance)
        for one, provenance in present
        if sight.shows("articles", one.data, one.source)
    ]


def _within(places: list[Place], following: Position | None) -> tuple[list[Place], Position | None]:
    """The articles that fit into a page's bytes, at least one, and where the next page begins."""
    size = 0
    for number, one in enumerate(places):
        size += one.size
        if number and size > PAGE_BYTES:
            return places[:number], places[number - 1].position
    return places, following


def _position(request: web.Request) -> Position | None:
    place = place_of(request, LIST)
    return None if place is None else (int(place[0]), str(place[1]))
