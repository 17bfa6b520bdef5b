"""Signatures of the Standard Webhooks specification, symmetric scheme ``v1``.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification allows 24 to 64


def new_secret() -> str:
    """A new secret in its usual form: ``whsec_`` and base64."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key that a secret stands for; raises ValueError if it is none of 24 to 64 bytes."""
    key = b64decode(secret.removeprefix(PREFIX), validate=True)
    if not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret has 24 to 64 bytes")
    return key


def sign(secret: str | bytes, id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` of a body sent at ``timestamp`` (Unix seconds): ``v1,`` and base64.

    ``secret`` is one in its usual form, or the key that it stands for.
    """
    key = key_of(secret) if isinstance(secret, str) else secret
    content = f"{id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def headers(secret: str | bytes, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that sign one attempt; ``secret`` as in :func:`sign`."""
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, id, timestamp, body),
    }
