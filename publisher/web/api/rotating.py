"""``POST /api/v1/webhooks/ID/rotate``: new secrets for a webhook, while the old ones still sign beside them."""

from __future__ import annotations

from aiohttp import web

from publisher import telemetry
from publisher.clock import rfc3339
from publisher.errors import NotFound
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import credentials
from publisher.web.api.credentials import Rotation
from publisher.web.api.idempotency import Answer, once
from publisher.web.api.owned import credentials_of, own
from publisher.web.api.registration import read
from publisher.web.http.request import body_of, json_object
from publisher.web.http.response import Fault, Problem, invalid
from publisher.web.services import services_of

log = telemetry.logger(__name__)

routes = web.RouteTableDef()

PATH = "/api/v1/webhooks/{id}/rotate"


@routes.post(PATH)
async def rotate(request: web.Request) -> web.Response:
    """New secrets, shown this once. Those of before sign beside them until the overlap ends, a day by default."""
    key, found = await own(request)
    wanted = read(Rotation, await json_object(request) if await body_of(request) else {})
    if wanted.secret is not None and not found.credentials.signature.shared:
        raise invalid(Fault("secret", "has no place in a webhook that is signed by v1a alone"))
    services = services_of(request)
    services.limits.registering(key)

    def effect(tx: Tx) -> Answer:
        events.lock(tx)
        try:
            made = credentials_of(tx, services, found.id).rotated(tx.now, wanted.overlap, wanted.secret)
            shown = made.shown()
            credentials.replace(tx, found.id, services.sealer.seal(made.written()), shown)
        except NotFound as error:
            raise Problem(404, str(error)) from error
        log.info("webhook.rotated", id=found.id, overlap=wanted.overlap)
        until = shown.previous_until
        body = {
            "id": found.id,
            "signature": shown.signature,
            "secret": made.secret,
            "public_key": shown.public_key,
            "previous_secret_until": until and rfc3339(until),
        }
        return Answer(body, secret=True)

    return await once(request, key, effect)
