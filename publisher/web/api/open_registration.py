"""``[registration] mode = "open"``: webhooks on public feeds without a key, once their endpoint has echoed a challenge.

The answer to a registration holds a management token, which opens this webhook and nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from publisher import telemetry
from publisher.delivery.credentials import Credentials
from publisher.model import Key, Role, Subscription
from publisher.model.credentials import Signature
from publisher.model.options import DEFAULT
from publisher.model.subscription import Verification, endpoint_host
from publisher.outbound import Exchange
from publisher.storage.access import keys
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import hosts, subscriptions, verification
from publisher.web.api.credentials import applied
from publisher.web.api.owned import or_404, own
from publisher.web.api.registration import Registration, checked, read
from publisher.web.http.proxies import client_address
from publisher.web.http.request import json_object
from publisher.web.http.response import Problem
from publisher.web.services import Services, services_of

log = telemetry.logger(__name__)

OWNER = "open-registration"
"""The beginning of the owners of such webhooks, who have one each."""


async def register(request: web.Request) -> tuple[Subscription, Mapping[str, Any]]:
    """Make a webhook without a key and challenge its endpoint; returns it, and what is shown this once."""
    services = services_of(request)
    address = client_address(request, services.trusted_proxies)
    services.limits.registering_openly(address)
    wanted = read(Registration, await json_object(request))
    owner = f"{OWNER}-{secrets.token_hex(8)}"
    stranger = Key(id="", role=Role.SUBSCRIBER, owner=owner, prefix="", created_at=services.now())
    checked(wanted, stranger, services)
    made = applied(wanted, Credentials.new(Signature(wanted.signature), public_only=True))

    def effect(tx: Tx) -> tuple[Subscription, str, bytes]:
        events.lock(tx)
        services.check(tx)
        values = checked(wanted, stranger, services)
        services.limits.check_openly(tx, values["url"])
        services.limits.expressing(tx, stranger, values["filter"], stranger.owner)
        sealed = services.sealer.seal(made.written())
        created = subscriptions.create(
            tx,
            url=values["url"],
            filter=values["filter"],
            format=values["format"],
            description=wanted.description,
            owner=stranger.owner,
            sealed_secret=sealed,
            granted=Role.SUBSCRIBER,
            options=values.get("options", DEFAULT),
            shown=made.shown(),
        )
        created = verification.begin(tx, created.id)
        _, token = keys.create(tx, Role.SUBSCRIBER, stranger.owner, private_networks=False, webhook=created.id)
        return created, token, sealed

    created, token, sealed = await services.db.write(effect)
    log.info("webhook.registered_openly", id=created.id, host=endpoint_host(created.url), client=address)
    created, challenge = await _verify(created, sealed, stranger, services)
    return created, {"secret": made.secret, "token": token, "challenge": challenge}


async def verify(request: web.Request) -> tuple[Subscription, Mapping[str, Any] | None]:
    """Challenge the endpoint of a webhook that waits for it; returns it as it is then, and how that went."""
    key, found = await own(request)
    services = services_of(request)
    if found.verification is not Verification.PENDING:
        return found, None
    services.limits.registering_openly(client_address(request, services.trusted_proxies))
    sealed = await or_404(services.db.read(subscriptions.secret, found.id))
    return await _verify(found, sealed, key, services)


async def check_move(request: web.Request, key: Key, found: Subscription, url: str, own: Credentials) -> None:
    """Challenge the endpoint at a new URL of a webhook that is verified; 422 where it does not echo.

    ``own`` is what the webhook would be sent with there.
    """
    services = services_of(request)
    services.limits.registering_openly(client_address(request, services.trusted_proxies))
    there = found.model_copy(update={"url": url})
    echoed, shown = await _challenge(there, services.sealer.seal(own.written()), key, services)
    if not echoed:
        raise Problem(422, "the new URL has not echoed the challenge that was sent there", more={"challenge": shown})


async def _verify(
    found: Subscription, sealed: bytes, key: Key, services: Services
) -> tuple[Subscription, Mapping[str, Any]]:
    echoed, shown = await _challenge(found, sealed, key, services)
    if echoed:
        found = await or_404(services.db.write(verification.passed, found.id, found.url))
        log.info("webhook.verified", id=found.id)
    return found, shown


async def _challenge(
    found: Subscription, sealed: bytes, key: Key, services: Services
) -> tuple[bool, Mapping[str, Any]]:
    host = endpoint_host(found.url)
    verified = await services.db.read(hosts.is_verified, host)
    with services.limits.testing(key, host, verified=verified):
        echoed, result = await services.deliverer.challenge(found, sealed)
    return echoed, _shown(echoed, result)


def _shown(echoed: bool, result: Exchange) -> Mapping[str, Any]:
    """How it went, without a word of the answer: who asks may not be whose endpoint it is."""
    error = result.error
    if not echoed and result.delivered:
        error = "the answer does not hold the challenge, as its body, as `challenge` in JSON or in webhook-challenge"
    return {"echoed": echoed, "status": result.status, "error": error, "error_class": result.error_class}
