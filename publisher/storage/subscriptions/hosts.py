"""Hosts that webhooks point at: which of them ever took a delivery, and how many webhooks there may be.

A host that never responded 2xx may belong to someone who knows nothing of us. Few webhooks may point at such a host,
whoever registers them, so that nobody can be flooded through this publisher.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from publisher.errors import LimitReached
from publisher.model.subscription import endpoint_host
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import hosts, subscriptions
from publisher.storage.subscriptions.subscriptions import PRESENT


@dataclass(frozen=True, slots=True)
class Most:
    """How many webhooks one owner may have, and how many may point at one unverified host, whoever has them."""

    of_owner: int = 100
    at_unverified_host: int = 10


def is_verified(tx: Tx, host: str) -> bool:
    """Whether this host ever responded 2xx to a delivery or a test."""
    return tx.conn.execute(select(hosts.c.host).where(hosts.c.host == host)).first() is not None


def verify(tx: Tx, names: Collection[str]) -> None:
    """Record that these hosts have responded 2xx."""
    rows = [{"host": host, "verified_at": tx.now} for host in sorted(names)]
    if rows:
        tx.conn.execute(tx.dialect.insert(hosts).on_conflict_do_nothing(), rows)


def check_owner(tx: Tx, owner: str, most: Most) -> None:
    """Raise LimitReached where the owner may have no further webhook.

    Lock the log (``events.lock``) before: every registration does, so that two at once are both counted.
    """
    if _count(tx, subscriptions.c.owner == owner) >= most.of_owner:
        raise LimitReached(
            "webhooks_per_owner",
            f"the owner {owner!r} has {most.of_owner} webhooks, the most that [registration] webhooks_per_owner "
            "allows; delete one first",
        )


def check_host(tx: Tx, url: str, most: Most) -> None:
    """Raise LimitReached where no further webhook may point at the URL's host. Lock the log before."""
    host = endpoint_host(url)
    if is_verified(tx, host):
        return
    if _count(tx, subscriptions.c.host == host) >= most.at_unverified_host:
        raise LimitReached(
            "webhooks_per_unverified_host",
            f"{most.at_unverified_host} webhooks point at {host}, which has not answered 2xx to any delivery yet: the "
            "most that [registration] webhooks_per_unverified_host allows; have one of them answer first",
        )


def check_open(tx: Tx, url: str, most: Most) -> None:
    """Raise LimitReached where no further webhook that is registered without a key may point at the URL's host.

    They have an owner each, so that there are as many for a host as otherwise for an owner. Lock the log before.
    """
    host = endpoint_host(url)
    if _count(tx, (subscriptions.c.host == host) & subscriptions.c.verification.is_not(None)) >= most.of_owner:
        raise LimitReached(
            "webhooks_per_owner",
            f"{most.of_owner} webhooks that were registered without a key point at {host}, the most that "
            "[registration] webhooks_per_owner allows",
        )


def _count(tx: Tx, which: ColumnElement[bool]) -> int:
    present = subscriptions.c.state.in_([state.value for state in PRESENT])
    return int(tx.conn.execute(select(func.count()).where(which, present)).scalar_one())
