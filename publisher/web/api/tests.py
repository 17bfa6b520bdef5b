"""``POST /api/v1/webhooks/ID/test``: one signed test, now; and what was sent and answered."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from publisher.configfile import nearest
from publisher.delivery.exchanges import shown_received, shown_sent
from publisher.delivery.transports.writing.envelope import TEST_TYPE
from publisher.model import EventType, Key, Role, Subscription
from publisher.model.subscription import Verification, endpoint_host
from publisher.outbound import EXCERPT, Exchange
from publisher.storage.subscriptions import hosts
from publisher.web.api.owned import or_404, own
from publisher.web.api.registration import read
from publisher.web.http.request import body_of, json_object
from publisher.web.http.response import Fault, Problem, invalid, json_response
from publisher.web.services import Services, services_of

routes = web.RouteTableDef()

PATH = "/api/v1/webhooks/{id}/test"

SHOWN = 16 * 1024
"""Characters of the request's body that are shown."""


class TestWanted(BaseModel):
    """The body of a test, which may be absent: the type of event that an example is wanted of."""

    __test__ = False

    model_config = ConfigDict(extra="forbid")

    type: str = TEST_TYPE


@routes.post(PATH)
async def test(request: web.Request) -> web.Response:
    """Send one signed ``webhook.test`` now, or an example of an event of a type, once, and say how that went."""
    key, found = await own(request)
    if found.verification is Verification.PENDING:  # it may be someone else's endpoint
        raise Problem(409, "its endpoint has to echo a challenge first: POST /api/v1/webhooks/ID/verify")
    wanted = read(TestWanted, await json_object(request) if await body_of(request) else {})
    type_ = _type(wanted.type)
    services, host = services_of(request), endpoint_host(found.url)
    verified = await services.db.read(hosts.is_verified, host)
    with services.limits.testing(key, host, verified=verified):
        summary = _summaries(found, services)
        result = await or_404(services.deliverer.test(found, type_, summary=summary))
    return json_response(_shown(result, found, key))


def _type(name: str) -> EventType | None:
    """None for a plain test; 422 for what is no type."""
    if name == TEST_TYPE:
        return None
    known = [TEST_TYPE, *EventType]
    if name not in known:
        raise invalid(Fault("type", f'"{name[:80]}" is no type of event; {nearest(name, known)}'))
    return EventType(name)


def _summaries(webhook: Subscription, services: Services) -> bool:
    """Whether every feed that it follows shows summaries alone."""
    feeds = services.catalog().feeds
    followed = [feeds[name] for name in webhook.filter.feeds if name in feeds]
    return bool(followed) and all(feed.content == "summary" for feed in followed)


def _shown(result: Exchange, webhook: Subscription, key: Key) -> dict[str, Any]:
    """What went over the wire. What a private network answered is for operators alone."""
    operator = key.role.allows(Role.OPERATOR)
    hidden = not operator and not result.public
    answer = None
    if result.status is not None:
        answer = {
            "status": result.status,
            "headers": None if hidden else {name: shown_received(name, value) for name, value in result.received},
            "body": None if hidden else result.answer[:EXCERPT].decode("utf-8", "replace"),
        }
    return {
        "delivered": result.delivered,
        "status": result.status,
        "error": result.error,
        "error_class": result.error_class,
        "duration_ms": result.duration_ms,
        "response": None if hidden else result.response_excerpt,
        "request": {
            "url": webhook.url,
            "headers": {name: shown_sent(name, value) for name, value in result.sent.items()},
            "body": result.request.decode("utf-8", "replace")[:SHOWN],
        },
        "answer": answer,
        "address": result.addresses[-1] if operator and result.addresses else None,
    }
