"""``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header-07): a request that is repeated has its effect once.

The effect and the answer are committed together, see ``storage/idempotency``. A refused request had no effect and is
not kept: it may be sent again with the same key once it is corrected, or once the cause is gone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from aiohttp import web

from publisher.errors import KeyReused
from publisher.model import Key
from publisher.storage.access import idempotency
from publisher.storage.access.idempotency import Slot
from publisher.storage.engine.database import Tx
from publisher.web.http.request import body_of
from publisher.web.http.response import Problem, in_pieces
from publisher.web.services import Services, services_of

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of an effect: the JSON to respond with. ``secret``: it must not be stored in the clear."""

    data: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False


async def once(request: web.Request, key: Key, effect: Callable[[Tx], Answer]) -> web.Response:
    """Run ``effect`` in a transaction and respond with its result; a repeated request gets the same response without
    it.

    400 for an invalid key, 422 for one that came with another body. Of two requests at once, the second waits for the
    first.
    """
    slot = await _slot(request, key)
    services = services_of(request)
    try:
        answer, replayed = await services.db.write(_run, services, slot, effect)
    except KeyReused as error:
        raise Problem(422, str(error)) from error
    headers = {"Cache-Control": "no-store", **answer.headers, **(REPLAYED if replayed else {})}
    return web.Response(body=in_pieces(answer.body), status=answer.status, headers=headers)


async def _slot(request: web.Request, key: Key) -> Slot | None:
    text = request.headers.get(HEADER)
    if text is None:
        return None
    # The draft says a quoted string; most clients send it without quotes.
    match = re.fullmatch(r'(?P<quote>"?)(?P<key>[!#-\[\]-~]{1,255})(?P=quote)', text.strip())
    if match is None:
        raise Problem(400, f"{HEADER} must be 1 to 255 visible ASCII characters, for example a UUID; it may be quoted")
    digest = hashlib.sha256(await body_of(request)).hexdigest()
    return Slot(key.owner, request.method, request.path, match["key"], digest)


def _run(
    tx: Tx, services: Services, slot: Slot | None, effect: Callable[[Tx], Answer]
) -> tuple[idempotency.Answer, bool]:
    before = idempotency.begin(tx, slot) if slot else None
    if before is not None:
        return _opened(before, services), True
    made = effect(tx)
    body = orjson.dumps(made.data, option=orjson.OPT_APPEND_NEWLINE)
    headers = {"Content-Type": "application/json; charset=utf-8", **made.headers}
    answer = idempotency.Answer(made.status, headers, body)
    if slot:
        sealed = replace(answer, body=services.sealer.seal(body), sealed=True) if made.secret else answer
        idempotency.finish(tx, slot, sealed)
    return answer, False


def _opened(answer: idempotency.Answer, services: Services) -> idempotency.Answer:
    return replace(answer, body=services.sealer.unseal(answer.body)) if answer.sealed else answer
