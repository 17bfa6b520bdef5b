"""What may be shown of what a webhook is sent with; the secrets themselves are sealed beside it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from publisher.model.base import Frozen


class Signature(StrEnum):
    """By which schemes of Standard Webhooks a webhook is signed: a shared secret, a key pair, or both."""

    V1 = "v1"
    V1A = "v1a"
    BOTH = "both"

    @property
    def shared(self) -> bool:
        """Whether there is a shared secret."""
        return self is not Signature.V1A

    @property
    def paired(self) -> bool:
        """Whether there is a key pair."""
        return self is not Signature.V1


class ShownCertificate(Frozen):
    """A client certificate, without its key. ``sha256`` is its fingerprint in hex."""

    subject: str
    sha256: str
    expires_at: datetime


class ShownCredentials(Frozen):
    """``public_key`` is the present one (``whpk_``), ``previous_until`` when the last of the secrets that it replaced
    signs no more. ``headers`` are names alone.
    """

    signature: Signature = Signature.V1
    public_key: str | None = None
    previous_until: datetime | None = None
    headers: tuple[str, ...] = ()
    authorization: bool = False
    client_certificate: ShownCertificate | None = None
