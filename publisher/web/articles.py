"""``/api/v1/articles``: reading what is published, and pushing."""

from __future__ import annotations

import re

from aiohttp import web

from publisher import telemetry
from publisher.clock import rfc3339
from publisher.errors import NotFound
from publisher.model import Role
from publisher.model.article import ID_PATTERN
from publisher.model.change import Outcome
from publisher.model.facets import fold
from publisher.storage import articles
from publisher.storage.articles import Narrowing, Position, StoredArticle
from publisher.storage.database import Tx
from publisher.web.answers import Fault, Problem, invalid, json_response
from publisher.web.asking import integer, json_object, many
from publisher.web.auth import caller, require
from publisher.web.headers import READ
from publisher.web.intake import read_article
from publisher.web.services import services_of
from publisher.web.visibility import Sight, sight_of

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
    """One article. 404 if there is none; 410 if it was withdrawn."""
    services = services_of(request)
    sight = sight_of(await caller(request), services.catalog().feeds)
    article = _known_form(request)
    stored = await services.db.read(articles.get, article)
    if stored is None or not sight.shows("articles", stored.data, stored.source):
        raise Problem(404, f"no article has the id {article!r}")
    if stored.withdrawn_at is not None:
        raise Problem(410, f"the article was withdrawn at {rfc3339(stored.withdrawn_at)}")
    return json_response(stored.data, headers=READ)


@routes.put("/api/v1/articles/{id}")
async def push_article(request: web.Request) -> web.Response:
    """Publish or change an article: 201 if it is new, 200 if it was changed or is what it was.

    Once it is answered, the article is stored and every feed shows it.
    """
    await require(request, Role.EDITOR, to="push articles")
    observed, warnings = read_article(request, request.match_info["id"], await json_object(request))
    outcome, data = await services_of(request).ingest.push_article(observed)
    log.info("article.pushed", id=observed.article.id, outcome=outcome.value)
    return json_response(
        {
            "outcome": outcome.value,
            "article": data,
            "warnings": [{"path": fault.path, "message": fault.message} for fault in warnings],
        },
        status=201 if outcome is Outcome.NEW else 200,
        headers={"Location": f"{services_of(request).site.url.rstrip('/')}/api/v1/articles/{observed.article.id}"},
    )


@routes.delete("/api/v1/articles/{id}")
async def withdraw_article(request: web.Request) -> web.Response:
    """Withdraw an article; 404 if there never was one. Doing it twice changes nothing."""
    await require(request, Role.EDITOR, to="withdraw articles")
    article = _known_form(request)
    try:
        outcome = await services_of(request).ingest.withdraw(article)
    except NotFound as error:
        raise Problem(404, str(error)) from error
    log.info("article.withdrawn", id=article, outcome=outcome.value)
    return json_response({"outcome": outcome.value, "id": article})


def _known_form(request: web.Request) -> str:
    """The id in the path; 404 for what can be none, before a database is asked that may choke on it."""
    article = request.match_info["id"]
    if not re.fullmatch(ID_PATTERN, article):
        raise Problem(404, f"no article has the id {article[:200]!r}")
    return article


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
