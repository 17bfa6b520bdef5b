"""Giving up seats, with all that is open of them."""

from __future__ import annotations

from collections.abc import Collection

from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import rosters, spilling


def leave(tx: Tx, own: Collection[int]) -> None:
    """From here on these subscriptions (their ``n``) have rows alone: of what is open, and of what comes next.

    For whatever ends them, stops them or sends them elsewhere. The caller holds the fan-out's place.
    """
    rosters.leave(tx, own)
    spilling.of_subscriptions(tx, own)
