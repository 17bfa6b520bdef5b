"""What a closed parcel says of each of its seats is what came of it, whatever came of the others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from support.clock import ManualClock
from support.deliveries import append, fan_out, subscribe
from support.parcelled import PROCESS
from support.parcels import fill

from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import bitmaps, lanes, listing, parcels, rosters, settling
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.parcels import MOST, Journaled

How = tuple[int, int, int]
"""Seconds after the first attempt, milliseconds, status."""


@pytest.mark.parametrize(
    "hows",
    [
        pytest.param([(0, 12, 200)], id="one"),
        pytest.param([(0, 12, 204)], id="one with another status"),
        pytest.param([(0, 12, 200), (1, 7, 200), (0, 30_000, 200)], id="all 200"),
        pytest.param([(3, 12, 202), (1, 7, 202), (0, 0, 202)], id="all with another status"),
        pytest.param([(0, 12, 200), (600, 7, 204), (59, MOST, 202), (1, 1, 200)], id="each its own"),
    ],
)
async def test_a_closed_parcel_tells_of_each_seat_when_it_was_sent_how_long_it_took_and_the_status(
    db: Database, clock: ManualClock, hows: Sequence[How]
) -> None:
    made = [await db.write(subscribe, together=True) for _ in range(len(hows) + 1)]
    await fill(db)
    await append(db, 1)
    await fan_out(db)
    began = clock()

    def settle(tx: Tx) -> int:
        lanes.take_over(tx, PROCESS)
        [parcel], _ = parcels.fresh(tx, range(lanes.COUNT), 0, 10)
        holders = [one.n for one in rosters.of(tx, [parcel.roster])]
        places = list(bitmaps.seats(parcel.open))
        outcomes = [  # the first of all fails, so that places among those taken are not those in the roster
            Outcome(0, "", "dead", None, 1, began, 5, 500, subscription=holders[places[0]], parcel=parcel, seat=0)
        ] + [
            Outcome(
                0, "", "delivered", None, 1, began + timedelta(seconds=at), took, status,
                subscription=holders[place], parcel=parcel, seat=place,
            )
            for place, (at, took, status) in zip(places[1:], hows, strict=True)
        ]  # fmt: skip
        return len(settling.settle(tx, outcomes, PROCESS, Journaled()).settled.closed)

    assert await db.write(settle) == 1

    for webhook, (at, took, status) in zip(made[1:], hows, strict=True):
        [listed] = await db.read(listing.page, webhook.id, limit=10)
        [tried] = await db.read(listing.attempts, listed)
        assert (tried.at, tried.duration_ms, tried.status) == (began + timedelta(seconds=at), took, status)
