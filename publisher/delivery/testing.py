"""Requests to a webhook that are no deliveries: tests that its owner asks for, and the challenge before the first."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace

import orjson

from publisher import clock
from publisher.clock import Clock, rfc3339
from publisher.delivery import examples
from publisher.delivery.posting import Poster
from publisher.delivery.transports import named
from publisher.delivery.transports.base import SITE, Ping, Request, Site
from publisher.delivery.transports.writing.envelope import TEST_TYPE
from publisher.errors import NotFound, SecretError, Unwritable
from publisher.jsonbytes import compact
from publisher.model import EventType, Subscription
from publisher.outbound import EXCERPT, Exchange

CHALLENGE_TYPE = "webhook.challenge"

ECHO_HEADER = "webhook-challenge"
"""Where an endpoint may echo a challenge instead of in the body."""


class Tests:
    """Sends them, signed as the webhook is, once and outside the log."""

    def __init__(self, poster: Poster, *, now: Clock = clock.now, site: Site = SITE) -> None:
        self.site = site
        """Who tells."""
        self._poster = poster
        self._now = now

    async def test(
        self, webhook: Subscription, sealed: bytes, timeout: float, type: EventType | None, *, summary: bool
    ) -> Exchange:
        """A ``webhook.test``, or an example of this type, in the webhook's own format; returns how it went."""
        id_, at = "evt_test_" + secrets.token_urlsafe(12), self._now()
        try:
            format = named(webhook.format)
            if type is None:
                request = format.request(Ping(id_, at, webhook.id, site=self.site, asked=webhook.options))
            else:
                request = format.request(examples.example(type, id_, at, webhook, self.site, summary=summary))
                request = replace(request, headers={**request.headers, examples.TEST_HEADER: TEST_TYPE})
            found = await self._poster.exchange(webhook.url, sealed, request, timeout)
            if found.response_excerpt is None and found.answer:
                found = replace(found, response_excerpt=found.answer[:EXCERPT].decode("utf-8", "replace"))
            judged = format.judged(found)
            assert isinstance(judged, Exchange)
            return judged
        except (SecretError, NotFound, Unwritable) as error:  # nothing was sent: the key or the format is not here
            return Exchange(None, str(error))

    async def challenge(self, webhook: Subscription, sealed: bytes, timeout: float) -> tuple[bool, Exchange]:
        """A ``webhook.challenge``; returns whether the endpoint echoed it, and how it went.

        It is JSON whatever the webhook's format: ``data.challenge`` is a random token, which a 2xx must give back as
        its body, as ``challenge`` of a JSON object, or in the header ``webhook-challenge``.
        """
        token, at = secrets.token_urlsafe(32), self._now()
        body = compact(
            {
                "type": CHALLENGE_TYPE,
                "timestamp": rfc3339(at),
                "id": (id_ := "evt_test_" + secrets.token_urlsafe(12)),
                "data": {"webhook": webhook.id, "challenge": token},
            }
        )
        request = Request(id_, body, {"Content-Type": "application/json"})
        try:
            found = await self._poster.exchange(webhook.url, sealed, request, timeout)
        except SecretError as error:
            return False, Exchange(None, str(error))
        return found.delivered and _echoes(found, token), found


def _echoes(found: Exchange, token: str) -> bool:
    given = [value for name, value in found.received if name.lower() == ECHO_HEADER]
    text = found.answer.decode("utf-8", "replace").strip()
    given.append(text.strip('"'))
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, dict):
        given.append(str(parsed.get("challenge")))
    return any(hmac.compare_digest(one.strip().encode(), token.encode()) for one in given)
