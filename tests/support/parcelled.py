"""Parcels, sent and settled as a process does that holds every lane; without a network."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from publisher.clock import from_micros
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import bitmaps, lanes, parcels, rosters, settling
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.parcels import Journaled, Parcel

PROCESS = "sender"


async def sent(
    db: Database, seats: int = rosters.SIZE, *, state: str = "delivered", seqs: Container[int] = range(1_000)
) -> int:
    """Settle up to so many seats of each open parcel of these events, with one attempt each; returns how many in all.

    What the journal holds of parcels that close now stays there, as where the process that wrote it was killed.
    """

    def settle(tx: Tx) -> int:
        lanes.take_over(tx, PROCESS)
        some = [one for one in _open(tx) if one.seq in seqs]
        outcomes = [
            Outcome(0, "", **_how(tx, state), subscription=n, parcel=parcel, seat=place)
            for parcel in some
            for place, n in _holders(tx, parcel)[:seats]
        ]
        moved = [
            Outcome(0, "", "moved", parcel=one) for one in some if one.members & ~one.open & ~bitmaps.of(one.taken)
        ]
        settling.settle(tx, outcomes + moved, PROCESS, Journaled())
        return len(outcomes)

    return await db.write(settle)


def _how(tx: Tx, state: str) -> dict[str, Any]:
    return {"state": state, "number": 1, "at": from_micros(tx.now), "duration_ms": 12, "status": 200}


def _open(tx: Tx) -> list[Parcel]:
    found, _ = parcels.fresh(tx, range(lanes.COUNT), 0, 10_000)
    by_id = {one.id: one for one in found}
    for entry in parcels.entries(tx, range(lanes.COUNT)):
        if entry.parcel in by_id:
            by_id[entry.parcel].went(entry.seat, entry.how)
    return found


def _holders(tx: Tx, parcel: Parcel) -> list[tuple[int, int]]:
    holders = {one.seat: one.n for one in rosters.of(tx, [parcel.roster])}
    return [(place, holders[place]) for place in bitmaps.seats(parcel.open)]
