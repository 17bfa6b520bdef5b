"""Whether a webhook is genuine: what any receiver does, after the Standard Webhooks specification."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime

from publisher.delivery.signing import sign

TOLERANCE_SECONDS = 300
"""How old, or how far ahead, a timestamp may be: an old recording must not pass for news."""


class NotGenuine(Exception):
    """The request was not signed with the secret, or not lately."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise NotGenuine, with the reason, unless the signature of these very bytes is right and fresh."""
    try:
        id, sent = headers["webhook-id"], int(headers["webhook-timestamp"])
        signatures = headers["webhook-signature"].split()
    except (KeyError, ValueError) as error:
        raise NotGenuine(f"a header is missing or unreadable ({error})") from error
    if abs(now.timestamp() - sent) > TOLERANCE_SECONDS:
        raise NotGenuine(f"its timestamp is {round(now.timestamp() - sent)} s away")
    expected = sign(secret, id, sent, body).encode()
    if not any(hmac.compare_digest(one.encode(), expected) for one in signatures):
        raise NotGenuine("no signature in it is right")
