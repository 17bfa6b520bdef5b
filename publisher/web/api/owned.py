"""The webhook that a request is about, and whose it is."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from aiohttp import web

from publisher.delivery.credentials import Credentials
from publisher.errors import Conflict, NotFound, SecretError
from publisher.model import Key, Role, Subscription, SubscriptionState
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import subscriptions
from publisher.web.access.auth import require
from publisher.web.http.response import Problem
from publisher.web.services import Services, services_of

T = TypeVar("T")


async def own(request: web.Request, *, deleted: bool = False) -> tuple[Key, Subscription]:
    """The key and the webhook that the path names; another owner's is 404, as if it did not exist.

    With ``deleted`` an operator finds deleted ones too. A management token finds its own webhook alone.
    """
    key = await require(request, Role.SUBSCRIBER, to="see webhooks", token=True)
    id_ = request.match_info["id"]
    # A database may choke on what can be no id, such as a NUL.
    states = tuple(SubscriptionState) if deleted and key.role.allows(Role.OPERATOR) else subscriptions.PRESENT
    found = None
    if id_.isascii() and id_.isprintable() and key.webhook in (None, id_):
        found = await services_of(request).db.read(subscriptions.get, id_, states=states)
    if found is None or not (found.owner == key.owner or key.role.allows(Role.OPERATOR)):
        raise Problem(404, f"there is no webhook {id_!r}")
    return key, found


async def or_404(change: Awaitable[T]) -> T:
    """The webhook may have been deleted since it was looked up."""
    try:
        return await change
    except NotFound as error:
        raise Problem(404, str(error)) from error


async def in_words(work: Awaitable[T]) -> T:
    """404 and 409 in the words of storage."""
    try:
        return await or_404(work)
    except Conflict as error:
        raise Problem(409, str(error)) from error


def credentials_of(tx: Tx, services: Services, id: str) -> Credentials:
    """What the webhook is sent with, opened; 503 where the key that it is sealed with is not here. Raises NotFound."""
    sealed = subscriptions.secret(tx, id)
    try:
        return Credentials.read(services.sealer.unseal(sealed))
    except SecretError as error:
        said = "the secrets of this webhook cannot be opened here, so they stay as they are; ask the operator"
        raise Problem(503, said) from error
