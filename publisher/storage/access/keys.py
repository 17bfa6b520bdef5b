"""API keys. Only a SHA-256 hash of a secret is stored: with 256 random bits in it, no slower hash adds anything."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update

from publisher import clock
from publisher.errors import NotFound
from publisher.model.key import Key, Role
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import keys
from publisher.storage.engine.values import AnyRow, moment

USED_SECONDS = 3600.0
"""How exactly it is kept when a key was used last: one write an hour for each."""

PREFIX_LENGTH = 8
"""Characters of a secret that are kept to tell keys apart: ``pk_`` and five more."""


def create(
    tx: Tx, role: Role, owner: str, *, private_networks: bool | None = None, webhook: str | None = None
) -> tuple[Key, str]:
    """A new key and its secret, which cannot be read again later.

    ``private_networks`` is its right to register webhooks there, by default an operator's alone; with a ``webhook`` it
    opens nothing else.
    """
    secret = _new_secret()
    row = {
        "id": f"key_{secrets.token_hex(8)}",
        **_kept_of(secret),
        "role": role.value,
        "owner": owner,
        "created_at": tx.now,
        "private_networks": role is Role.OPERATOR if private_networks is None else private_networks,
        "webhook": webhook,
    }
    created = tx.conn.execute(insert(keys).returning(keys), row).one()
    return _key(created), secret


def find(tx: Tx, secret: str) -> Key | None:
    """The key that a secret opens; None if there is none or it was revoked.

    A secret that was replaced opens it until its overlap ends; ``prefix`` is then that one's.
    """
    hashed = _hash(secret)
    row = tx.conn.execute(select(keys).where(keys.c.hash == hashed, keys.c.revoked_at.is_(None))).first()
    if row is not None:
        return _key(row)
    row = tx.conn.execute(select(keys).where(keys.c.previous_hash == hashed, _overlaps(tx))).first()
    return None if row is None else _key(row).model_copy(update={"prefix": row.previous_prefix})


def prefixes(tx: Tx) -> frozenset[str]:
    """How the secrets of all keys in force begin; a secret that begins differently is not valid."""
    return frozenset(prefix for _, prefix in in_force(tx))


def in_force(tx: Tx) -> frozenset[tuple[str, str]]:
    """The id and prefix of every key in force; a key that was given a new secret has another prefix, and both while
    they overlap.
    """
    present = select(keys.c.id, keys.c.prefix).where(keys.c.revoked_at.is_(None))
    replaced = select(keys.c.id, keys.c.previous_prefix).where(_overlaps(tx))
    return frozenset((id_, prefix) for id_, prefix in tx.conn.execute(present.union_all(replaced)))


def list_(tx: Tx) -> list[Key]:
    """Every key, revoked ones too, the oldest first."""
    return [_key(row) for row in tx.conn.execute(select(keys).order_by(keys.c.created_at, keys.c.id))]


def role(tx: Tx, owner: str, granted: Role | None = None) -> Role | None:
    """The highest role of an owner: of its keys in force, and what is ``granted`` beside them; None if it has none."""
    return highest(roles(tx, owner).get(owner), granted)


def roles(tx: Tx, owner: str | None = None) -> dict[str, Role]:
    """By owner, the highest role of its keys in force; of all owners or of one."""
    statement = select(keys.c.owner, keys.c.role).where(keys.c.revoked_at.is_(None)).distinct()
    if owner is not None:
        statement = statement.where(keys.c.owner == owner)
    found: dict[str, Role] = {}
    for name, value in tx.conn.execute(statement):
        found[name] = highest(found.get(name), Role(value)) or Role(value)
    return found


def highest(*roles: Role | None) -> Role | None:
    """The highest of these roles."""
    order = list(Role)
    return max((one for one in roles if one is not None), key=order.index, default=None)


def revoke(tx: Tx, id: str) -> Key:
    """Revoke a key. Raises NotFound if no key of this id is in force."""
    return _change(tx, id, {"revoked_at": tx.now})


def rotate(tx: Tx, id: str, overlap: float = 0.0) -> tuple[Key, str]:
    """Give a key a new secret; the old one is valid for ``overlap`` seconds more. What was replaced before that is not.

    Its role, its owner and what they own stay. Raises NotFound if there is no key in force under this id.
    """
    secret = _new_secret()
    kept: dict[str, Any] = {"previous_hash": None, "previous_prefix": None, "previous_until": None}
    if overlap:
        until = tx.now + round(overlap * 1e6)
        kept = {"previous_hash": keys.c.hash, "previous_prefix": keys.c.prefix, "previous_until": until}
    return _change(tx, id, {**_kept_of(secret), **kept}), secret


def used(tx: Tx, id: str) -> None:
    """Note that a key was used, unless that was noted within :data:`USED_SECONDS`."""
    earlier = tx.now - round(USED_SECONDS * 1e6)
    due = keys.c.last_used_at.is_(None) | (keys.c.last_used_at <= earlier)
    tx.conn.execute(update(keys).where(keys.c.id == id, due).values(last_used_at=tx.now))


def revoke_of_webhook(tx: Tx, webhook: str) -> None:
    """Revoke what opens this webhook (its id) alone."""
    own = (keys.c.webhook == webhook) & keys.c.revoked_at.is_(None)
    tx.conn.execute(update(keys).where(own).values(revoked_at=tx.now))


def _overlaps(tx: Tx) -> ColumnElement[bool]:
    return keys.c.revoked_at.is_(None) & (keys.c.previous_until > tx.now)


def _change(tx: Tx, id: str, fields: Mapping[str, Any]) -> Key:
    statement = update(keys).where(keys.c.id == id, keys.c.revoked_at.is_(None)).values(fields).returning(keys)
    row = tx.conn.execute(statement).first()
    if row is None:
        raise NotFound(f"no key in force has the id {id!r}; `publisher keys list` shows them")
    return _key(row)


def _new_secret() -> str:
    return "pk_" + secrets.token_urlsafe(32)


def _kept_of(secret: str) -> dict[str, str]:
    return {"hash": _hash(secret), "prefix": secret[:PREFIX_LENGTH]}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _key(row: AnyRow) -> Key:
    return Key(
        id=row.id,
        role=Role(row.role),
        owner=row.owner,
        prefix=row.prefix,
        created_at=clock.from_micros(row.created_at),
        revoked_at=moment(row.revoked_at),
        webhook=row.webhook,
        private_networks=bool(row.private_networks),
        last_used_at=moment(row.last_used_at),
        previous_until=moment(row.previous_until),
    )
