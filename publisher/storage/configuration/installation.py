"""Which installation a database belongs to, and whether the storage key at hand is the one that sealed its secrets.

One row says both: a random id, which the installation also keeps outside of the database, and a proof that is made
with the key. An empty database where there was a full one, and a key that opens nothing, are thereby
errors, told before anything is written or sealed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, exists, insert, inspect, literal, select, update

from publisher.model import SubscriptionState
from publisher.storage.engine.database import Tx
from publisher.storage.engine.growth import Generation
from publisher.storage.engine.growth import standing as standing_of_log
from publisher.storage.engine.tables import cursors, installation, lanes, metadata, nodes, senders, subscriptions
from publisher.storage.engine.values import dump


@dataclass(frozen=True, slots=True)
class Standing:
    """A database as it is found. ``id`` is None if it belongs to no installation; ``empty``: it holds nothing.

    ``proof`` is what ``Sealer.proof`` gave; ``secrets`` are some of those that are sealed in it.
    """

    id: str | None
    empty: bool
    proof: bytes | None
    secrets: tuple[bytes, ...]


def standing(tx: Tx) -> Standing:
    """How the database stands."""
    row = tx.conn.execute(select(installation)).first()
    orders = (subscriptions.c.n, subscriptions.c.n.desc())  # the keys change with time
    found = tuple(row.secret for order in orders for row in tx.conn.execute(_secrets().order_by(order).limit(1)))
    if row is None:
        return Standing(None, not _holds_rows(tx), None, found)
    return Standing(row.id, False, row.proof, found)


def judged(judge: Callable[[Standing, str], None]) -> Callable[[Connection], None]:
    """Judges a database of any schema, by its standing and its name, as far as it has the row that says so."""

    def look(conn: Connection) -> None:
        found = _glance(conn)
        if found is not None:
            judge(found, conn.engine.url.render_as_string())

    return look


def _glance(conn: Connection) -> Standing | None:
    """The standing as far as the row says; None for a database from before there was one."""
    found = inspect(conn)
    if not found.has_table(installation.name):
        return None if found.has_table("alembic_version") else Standing(None, True, None, ())
    row = conn.execute(select(installation.c.id, installation.c.proof)).first()
    return None if row is None else Standing(row.id, False, row.proof, ())


def claim(tx: Tx, proof: bytes) -> None:
    """Give the database an installation's id if it has none, and this proof if it has none."""
    row = {"n": 1, "id": secrets.token_hex(8), "proof": proof, "generation": secrets.token_hex(8)}
    made = tx.conn.execute(tx.dialect.insert(installation).values(row).on_conflict_do_nothing())
    tx.voided |= made.rowcount > 0
    tx.conn.execute(update(installation).where(installation.c.proof.is_(None)).values(proof=proof))


def generation(tx: Tx) -> str:
    """The id of the log's generation; empty for a database that is no installation's."""
    return standing_of_log(tx.conn).generation.id


def renew(tx: Tx, last: int | None = None) -> Generation:
    """Begin another generation of the log, which has the events up to ``last`` (None: all there are) in common with the
    one before.
    """
    tx.voided = True
    return renewed(tx.conn, last)


def renewed(conn: Connection, last: int | None = None) -> Generation:
    """The same as :func:`renew`, for a database that no process has open."""
    found = standing_of_log(conn)
    new = found.generation.renewed(secrets.token_hex(8), found.seq if last is None else last)
    values = {"generation": new.id, "earlier": dump(new.earlier)}
    if not conn.execute(update(installation).values(values)).rowcount:
        conn.execute(insert(installation).values(n=1, id=secrets.token_hex(8), **values))
    return new


def prove(tx: Tx, proof: bytes) -> None:
    """Replace the proof."""
    tx.conn.execute(update(installation).values(proof=proof))


def secrets_of(tx: Tx) -> dict[str, bytes]:
    """The sealed secret of every webhook that is not deleted, by its id."""
    return {row.id: row.secret for row in tx.conn.execute(_secrets().add_columns(subscriptions.c.id))}


def reseal(tx: Tx, id: str, sealed: bytes) -> None:
    """Give a webhook another secret."""
    tx.conn.execute(update(subscriptions).where(subscriptions.c.id == id).values(secret=sealed))


def _secrets() -> Select[Any]:
    return select(subscriptions.c.secret).where(subscriptions.c.state != SubscriptionState.DELETED.value)


def _holds_rows(tx: Tx) -> bool:
    tables = [table for table in metadata.sorted_tables if table not in (cursors, installation, lanes, nodes, senders)]
    return any(tx.conn.execute(select(exists(select(literal(1)).select_from(table)))).scalar() for table in tables)
