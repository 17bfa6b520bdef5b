"""``/api/v1/webhooks``: registering webhooks and seeing what became of each delivery; and the same of each event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from publisher import telemetry
from publisher.clock import from_micros, rfc3339
from publisher.delivery.credentials import Credentials
from publisher.delivery.followers import permissions
from publisher.errors import Conflict
from publisher.model import (
    Attempt,
    DeliveryState,
    Event,
    Key,
    Role,
    Subscription,
    SubscriptionState,
)
from publisher.model.credentials import Signature
from publisher.model.options import DEFAULT
from publisher.model.subscription import Verification, endpoint_host
from publisher.outbound.addresses import is_public
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import credentials, folding, listing, subscriptions, verification
from publisher.storage.subscriptions.listing import Accounts, Listed, Spot
from publisher.web.access.auth import caller, require
from publisher.web.api import open_registration
from publisher.web.api.credentials import applied, gives, shown
from publisher.web.api.cursors import cursor, place_of
from publisher.web.api.idempotency import Answer, once
from publisher.web.api.lists import Batches, list_response
from publisher.web.api.missed import PATH, missed_json
from publisher.web.api.narrowing import where_json
from publisher.web.api.owned import credentials_of, or_404, own
from publisher.web.api.registration import Change, Registration, checked, options_json, read
from publisher.web.http.parameters import takes
from publisher.web.http.request import integer, json_object, many
from publisher.web.http.response import Fault, Problem, invalid, json_response
from publisher.web.services import Services, services_of

log = telemetry.logger(__name__)

routes = web.RouteTableDef()

PAGE, MAX_PAGE = 50, 500
LIST = "webhooks"
BATCH = 100
"""Webhooks, or deliveries with their attempts, that are read and written at once."""

NO_STORE = {"Cache-Control": "no-store"}


@routes.post(PATH)
async def register(request: web.Request) -> web.Response:
    """Register a webhook; it is sent every event from the next one on. The secret is shown only this once."""
    if services_of(request).limits.open and (await caller(request)).key is None:
        return _registered_openly(request, *await open_registration.register(request))
    key = await require(request, Role.SUBSCRIBER, to="register webhooks")
    wanted = read(Registration, await json_object(request))
    services = services_of(request)
    checked(wanted, key, services)
    services.limits.registering(key)
    own = Credentials.new(Signature(wanted.signature), public_only=not key.private_networks)
    made = applied(wanted, own)

    def effect(tx: Tx) -> Answer:
        values = _held_to(tx, wanted, key, services)
        services.limits.check(tx, key, values["url"], new=True)
        services.limits.expressing(tx, key, values["filter"], key.owner)
        created = subscriptions.create(
            tx,
            url=values["url"],
            filter=values["filter"],
            format=values["format"],
            description=wanted.description,
            owner=key.owner,
            sealed_secret=services.sealer.seal(made.written()),
            granted=None,
            options=values.get("options", DEFAULT),
            shown=made.shown(),
        )
        log.info("webhook.registered", id=created.id, owner=key.owner, feeds=wanted.feeds)
        body = webhook_json(created)
        body = {"id": body.pop("id"), "secret": made.secret, **body}
        location = f"{services.site().url.rstrip('/')}{PATH}/{created.id}"
        return Answer(body, 201, {"Location": location}, secret=True)

    return await once(request, key, effect)


def _registered_openly(request: web.Request, made: Subscription, once: Mapping[str, Any]) -> web.Response:
    body = webhook_json(made)
    location = f"{services_of(request).site().url.rstrip('/')}{PATH}/{made.id}"
    return json_response({"id": body.pop("id"), **once, **body}, status=201, headers={"Location": location, **NO_STORE})


@routes.post(PATH + "/{id}/verify")
async def verify(request: web.Request) -> web.Response:
    """Challenge the endpoint of a webhook that was registered without a key, and say how that went."""
    found, challenge = await open_registration.verify(request)
    return json_response({**webhook_json(found), "challenge": challenge})


@routes.get(PATH)
@takes("limit", "after")
async def list_webhooks(request: web.Request) -> web.StreamResponse:
    """A page of the caller's webhooks, in the order they were made; an operator sees all. ``next`` as elsewhere."""
    key = await require(request, Role.SUBSCRIBER, to="see webhooks")
    owner = None if key.role.allows(Role.OPERATOR) else key.owner
    limit = integer(request, "limit", MAX_PAGE, low=1, high=MAX_PAGE)
    place = place_of(request, LIST)

    def listed(tx: Tx) -> tuple[list[dict[str, Any]], int | None]:
        found, n = subscriptions.page(tx, limit=limit, owner=owner, after=0 if place is None else int(place[0]))
        return [webhook_json(one) for one in found], n

    found, n = await services_of(request).db.read(listed)
    following = None if n is None else cursor(request, LIST, [n])
    batches = _in_batches(found)
    return await list_response(request, "webhooks", batches, lambda: {"next": following}, NO_STORE)


@routes.get(PATH + "/{id}")
async def show(request: web.Request) -> web.Response:
    """One webhook; an operator sees a deleted one too."""
    _, found = await own(request, deleted=True)
    return json_response(webhook_json(found))


@routes.patch(PATH + "/{id}")
async def change(request: web.Request) -> web.Response:
    """Change the given fields. ``state`` ``disabled`` cancels open deliveries; ``active`` sends the events that
    follow, and ``missed`` in the answer tells what it was not sent meanwhile.
    """
    key, found = await own(request)
    wanted = read(Change, await json_object(request))
    services = services_of(request)
    values = checked(wanted, key, services, now=found)
    url = values.get("url", found.url)
    moves = endpoint_host(url) != endpoint_host(found.url)
    if moves:
        services.limits.registering(key)
    if found.verification is not None:
        await _verified_move(request, key, found, wanted, url)

    def update(tx: Tx) -> tuple[Subscription, dict[str, Any]]:
        values = _held_to(tx, wanted, key, services, now=found)
        if moves:
            services.limits.check(tx, key, url, new=False)
        if url != found.url:
            _may_redirect(tx, key, found.id)
        if gives(wanted) or url != found.url:
            replaced = applied(wanted, credentials_of(tx, services, found.id))
            if url != found.url:
                replaced = replace(replaced, public_only=_public_only(key, found))
            credentials.replace(tx, found.id, services.sealer.seal(replaced.written()), replaced.shown())
        if "filter" in values:
            services.limits.expressing(tx, key, values["filter"], found.owner)
        before = subscriptions.existing(tx, found.id)
        changed = _changed(tx, found, values)
        enabled = before.state is SubscriptionState.DISABLED and changed.state is SubscriptionState.ACTIVE
        return changed, {"missed": missed_json(tx, before)} if enabled else {}

    try:
        changed, missed = await or_404(services.db.write(update))
    except Conflict as error:
        raise invalid(Fault("state", f"cannot be 'active': {error}")) from error
    if found.verification is Verification.PENDING and url != found.url:
        changed = await or_404(services.db.write(verification.passed, found.id, url))
    log.info("webhook.changed", id=found.id, fields=sorted(wanted.model_fields_set))
    return json_response({**webhook_json(changed), **missed})


def _public_only(key: Key, found: Subscription) -> bool:
    """Whether a webhook that this key points elsewhere may be sent to public addresses alone."""
    return not key.private_networks or found.verification is not None


async def _verified_move(request: web.Request, key: Key, found: Subscription, wanted: Change, url: str) -> None:
    """Have a new URL of a webhook without a key echo a challenge first."""
    if url != found.url:
        services = services_of(request)
        stored = await or_404(services.db.read(credentials_of, services, found.id))
        sent_with = replace(applied(wanted, stored), public_only=_public_only(key, found))
        await open_registration.check_move(request, key, found, url, sent_with)


@routes.delete(PATH + "/{id}")
async def delete(request: web.Request) -> web.Response:
    """Delete a webhook; what was still to be sent is cancelled."""
    _, found = await own(request)
    await or_404(services_of(request).db.write(subscriptions.delete, found.id))
    log.info("webhook.deleted", id=found.id)
    return web.Response(status=204)


@routes.get(PATH + "/{id}/deliveries")
@takes("limit", "after", many=["state"])
async def list_deliveries(request: web.Request) -> web.StreamResponse:
    """A page of deliveries with their attempts, newest first; ``next`` is the ``after`` of the following page.

    ``state``, which may be repeated, narrows it. An operator sees those of a deleted webhook too. ``folded_until`` is
    the time up to which what was delivered or cancelled is listed no more, null where everything is.
    """
    key, found = await own(request, deleted=True)
    name = f"deliveries of {found.id} by their events"
    limit = integer(request, "limit", PAGE, low=1, high=MAX_PAGE)
    place = place_of(request, name)
    states = [_state(text) for text in many(request, "state")]
    db = services_of(request).db
    before = listing.LAST if place is None else (int(place[0]), int(place[1]))

    def listed(tx: Tx) -> tuple[list[Listed], int | None]:
        return listing.page(tx, found.id, limit=limit + 1, before=before, states=states), folding.until(tx)

    page, until = await db.read(listed)
    folded_until = None if until is None else rfc3339(from_micros(until))
    more = len(page) > limit
    last = page[limit - 1] if more else None
    following = None if last is None else cursor(request, name, [last.seq, last.run])
    end = {"next": following, "folded_until": folded_until}
    batches = _with_attempts(db, page[:limit], private=key.role is Role.OPERATOR)
    return await list_response(request, "deliveries", batches, lambda: end, NO_STORE)


@routes.get("/api/v1/events/{id}/deliveries")
@takes("limit", "after")
async def list_deliveries_of_event(request: web.Request) -> web.StreamResponse:
    """What became of an event, for operators: a page of its deliveries with their attempts, those taken at the first
    attempt first, and counts. It is named by its id or its number.

    ``matched`` is how many webhooks it matched, ``states`` how many deliveries are in each state, ``folded`` how many
    of those are not listed any more, and ``again`` how many were sent again, which count for no event.
    """
    await require(request, Role.OPERATOR, to="see what became of an event")
    id_, name = request.match_info["id"], "deliveries of an event by their seats"
    limit = integer(request, "limit", PAGE, low=1, high=MAX_PAGE)
    place = place_of(request, name)
    after = listing.FIRST if place is None else (int(place[0]), int(place[1]), int(place[2]))

    def listed(tx: Tx) -> tuple[Accounts, list[tuple[Spot, Listed]]] | None:
        event = _event(tx, id_)
        if event is None:
            return None
        (accounts,) = listing.accounting(tx, [event.seq])
        return accounts, listing.of_event(tx, event.seq, limit=limit + 1, after=after)

    db = services_of(request).db
    found = await db.read(listed)
    if found is None:
        raise Problem(404, f"there is no event {id_!r}, or it is kept no longer")
    accounts, page = found
    end = {
        "next": cursor(request, name, [*page[limit - 1][0]]) if len(page) > limit else None,
        "matched": accounts.matched,
        "states": {state.value: accounts.states.get(state, 0) for state in DeliveryState},
        "folded": {state.value: count for state, count in sorted(accounts.folded.items())},
        "again": {state.value: count for state, count in sorted(accounts.again.items())},
    }
    batches = _with_attempts(db, [one for _, one in page[:limit]], named=True, private=True)
    return await list_response(request, "deliveries", batches, lambda: end, NO_STORE)


def _event(tx: Tx, name: str) -> Event | None:
    """The event of an id or a number."""
    if name.isdecimal() and name.isascii() and len(name) < 17:
        return next(iter(events.among(tx, [int(name)])), None)
    return events.get(tx, name) if name.isascii() and name.isprintable() else None


def webhook_json(webhook: Subscription) -> dict[str, Any]:
    """A webhook as the API shows it, without its secret; ``events`` is null for all types.

    ``reason`` says why the publisher paused or disabled it, null where it did not; ``failures`` counts failed attempts
    in a row, ``filter_errors`` the events for which its expression could not be evaluated. ``state`` is ``pending``
    while its endpoint has to echo a challenge.
    """
    pending = webhook.verification is Verification.PENDING and webhook.state is SubscriptionState.DISABLED
    return {
        "id": webhook.id,
        "url": webhook.url,
        "feeds": webhook.filter.feeds,
        "events": webhook.filter.events or None,
        "where": where_json(webhook.filter.where),
        "expression": webhook.filter.expression,
        "format": webhook.format,
        "description": webhook.description,
        **options_json(webhook.options),
        "state": "pending" if pending else webhook.state,
        "reason": webhook.reason,
        "owner": webhook.owner,
        "created_at": rfc3339(webhook.created_at),
        "updated_at": rfc3339(webhook.updated_at),
        "failures": webhook.failures,
        "failing_since": webhook.failing_since and rfc3339(webhook.failing_since),
        "last_error": webhook.last_error,
        "last_error_at": webhook.last_error_at and rfc3339(webhook.last_error_at),
        "filter_errors": webhook.filter_errors,
        "last_filter_error": webhook.last_filter_error,
        **shown(webhook.credentials),
    }


def _held_to(
    tx: Tx, wanted: Registration | Change, key: Key, services: Services, *, now: Subscription | None = None
) -> dict[str, Any]:
    """The requested fields, judged by the definitions in force, which stay in force until the transaction ends."""
    events.lock(tx)
    services.check(tx)
    return checked(wanted, key, services, now=now)


def _may_redirect(tx: Tx, key: Key, id: str) -> None:
    """A new URL also gets the pending deliveries: 403 where the webhook follows a feed that the key may not."""
    found = subscriptions.get(tx, id)
    refused = [] if found is None else permissions.confidential(tx, found.filter.feeds)
    if refused and key.role is not Role.OPERATOR:
        raise Problem(
            403,
            f"{', '.join(map(repr, refused))}: a key with the role 'operator' is needed to change the URL of what"
            " follows a private feed",
        )


def _changed(tx: Tx, webhook: Subscription, values: dict[str, Any]) -> Subscription:
    """Change it, provided its owner, whoever the caller is, may follow what it will follow."""
    changed = subscriptions.update(tx, webhook.id, **values)
    permissions.review(tx, webhook.owner)
    return subscriptions.get(tx, webhook.id) or changed


async def _in_batches(page: list[dict[str, Any]]) -> Batches:
    for start in range(0, len(page), BATCH):
        yield page[start : start + BATCH]


async def _with_attempts(db: Database, page: list[Listed], *, private: bool, named: bool = False) -> Batches:
    """In batches; ``named``: each with its webhook; ``private``: with what was answered in private networks."""
    for start in range(0, len(page), BATCH):
        batch = page[start : start + BATCH]
        attempts = await db.read(listing.attempts_of, batch)
        names = [{"webhook": one.subscription} if named else {} for one in batch]
        yield [
            {**name, **delivery_json(one, own, private=private)}
            for name, one, own in zip(names, batch, attempts, strict=True)
        ]


def delivery_json(one: Listed, attempts: list[Attempt], *, private: bool = False) -> dict[str, Any]:
    """A delivery with its attempts as the API shows it; ``private``: with what was answered in private networks.

    ``held`` is the hold that keeps it from being sent, null where none does.
    """
    return {
        "id": one.id,
        "event": one.event_id,
        "seq": one.seq,
        "type": one.event_type,
        "run": one.run,
        "state": one.state,
        "reason": one.reason,
        "held": one.held,
        "created_at": rfc3339(one.created_at),
        "next_attempt_at": one.next_attempt_at and rfc3339(one.next_attempt_at),
        "settled_at": one.settled_at and rfc3339(one.settled_at),
        "attempts": [
            {
                "number": attempt.number,
                "at": rfc3339(attempt.at),
                "duration_ms": attempt.duration_ms,
                "status": attempt.status,
                "error": attempt.error,
                "error_class": attempt.error_class,
                "response": attempt.response if private or answered_publicly(attempt) else None,
            }
            for attempt in attempts
        ],
    }


def answered_publicly(attempt: Attempt) -> bool:
    """Whether no private network answered an attempt: what does is for operators to see."""
    return attempt.address is None or is_public(attempt.address)


def _state(text: str) -> DeliveryState:
    try:
        return DeliveryState(text)
    except ValueError:
        raise invalid(Fault("state", f"must be one of {', '.join(DeliveryState)}, not {text[:40]!r}")) from None
