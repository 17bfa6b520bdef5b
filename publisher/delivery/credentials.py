"""What a webhook is sent with: its secrets, and what is to go to its endpoint alone. Sealed together.

A webhook that has nothing but one shared secret is stored as that secret; any other as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from publisher import clock
from publisher.delivery import signing
from publisher.errors import SecretError
from publisher.model.credentials import ShownCredentials, Signature
from publisher.outbound.identity import Identity, certificate_shown

if TYPE_CHECKING:
    from publisher.delivery.signing import Key

LONGEST_OVERLAP = 7 * 86_400
"""Seconds for which a secret signs beside the one that replaced it, at most."""

USUAL_OVERLAP = 86_400

MOST_PREVIOUS = 3
"""Secrets of each scheme that sign beside the present one: of more, the oldest ends at once."""

AUTHORIZATION = "Authorization"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in its usual form, and until when it signs (microseconds); None for the present one."""

    text: str
    until: int | None = None

    @property
    def private(self) -> bool:
        """Whether it is the private key of a pair."""
        return self.text.startswith(signing.PRIVATE_PREFIX)


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that is sealed for one webhook; ``secrets`` the newest first. ``certificate`` and ``key`` are PEM.

    ``public_only``: it may be sent to no private network, whatever an operator has opened. It stands here since it
    belongs to what every attempt has at hand.
    """

    secrets: tuple[Secret, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str | None = None
    certificate: str | None = None
    key: str | None = None
    public_only: bool = False

    @classmethod
    def new(cls, signature: Signature, *, public_only: bool = False) -> Credentials:
        """New secrets by these schemes."""
        return cls(_made(signature, None), public_only=public_only)

    @property
    def signature(self) -> Signature:
        """By which schemes it is signed at present."""
        found = {one.private for one in self.secrets if one.until is None}
        return Signature.BOTH if len(found) == 2 else Signature.V1A if True in found else Signature.V1

    @property
    def secret(self) -> str | None:
        """The present shared secret."""
        return next((one.text for one in self.secrets if one.until is None and not one.private), None)

    @property
    def public_key(self) -> str | None:
        """The present public key."""
        own = next((one.text for one in self.secrets if one.until is None and one.private), None)
        return None if own is None else signing.public_key_of(own)

    def rotated(self, now: int, overlap: float, secret: str | None = None) -> Credentials:
        """With new secrets; those of before sign beside them for ``overlap`` seconds from ``now`` (microseconds).

        One that was replaced before keeps its end, if that is sooner. ``secret`` stands in the
        place of a new shared one.
        """
        end = now + round(overlap * 1e6)
        ending = [replace(one, until=end if one.until is None else min(one.until, end)) for one in self.secrets]
        kept: list[Secret] = []
        for one in ending:
            alike = sum(other.private is one.private for other in kept)
            if one.until is not None and one.until > now and alike < MOST_PREVIOUS:
                kept.append(one)
        return replace(self, secrets=(*_made(self.signature, secret), *kept))

    def shown(self) -> ShownCredentials:
        """What may be shown of it."""
        ends = [one.until for one in self.secrets if one.until is not None]
        return ShownCredentials(
            signature=self.signature,
            public_key=self.public_key,
            previous_until=clock.from_micros(max(ends)) if ends else None,
            headers=tuple(self.headers),
            authorization=self.authorization is not None,
            client_certificate=None if self.certificate is None else certificate_shown(self.certificate),
        )

    def written(self) -> bytes:
        """What is sealed."""
        [first, *more] = self.secrets
        own = self.headers or self.authorization or self.certificate or self.public_only
        plain = not (more or first.private or own)
        if plain:
            return first.text.encode()
        data: dict[str, Any] = {"secrets": [[one.text, one.until] for one in self.secrets]}
        given = {name: getattr(self, name) for name in _GIVEN}
        return orjson.dumps(data | {name: value for name, value in given.items() if value})

    @classmethod
    def read(cls, written: bytes) -> Credentials:
        """What :meth:`written` gave; raises SecretError for what it did not."""
        if not written.startswith(b"{"):
            return cls((Secret(written.decode("utf-8", "replace")),))
        try:
            data = orjson.loads(written)
            secrets = tuple(Secret(text, until) for text, until in data.pop("secrets"))
            return cls(secrets, **data)
        except (ValueError, TypeError, KeyError) as error:
            raise SecretError("the credentials of a webhook cannot be read by this version") from error


_GIVEN = ("headers", "authorization", "certificate", "key", "public_only")


class Opened:
    """Credentials ready to be sent with: keys opened, headers in one place."""

    __slots__ = ("_keys", "_timed", "headers", "identity", "public_only")

    def __init__(self, credentials: Credentials, identity: str) -> None:
        """``identity`` names the connections that carry its certificate, and no other's."""
        pairs = [(signing.opened(one.text), one.until) for one in credentials.secrets]
        self._keys: tuple[Key, ...] = tuple(key for key, _ in pairs)
        self._timed = tuple(pairs) if any(until is not None for _, until in pairs) else ()
        self.headers: Mapping[str, str] = dict(credentials.headers)
        if credentials.authorization is not None:
            self.headers = {**self.headers, AUTHORIZATION: credentials.authorization}
        self.public_only = credentials.public_only
        self.identity: Identity | None = None
        if credentials.certificate is not None and credentials.key is not None:
            self.identity = Identity(identity, credentials.certificate, credentials.key)

    def signed(self, written: Mapping[str, str], id: str, at: datetime, body: bytes) -> dict[str, str]:
        """All headers of one attempt at ``at``: those that its format has ``written``, the webhook's own, and the
        signatures of every secret that signs at that time.
        """
        keys = self._keys
        if self._timed:
            now = clock.to_micros(at)
            keys = tuple(key for key, until in self._timed if until is None or now < until)
        signatures = signing.headers(keys, id, int(at.timestamp()), body)
        if not self.headers:
            return {**written, **signatures}
        taken = {name.lower() for name in written}
        own = {name: value for name, value in self.headers.items() if name.lower() not in taken}
        return {**own, **written, **signatures}


def _made(signature: Signature, secret: str | None) -> tuple[Secret, ...]:
    shared = (Secret(secret or signing.new_secret()),) if signature.shared else ()
    return (*shared, Secret(signing.new_private_key())) if signature.paired else shared
