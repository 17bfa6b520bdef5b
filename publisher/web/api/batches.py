"""``POST /api/v1/articles``: many articles in one request, each taken or refused by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from publisher import telemetry
from publisher.clock import rfc3339
from publisher.ingest import Taken
from publisher.model import Role
from publisher.sources.json.batch import Entry
from publisher.storage.engine.database import Tx
from publisher.web.access.auth import require
from publisher.web.api.idempotency import Answer, once
from publisher.web.api.intake import read_batch
from publisher.web.http.response import Fault, Problem
from publisher.web.kept import outdated
from publisher.web.services import services_of

log = telemetry.logger(__name__)

routes = web.RouteTableDef()

MOST = 1_000
"""Articles in one request."""

BATCH_LIMIT = 16_000_000
"""Bytes of one request; each article may be as large as one that is sent alone."""


@routes.post("/api/v1/articles")
async def push_articles(request: web.Request) -> web.Response:
    """Publish or change up to 1,000 articles, each with its ``id``: 200, with what became of each, in their order.

    Valid articles are taken in one transaction even if others are refused; 422 if none is valid.
    """
    key = await require(request, Role.EDITOR, to="push articles")
    read = await read_batch(request, BATCH_LIMIT, MOST)
    good = [entry.article for entry, _ in read if entry.article is not None]
    if not good:
        raise Problem(422, "no article could be taken", faults=[fault for _, faults in read for fault in faults])
    services = services_of(request)
    prepared = await services.ingest.prepared(good)

    def effect(tx: Tx) -> Answer:
        taken = services.ingest.take(tx, prepared)
        log.info("articles.pushed", taken=len(taken), refused=len(read) - len(taken))
        return Answer({"taken": len(taken), "refused": len(read) - len(taken), "articles": _itemised(read, taken)})

    with outdated(request):
        return await once(request, key, effect)


def _itemised(read: Sequence[tuple[Entry, list[Fault]]], taken: Sequence[Taken]) -> list[dict[str, Any]]:
    became = {one.id: one for one in taken}
    return [
        _item(entry.id, None if entry.article is None else became[entry.article.article.id], faults)
        for entry, faults in read
    ]


def _item(id_: str | None, taken: Taken | None, faults: Sequence[Fault]) -> dict[str, Any]:
    said = [{"path": fault.path, "message": fault.message} for fault in faults]
    if taken is None:
        return {"id": id_, "outcome": "error", "errors": said}
    item = {"id": taken.id, "outcome": taken.outcome.value, "etag": f'"{taken.version}"', "warnings": said}
    return item if taken.until is None else item | {"embargoed_until": rfc3339(taken.until)}
