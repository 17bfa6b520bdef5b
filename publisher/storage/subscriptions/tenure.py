"""Which role an owner had at what time, by the keys it had then: what lay in a time without right is not sent later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from publisher.model import Role
from publisher.storage.access.keys import highest
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import keys


@dataclass(frozen=True, slots=True)
class Tenure:
    """The stretches of time (microseconds, the end without) for which an owner had a role, ``always`` besides.

    Before its first key an owner is taken to have had the role of that: whoever comes later may ask for what was
    public before.
    """

    stretches: Sequence[tuple[int, int | None, Role]] = ()
    always: Role | None = None

    def at(self, micros: int) -> Role | None:
        """The role at a time; None where the owner had none."""
        first = min((begun for begun, _, _ in self.stretches), default=micros)
        moment = max(micros, first)
        held = (role for begun, ended, role in self.stretches if begun <= moment and (ended is None or moment < ended))
        return highest(self.always, *held)


def of(tx: Tx, owner: str, granted: Role | None) -> Tenure:
    """Of an owner, with the role that a subscription of it was granted besides."""
    rows = tx.conn.execute(select(keys.c.created_at, keys.c.revoked_at, keys.c.role).where(keys.c.owner == owner))
    return Tenure(tuple((row.created_at, row.revoked_at, Role(row.role)) for row in rows), granted)


def lowest(*roles: Role | None) -> Role | None:
    """The least that all of these allow; None where one of them allows nothing."""
    order = list(Role)
    found = [role for role in roles if role is not None]
    return min(found, key=order.index) if len(found) == len(roles) else None
