"""``POST /api/v1/articles``: many articles in one request, each taken or refused by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from aiohttp import web

from publisher import telemetry
from publisher.clock import rfc3339
from publisher.model import Role
from publisher.model.observed import ObservedArticle
from publisher.storage.database import Tx
from publisher.web.answers import Fault, Problem
from publisher.web.asking import BODY_LIMIT, json_body
from publisher.web.auth import require
from publisher.web.idempotency import Answer, once
from publisher.web.intake import read_article
from publisher.web.services import Taken, services_of

log = telemetry.logger(__name__)

routes = web.RouteTableDef()

MOST = 1_000
"""Articles in one request."""

BATCH_LIMIT = 16_000_000
"""Bytes of one request; each article may have as many as one that is sent alone."""

Read = tuple[str | None, ObservedArticle | None, list[Fault]]
"""One entry: its id as far as it has one, the article unless it is refused, and what is wrong or doubtful about it."""


@routes.post("/api/v1/articles")
async def push_articles(request: web.Request) -> web.Response:
    """Publish or change up to 1,000 articles, each with its ``id``: 200, with what became of each, in their order.

    The good ones are taken, in one transaction, though others are refused; 422 if none is good.
    """
    key = await require(request, Role.EDITOR, to="push articles")
    body = await json_body(request, BATCH_LIMIT)
    if not isinstance(body, list) or not 1 <= len(body) <= MOST:
        given = f"a list of {len(body)}" if isinstance(body, list) else "no list; send one article with PUT"
        raise Problem(422, f"send a list of 1 to {MOST} articles, each with its id; this is {given}")
    # Reading and sanitising a thousand articles takes a second or so: not where all requests are served.
    read = await asyncio.to_thread(lambda: list(_read(request, body)))
    good = [observed for _, observed, _ in read if observed is not None]
    if not good:
        raise Problem(422, "no article could be taken", faults=[fault for _, _, faults in read for fault in faults])
    services = services_of(request)
    prepared = await services.ingest.prepared(good)

    def effect(tx: Tx) -> Answer:
        taken = services.ingest.take(tx, prepared)
        log.info("articles.pushed", taken=len(taken), refused=len(read) - len(taken))
        return Answer({"taken": len(taken), "refused": len(read) - len(taken), "articles": _itemised(read, taken)})

    return await once(request, key, effect)


def _read(request: web.Request, given: Sequence[Any]) -> Iterator[Read]:
    seen: dict[str, int] = {}
    for number, payload in enumerate(given):
        at = f"[{number}]"
        id_ = payload.get("id") if isinstance(payload, dict) else None
        if not isinstance(id_, str):
            fault = Fault(f"{at}.id", "is missing") if isinstance(payload, dict) else Fault(at, "must be an object")
            yield None, None, [fault]
        elif id_ in seen:
            yield id_, None, [Fault(f"{at}.id", f"is that of [{seen[id_]}], too; send one of them")]
        else:
            seen[id_] = number
            yield id_, *_article(request, id_, payload, at)


def _article(
    request: web.Request, id_: str, payload: dict[str, Any], at: str
) -> tuple[ObservedArticle | None, list[Fault]]:
    if (size := len(orjson.dumps(payload))) > BODY_LIMIT:
        return None, [Fault(at, f"has {size} bytes; an article may have {BODY_LIMIT}")]
    try:
        observed, faults = read_article(request, id_, payload)
    except Problem as refused:
        observed, faults = None, list(refused.faults)
    return observed, [Fault(f"{at}.{one.path}", one.message) for one in faults]


def _itemised(read: Sequence[Read], taken: Sequence[Taken]) -> list[dict[str, Any]]:
    became = {one.id: one for one in taken}
    return [
        _item(id_, None if observed is None else became[observed.article.id], faults) for id_, observed, faults in read
    ]


def _item(id_: str | None, taken: Taken | None, faults: Sequence[Fault]) -> dict[str, Any]:
    said = [{"path": fault.path, "message": fault.message} for fault in faults]
    if taken is None:
        return {"id": id_, "outcome": "error", "errors": said}
    item = {"id": taken.id, "outcome": taken.outcome.value, "etag": f'"{taken.version}"', "warnings": said}
    return item if taken.until is None else item | {"embargoed_until": rfc3339(taken.until)}
