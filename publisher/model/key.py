"""An API key: who may do what, on whose behalf."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from publisher.model.base import Frozen


class Role(StrEnum):
    """What a key may do; each role includes those before it, and only an operator sees others' subscriptions."""

    SUBSCRIBER = "subscriber"  # register webhooks on public feeds
    EDITOR = "editor"  # also push articles and indicators
    OPERATOR = "operator"  # everything

    def allows(self, needed: Role) -> bool:
        """Whether this role includes ``needed``."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Key(Frozen):
    """A stored key; the secret itself is kept only as a SHA-256 hash.

    ``webhook``: it opens this webhook and nothing else. ``private_networks``: webhooks may be registered with it at
    private addresses that an operator has opened. ``last_used_at`` is exact to the hour; ``previous_until`` is until
    when the secret is taken that the present one replaced.
    """

    id: str
    role: Role
    owner: str
    prefix: str
    created_at: datetime
    revoked_at: datetime | None = None
    webhook: str | None = None
    private_networks: bool = False
    last_used_at: datetime | None = None
    previous_until: datetime | None = None
