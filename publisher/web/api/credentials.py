"""What a webhook is sent with, as it is asked for: signatures, headers, an ``Authorization``, a client certificate.

All of it is sealed and none of it is shown again, but for names and public keys. What was given for one scheme, host
and port goes to no other: whoever may change the URL may not read the credentials by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from publisher.clock import rfc3339
from publisher.configfile import seconds
from publisher.delivery import signing
from publisher.delivery.credentials import LONGEST_OVERLAP, USUAL_OVERLAP, Credentials
from publisher.errors import CertificateRefused
from publisher.model import Subscription
from publisher.model.credentials import ShownCredentials
from publisher.outbound.identity import checked
from publisher.web.http.response import Fault

MOST_HEADERS, LONGEST_NAME, LONGEST_VALUE, MOST_BYTES = 20, 64, 1024, 8192
LONGEST_AUTHORIZATION = 4096

FIELDS = ("headers", "authorization", "client_certificate")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")  # RFC 9110 section 5.5, in ASCII
# What frames a message, says who sends it or how, or whom it is for, is ours to write.
_OURS = frozenset(
    {
        "accept", "accept-encoding", "authorization", "connection", "date", "expect", "forwarded", "host",
        "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade", "user-agent", "via",
    }
)  # fmt: skip
_OURS_BEGIN = ("content-", "webhook-", "x-forwarded-", "sec-")


def header_refused(name: str, value: str) -> str | None:
    """Why a webhook may not be sent with this header; None if it may."""
    lower = name.lower()
    if not _TOKEN.fullmatch(name) or len(name) > LONGEST_NAME:
        return f"is no name of a header: a token of up to {LONGEST_NAME} characters (RFC 9110)"
    if lower == "authorization":
        return "is given in the field `authorization`"
    if lower in _OURS or lower.startswith(_OURS_BEGIN):
        return "is not yours to set: it frames the request or says who sends it"
    if not _VALUE.fullmatch(value) or len(value) > LONGEST_VALUE:
        return (
            f"must have a value of 1 to {LONGEST_VALUE} printable ASCII characters, without a line break and without"
            " white space at its ends"
        )
    return None


def _headers(value: dict[str, str] | None) -> dict[str, str] | None:
    if value is None:
        return None
    if len(value) > MOST_HEADERS:
        raise ValueError(f"may have {MOST_HEADERS} headers, not {len(value)}")
    if len({name.lower() for name in value}) < len(value):
        raise ValueError("names a header twice: upper and lower case are alike")
    if sum(len(name) + len(one) for name, one in value.items()) > MOST_BYTES:
        raise ValueError(f"may have {MOST_BYTES} characters in all")
    for name, one in value.items():
        if said := header_refused(name, one):
            raise ValueError(f"{name[:LONGEST_NAME]!a} {said}")
    return value


def _authorization(value: str | None) -> str | None:
    if value is not None and (not _VALUE.fullmatch(value) or len(value) > LONGEST_AUTHORIZATION):
        raise ValueError(
            f"should be 1 to {LONGEST_AUTHORIZATION} printable ASCII characters, as in 'Bearer TOKEN', without a line"
            " break"
        )
    return value


def _secret(value: str | None) -> str | None:
    if value is not None:
        try:
            signing.key_of(value)
        except ValueError:
            value = ""
        if not value.startswith(signing.PREFIX):
            raise ValueError("should be whsec_ and base64 of 24 to 64 bytes")
    return value


def _overlap(value: object) -> float:
    given = value if isinstance(value, int | float) and not isinstance(value, bool) else seconds(value)
    if not 0 <= given <= LONGEST_OVERLAP:
        raise ValueError('should be from 0 to 7 days, as "24h" or in seconds')
    return float(given)


_NONE = {"type": "null"}
_NAMED = {
    "type": "object",
    "maxProperties": MOST_HEADERS,
    "propertyNames": {"pattern": f"^{_TOKEN.pattern}$", "maxLength": LONGEST_NAME},
    "additionalProperties": {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE},
}
_CREDENTIALS = {"type": "string", "minLength": 1, "maxLength": LONGEST_AUTHORIZATION}
_OVERLAP = {"anyOf": [{"type": "number", "minimum": 0, "maximum": LONGEST_OVERLAP}, {"type": "string"}]}

Headers = Annotated[dict[str, str] | None, AfterValidator(_headers), WithJsonSchema({"anyOf": [_NAMED, _NONE]})]
Authorization = Annotated[str | None, AfterValidator(_authorization), WithJsonSchema({"anyOf": [_CREDENTIALS, _NONE]})]


class ClientCertificate(BaseModel):
    """A client certificate with its chain, and its key: PEM both."""

    model_config = ConfigDict(extra="forbid")

    certificate: str
    key: str


class Rotation(BaseModel):
    """The body of ``POST /api/v1/webhooks/ID/rotate``; ``overlap`` in seconds, or as in ``"24h"``."""

    model_config = ConfigDict(extra="forbid")

    overlap: Annotated[float, BeforeValidator(_overlap), WithJsonSchema(_OVERLAP)] = Field(default=USUAL_OVERLAP)
    secret: Annotated[str | None, AfterValidator(_secret)] = None


class Given(BaseModel):
    """The fields of registering and changing a webhook that are stored sealed."""

    model_config = ConfigDict(extra="forbid")

    headers: Headers = None
    authorization: Authorization = None
    client_certificate: ClientCertificate | None = None


def faults(given: Given, url: str, now: datetime, before: Subscription | None) -> list[Fault]:
    """What is wrong with what is given for a webhook at this URL; ``before`` is the present webhook.

    Credentials that are stored and not given again are refused where the URL has another scheme, host or port.
    """
    found: list[Fault] = []
    named = given.model_fields_set
    if before is not None and not same_origin(before.url, url):
        found += [
            Fault(name, "must be given again, or null: the URL leads to another endpoint, which this was not given for")
            for name in _stored(before.credentials)
            if name not in named
        ]
    if (pair := given.client_certificate) is not None:
        if urlsplit(url).scheme != "https":
            found.append(Fault("client_certificate", "needs a URL that begins with https://"))
        try:
            checked(pair.certificate, pair.key, now)
        except CertificateRefused as error:
            found.append(Fault(f"client_certificate.{error.part}", str(error)))
    return found


def applied(given: Given, own: Credentials) -> Credentials:
    """These credentials, with what is given in its place."""
    values: dict[str, Any] = {}
    named = given.model_fields_set
    if "headers" in named:
        values["headers"] = given.headers or {}
    if "authorization" in named:
        values["authorization"] = given.authorization
    if "client_certificate" in named:
        pair = given.client_certificate
        values |= {"certificate": pair and pair.certificate, "key": pair and pair.key}
    return replace(own, **values) if values else own


def gives(given: Given) -> bool:
    """Whether there is anything to store of it."""
    return not given.model_fields_set.isdisjoint(FIELDS)


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs have the same scheme, host and port (RFC 6454 section 4)."""
    return _origin(one) == _origin(other)


def shown(own: ShownCredentials) -> Mapping[str, Any]:
    """What the API shows of a webhook's credentials."""
    certificate = own.client_certificate
    return {
        "signature": own.signature,
        "public_key": own.public_key,
        "previous_secret_until": own.previous_until and rfc3339(own.previous_until),
        "headers": own.headers,
        "authorization": own.authorization,
        "client_certificate": certificate
        and {
            "subject": certificate.subject,
            "sha256": certificate.sha256,
            "expires_at": rfc3339(certificate.expires_at),
        },
    }


def _stored(own: ShownCredentials) -> list[str]:
    stored = (own.headers, own.authorization, own.client_certificate)
    return [name for name, there in zip(FIELDS, stored, strict=True) if there]


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    usual = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or usual
