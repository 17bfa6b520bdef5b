"""Signatures of the Standard Webhooks specification: ``v1`` (HMAC-SHA256) and ``v1a`` (Ed25519, RFC 8032).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

A shared secret is ``whsec_`` and base64 of 24 to 64 bytes. A private key is ``whsk_`` and base64 of 64 bytes, the seed
and the public key; a public key is ``whpk_`` and base64 of 32 bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    Key = bytes | Ed25519PrivateKey

PREFIX = "whsec_"
PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
SECRET_BYTES = 32  # the specification allows 24 to 64
_SEED_BYTES = 32


def new_secret() -> str:
    """A new secret in its usual form: ``whsec_`` and base64."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def new_private_key() -> str:
    """A new private key in its usual form: ``whsk_`` and base64."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    made = Ed25519PrivateKey.generate()
    both = made.private_bytes_raw() + made.public_key().public_bytes_raw()
    return PRIVATE_PREFIX + b64encode(both).decode()


def public_key_of(private: str) -> str:
    """The public key of a private one: ``whpk_`` and base64; raises ValueError as :func:`opened` does."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    found = opened(private)
    if not isinstance(found, Ed25519PrivateKey):
        raise ValueError("a shared secret has no public key")
    return PUBLIC_PREFIX + b64encode(found.public_key().public_bytes_raw()).decode()


def key_of(secret: str) -> bytes:
    """The key that a secret stands for; raises ValueError if it is none of 24 to 64 bytes."""
    key = b64decode(secret.removeprefix(PREFIX), validate=True)
    if not 24 <= len(key) <= 64:
        raise ValueError("a webhook secret has 24 to 64 bytes")
    return key


def opened(secret: str) -> Key:
    """A secret or a private key, ready to sign with; raises ValueError for what is neither."""
    if not secret.startswith(PRIVATE_PREFIX):
        return key_of(secret)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    both = b64decode(secret.removeprefix(PRIVATE_PREFIX), validate=True)
    if len(both) not in (_SEED_BYTES, 2 * _SEED_BYTES):
        raise ValueError("a private key has 32 bytes, and as many of its public key")
    key = Ed25519PrivateKey.from_private_bytes(both[:_SEED_BYTES])
    if both[_SEED_BYTES:] not in (b"", key.public_key().public_bytes_raw()):
        raise ValueError("the second half of a private key is its public key")
    return key


def sign(secret: str | Key, id: str, timestamp: int, body: bytes) -> str:
    """One signature of a body sent at ``timestamp`` (Unix seconds): ``v1,`` or ``v1a,``, and base64.

    ``secret`` is one in its usual form, or what :func:`opened` made of it.
    """
    key = opened(secret) if isinstance(secret, str) else secret
    content = f"{id}.{timestamp}.".encode() + body
    if isinstance(key, bytes):
        return "v1," + b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return "v1a," + b64encode(key.sign(content)).decode()


def headers(secret: str | Key | Iterable[Key], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that sign one attempt; ``secret`` as in :func:`sign`, or several, each of which signs it."""
    several = secret if isinstance(secret, list | tuple) else (cast("str | Key", secret),)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join([sign(one, id, timestamp, body) for one in several]),
    }
