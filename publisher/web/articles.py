"""``/api/v1/articles``: reading what is published, and pushing."""

from __future__ import annotations

import re
from datetime import datetime

from aiohttp import web

from publisher import telemetry
from publisher.clock import rfc3339
from publisher.errors import NotFound
from publisher.model import Role
from publisher.model.article import ID_PATTERN
from publisher.model.change import Outcome
from publisher.model.facets import fold
from publisher.storage import articles, embargoes, events
from publisher.storage.articles import Narrowing, Position, StoredArticle
from publisher.storage.database import Tx
from publisher.storage.embargoes import Embargo
from publisher.web.answers import Fault, Problem, invalid, json_response
from publisher.web.asking import flag, integer, many
from publisher.web.auth import caller, require
from publisher.web.conditions import conditions_of
from publisher.web.headers import READ
from publisher.web.idempotency import Answer, once
from publisher.web.intake import read_article
from publisher.web.services import Intake, Taken, services_of
from publisher.web.visibility import Sight, in_sight, sight_of

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
SCANNED = 5_000
"""Articles looked at for one page; where few are public, a page may hold fewer than asked for and still go on."""


@routes.get("/api/v1/articles")
async def list_articles(request: web.Request) -> web.Response:
    """A page of articles, newest first; ``next`` is the ``after`` of the following page, null at the end.

    ``topic``, ``section``, … narrow it: repeated, one of the values must fit; together, all of them.
    """
    limit = integer(request, "limit", PAGE, low=1, high=MAX_PAGE)
    position = _position(request)
    facets = {facet: set(map(fold, values)) for name, facet in FACETS.items() if (values := many(request, name))}
    services = services_of(request)
    sight = sight_of(await caller(request), services.catalog().feeds)
    found, position = await services.db.read(_visible, sight, limit, position, facets)
    body = {"articles": [one.data for one in found], "next": None if position is None else _cursor(position)}
    return json_response(body, headers=READ)


@routes.get("/api/v1/articles/{id}")
async def show_article(request: web.Request) -> web.Response:
    """One article, with its version as ``ETag``. 404 if there is none; 410 if it was withdrawn.

    An article that waits for its published time is shown to editors alone, and says so in ``Embargoed-Until``.
    """
    services = services_of(request)
    sight = sight_of(await caller(request), services.catalog().feeds)
    article = _known_form(request)
    stored, waiting, version = await services.db.read(_find, services.ingest, sight, article)
    headers = READ | ({} if version is None else _tag(version))
    if waiting is not None:
        return json_response(waiting.data, headers=headers | _embargoed(waiting.until))
    if stored is None:
        raise Problem(404, f"no article has the id {article!r}")
    if stored.withdrawn_at is not None:
        raise Problem(410, f"the article was withdrawn at {rfc3339(stored.withdrawn_at)}")
    if any(tag.value in (version, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return json_response(stored.data, headers=headers)


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
        return _pushed(taken, warnings, services.site.url.rstrip("/"))

    return await once(request, key, effect)


@routes.delete("/api/v1/articles/{id}")
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
    """The id in the path; 404 for what can be none, before a database is asked that may choke on it."""
    article = request.match_info["id"]
    if not re.fullmatch(ID_PATTERN, article):
        raise Problem(404, f"no article has the id {article[:200]!r}")
    return article


def _find(tx: Tx, ingest: Intake, sight: Sight, id: str) -> tuple[StoredArticle | None, Embargo | None, str | None]:
    """The article as far as it is in sight; what waits under its id, for who sees everything; and its version."""
    waiting = embargoes.get(tx, id) if sight.everything else None
    return in_sight(tx, sight, id), waiting, ingest.version(tx, id)


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


def _visible(
    tx: Tx, sight: Sight, limit: int, position: Position | None, facets: Narrowing
) -> tuple[list[StoredArticle], Position | None]:
    """Up to ``limit`` articles in sight after ``position``, and where to go on; null at the end."""
    found: list[StoredArticle] = []
    for _ in range(0, SCANNED, limit):
        batch = articles.page(tx, limit=limit + 1, before=position, facets=facets)
        for one in batch:
            if len(found) == limit:
                return found, position
            position = one.position
            if sight.shows("articles", one.data, one.source):
                found.append(one)
        if len(batch) <= limit:
            return found, None
    return found, position


def _cursor(position: Position) -> str:
    return f"{position[0]}-{position[1]}"


def _position(request: web.Request) -> Position | None:
    text = request.query.get("after")
    if text is None:
        return None
    match = re.fullmatch(r"(-?[0-9]{1,18})-(.+)", text)
    if match is None or not re.fullmatch(ID_PATTERN, match[2]):
        raise invalid(Fault("after", f"must be the `next` of a page before, not {text[:40]!r}"))
    return int(match[1]), match[2]
