"""Operations on webhooks."""

from __future__ import annotations

from publisher.model import Role
from publisher.web.api import credentials, tests, webhooks
from publisher.web.api.described.operation import AFTER, IDEMPOTENCY, Answer, Body, Group, Operation, Parameter, limit
from publisher.web.api.described.shapes import webhooks as shapes
from publisher.web.api.preview import Preview
from publisher.web.api.registration import Change, Registration

ID = Parameter("id", "The webhook's id", place="path", example="wh_3n0Fh2Yk8QxLq1aB")
NONE = {404: "There is no such webhook of yours"}
GONE = {410: "The place is gone; begin anew"}

_FOLLOWS = {"feeds": ["news"], "events": ["article.published"], "where": {"topic": ["coffee", "-sport"]}}
_ONE = {"url": "https://receiver.example/hooks/news", **_FOLLOWS, "batch": {"max": 50, "wait": "5s"}}

operations = {
    "GET /api/v1/webhooks": Operation(
        id="listWebhooks",
        group=Group.WEBHOOKS,
        role=Role.SUBSCRIBER,
        parameters=(limit(webhooks.MAX_PAGE, webhooks.MAX_PAGE), AFTER),
        answers={200: Answer("A page", shapes.WebhooksPage)},
        refused=GONE,
    ),
    "POST /api/v1/webhooks": Operation(
        id="registerWebhook",
        group=Group.WEBHOOKS,
        role=Role.SUBSCRIBER,
        parameters=(IDEMPOTENCY,),
        body=Body(Registration, _ONE),
        answers={201: Answer("It is registered", shapes.WebhookRegistered, {"Location": "The webhook's address"})},
        once=True,
        openly=True,
    ),
    "POST /api/v1/webhooks/preview": Operation(
        id="previewWebhook",
        group=Group.WEBHOOKS,
        role=Role.SUBSCRIBER,
        body=Body(Preview, _FOLLOWS),
        answers={200: Answer("What it would be sent", shapes.Previewed)},
    ),
    "GET /api/v1/webhooks/{id}": Operation(
        id="showWebhook",
        group=Group.WEBHOOKS,
        role=Role.SUBSCRIBER,
        parameters=(ID,),
        answers={200: Answer("The webhook", shapes.Webhook)},
        refused=NONE,
    ),
    "PATCH /api/v1/webhooks/{id}": Operation(
        id="changeWebhook",
        group=Group.WEBHOOKS,
        role=Role.SUBSCRIBER,
        parameters=(ID,),
        body=Body(Change, {"state": "active"}),
        answers={200: Answer("The webhook as it is now", shapes.WebhookChanged)},
        refused=NONE,
        problems={422: shapes.Unechoed},
    ),
    "DELETE /api/v1/webhooks/{id}": Operation(
        id="deleteWebhook",
        group=Group.WEBHOOKS,
        role=Role.SUBSCRIBER,
        parameters=(ID,),
        answers={204: Answer("It is deleted")},
        refused=NONE,
    ),
    "POST /api/v1/webhooks/{id}/rotate": Operation(
        id="rotateSecrets",
        group=Group.WEBHOOKS,
        role=Role.SUBSCRIBER,
        parameters=(ID, IDEMPOTENCY),
        body=Body(credentials.Rotation, {"overlap": "24h"}, needed=False),
        answers={200: Answer("The new secrets", shapes.Rotated)},
        refused=NONE,
        once=True,
    ),
    "POST /api/v1/webhooks/{id}/test": Operation(
        id="testWebhook",
        group=Group.WEBHOOKS,
        role=Role.SUBSCRIBER,
        parameters=(ID,),
        body=Body(tests.TestWanted, {"type": "article.published"}, needed=False),
        answers={200: Answer("How the test went", shapes.TestAnswered)},
        refused=NONE,
    ),
    "POST /api/v1/webhooks/{id}/verify": Operation(
        id="verifyWebhook",
        group=Group.WEBHOOKS,
        role=Role.SUBSCRIBER,
        parameters=(ID,),
        answers={200: Answer("The webhook, and how the challenge went", shapes.WebhookVerified)},
        refused=NONE,
    ),
}
