"""Who makes a request: ``Authorization: Bearer KEY``."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from publisher.model import Key, Role
from publisher.web.http.proxies import client_address
from publisher.web.http.response import Problem
from publisher.web.services import services_of

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="publisher"'}


@dataclass(frozen=True, slots=True)
class Caller:
    """The client that sent a request; without a key it may read what public feeds show."""

    key: Key | None = None

    def may(self, role: Role) -> bool:
        """Whether the key's role includes this one."""
        return self.key is not None and self.key.role.allows(role)


ANYONE = Caller()


async def caller(request: web.Request) -> Caller:
    """The caller of this request; 401 for an unknown key, 429 where too many unknown keys came from its address."""
    header = request.headers.get("Authorization")
    if header is None:
        return ANYONE
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Problem(401, "send the key as Authorization: Bearer KEY", headers=CHALLENGE)
    services = services_of(request)
    address = client_address(request, services.trusted_proxies)
    key = await services.limits.wrong_keys.find(secret.strip(), address, services.db)
    if key is None:
        raise revoked()
    services.limits.uses.note(key, services.db, services.db.now())
    return Caller(key)


def revoked() -> Problem:
    """401 for a key that is none, or none any more."""
    return Problem(
        401, "this key is unknown or was revoked", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
    )


async def require(request: web.Request, role: Role, *, to: str, token: bool = False) -> Key:
    """The key of a caller who may act as ``role``; 401 without a key, 403 naming the role that is needed.

    ``to`` says what for, as the end of "a key is needed to …". The management token of a webhook is 403 unless a
    ``token`` will do.
    """
    key = (await caller(request)).key
    if key is None:
        raise Problem(
            401,
            f"a key with the role {role.value!r} is needed to {to}; the operator makes one with "
            f"`publisher keys create --role {role.value}`. Send it as Authorization: Bearer KEY",
            headers=CHALLENGE,
        )
    if key.webhook is not None and not token:
        raise Problem(403, f"a management token opens its own webhook alone; a key is needed to {to}")
    if not key.role.allows(role):
        raise Problem(403, f"a key with the role {role.value!r} is needed to {to}; this one is {key.role.value!r}")
    return key
