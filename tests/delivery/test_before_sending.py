"""What waits for a connection is asked about before anything is written to it."""

from collections.abc import Callable
from typing import Any

import pytest
from support.deliveries import append, states
from support.delivering import Bench, Held, endpoint, eventually

from publisher.model import DeliveryState
from publisher.outbound import Outbound
from publisher.storage.engine.database import Tx
from publisher.storage.subscriptions import listing, rights, subscriptions


def stand_still(tx: Tx, id: str) -> None:
    rights.stand_still(tx, {"the feed was removed": [one.n for one in rights.holders(tx)]})


@pytest.mark.parametrize(
    ("stop", "state"),
    [
        (subscriptions.delete, DeliveryState.CANCELLED),
        (subscriptions.disable, DeliveryState.CANCELLED),
        (stand_still, DeliveryState.PENDING),
    ],
)
async def test_what_was_stopped_while_it_waited_for_a_connection_is_not_sent(
    bench: Bench, stop: Callable[[Tx, str], Any], state: DeliveryState
) -> None:
    names = Held()
    bench.outbound = Outbound(allow_private=["127.0.0.0/8:*"], resolver=names)
    async with endpoint() as receiver:
        url = receiver.url().replace("127.0.0.1", "hook.example")
        stopped = await bench.subscribe(url)
        await append(bench.db)
        async with bench.running(fresh_seconds=0.0):
            await names.asked.wait()
            await bench.db.write(stop, stopped.id)
            names.let.set()
            await eventually(lambda: states(bench.db, stopped), [state])
            [delivery] = await _deliveries(bench, stopped.id)
        assert receiver.got == []
    assert delivery.attempts == 0
    await bench.outbound.close()


async def test_what_is_still_to_be_sent_is_sent_after_it_was_asked_about(bench: Bench) -> None:
    async with endpoint() as receiver:
        subscription = await bench.subscribe(receiver.url())
        await append(bench.db, 3)
        async with bench.running(fresh_seconds=0.0):
            await eventually(lambda: states(bench.db, subscription), [DeliveryState.DELIVERED] * 3)
    assert len(receiver.got) == 3


async def _deliveries(bench: Bench, id: str) -> Any:
    return await bench.db.read(listing.page, id, limit=10)
