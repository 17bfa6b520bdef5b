"""Who asks for order, a throttle or batches has no seat among the others: what waits for it is rows."""

import pytest
from sqlalchemy import func, select
from support.deliveries import append, fan_out, subscribe

from publisher.model import DeliveryState, Options
from publisher.model.options import Batch
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import deliveries, parcels
from publisher.storage.subscriptions import listing, subscriptions

ALONE = [Options(ordered=True), Options(throttle=60.0), Options(batch=Batch())]


def counted(tx: Tx) -> tuple[int, int]:
    rows = tx.conn.execute(select(func.count()).select_from(deliveries)).scalar_one()
    return rows, tx.conn.execute(select(func.coalesce(func.sum(parcels.c.size), 0))).scalar_one()


@pytest.mark.parametrize("options", ALONE)
async def test_it_leaves_its_seat_with_that_wish_and_takes_one_without_it(db: Database, options: Options) -> None:
    one = await db.write(subscribe)
    await append(db, 1)
    await fan_out(db)
    await db.write(subscriptions.update, one.id, options=options)
    await append(db, 1)
    await fan_out(db)
    assert await db.read(counted) == (2, 0)  # the first left its parcel with the seat
    await db.write(subscriptions.update, one.id, options=Options())
    await append(db, 1)
    await fan_out(db)
    assert await db.read(counted) == (2, 1)
    (first, second, third) = await db.read(listing.accounting, [1, 2, 3])
    assert [sum(each.states.values()) for each in (first, second, third)] == [1, 1, 1]
    assert all(each.states == {DeliveryState.PENDING: 1} for each in (first, second, third))
    assert (await db.read(subscriptions.existing, one.id)).options == Options()
