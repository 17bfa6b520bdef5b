"""Settling what a sender brings back: outcomes of rows and of seats in parcels, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from publisher import clock
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import deliveries, health, parcels
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.parcels import Batch, Journaled, Settled, Taken


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded. ``lost`` counts the outcomes whose lease or lane is another's by now; ``parcels`` is what
    came of seats, and ``settled`` what that did. ``gone`` are the parcels (their ids) that are not this process's, or
    closed.
    """

    lost: int = 0
    parcels: Sequence[Batch] = ()
    gone: Collection[int] = ()
    settled: Settled = field(default_factory=Settled)


def settle(tx: Tx, outcomes: Sequence[Outcome], process: str, journaled: Journaled) -> Recorded:
    """Record outcomes, each as far as what it is of is still this process's."""
    # Before the parcels, and those before the rows, in the order in which ending a subscription locks them.
    if not tx.dialect.single_writer:  # which has nothing to lock, and a batch with a failure would pay for the question
        health.lock(tx, outcomes)
    rows = [one for one in outcomes if one.parcel is None]
    seated = [one for one in outcomes if one.parcel is not None]
    if not seated:
        own = deliveries.settle(tx, rows)
        health.note(tx, [one for one in rows if one.id in own])
        return Recorded(len(rows) - len(own))
    some = {one.parcel for one in seated if one.parcel is not None}
    moved = parcels.hold(tx, some, process)
    batches, kept, elsewhere = _sorted(seated, moved)
    settled = parcels.settle(tx, batches, journaled)
    deliveries.add_rows(tx, [one for one in kept if one.state not in {"delivered", "moved"}])
    rows += deliveries.of_seats(tx, elsewhere, process)
    own = deliveries.settle(tx, rows)
    kept += [one for one in rows if one.id in own]
    health.note(tx, kept)
    return Recorded(len(outcomes) - len(kept), batches, {one.id for one in some} - moved.keys(), settled)


def _sorted(outcomes: Iterable[Outcome], moved: Mapping[int, int]) -> tuple[list[Batch], list[Outcome], list[Outcome]]:
    """The batches, one for each parcel; the outcomes that are in them; and those of seats that someone else has moved
    to rows meanwhile. Without those of parcels that are closed or another process's (not in ``moved``).
    """
    batches: dict[int, Batch] = {}
    kept: list[Outcome] = []
    elsewhere: list[Outcome] = []
    for one in outcomes:
        parcel = one.parcel
        assert parcel is not None
        gone = moved.get(parcel.id)
        if gone is None:  # its row may still be this process's: a parcel closes without those that others have moved
            (kept if one.state == "moved" else elsewhere).append(one)
            continue
        batch = batches.get(parcel.id)
        if batch is None:
            batch = batches[parcel.id] = Batch(parcel)
        if one.state == "moved":
            kept.append(one)
            continue
        if gone >> one.seat & 1:
            elsewhere.append(one)
            continue
        if one.state == "delivered":
            assert one.status is not None
            batch.taken[one.seat] = Taken(clock.to_micros(one.at), one.duration_ms, one.status)
        else:
            batch.moved.append(one.seat)
        kept.append(one)
    return list(batches.values()), kept, elsewhere
