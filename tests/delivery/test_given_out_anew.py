"""Numbers of the log that are given out anew, as after a restore while the service runs, are other events."""

from __future__ import annotations

from sqlalchemy import text
from support.deliveries import append, states
from support.delivering import Bench, endpoint, eventually
from support.items import an_event

from publisher.delivery.prepared import PreparedEvents
from publisher.model import DeliveryState
from publisher.storage.configuration import installation
from publisher.storage.engine.database import Tx
from publisher.storage.log import events


def put_back(tx: Tx) -> None:
    """The log as it was before its first event, whose number the next one is given."""
    for table in ("attempts", "deliveries", "journal", "parcels", "matches", "events"):
        tx.conn.execute(text(f"DELETE FROM {table}"))
    tx.conn.execute(text("UPDATE cursors SET seq = 0, subscription = 0 WHERE name IN ('log', 'fanout')"))
    installation.renew(tx)


async def test_an_event_with_the_number_of_one_that_was_sent_is_sent_with_its_own_content(bench: Bench) -> None:
    await bench.db.write(installation.claim, b"proof")
    async with endpoint() as receiver, bench.running():
        follower = await bench.subscribe(receiver.url())
        (first,) = await append(bench.db)
        await eventually(lambda: states(bench.db, follower), [DeliveryState.DELIVERED])
        await bench.db.write(put_back)
        (second,) = await bench.db.write(events.append, [an_event(subject="a2")])
        assert second.seq == first.seq
        await receiver.until(lambda: len(receiver.taken) == 2)
    assert [b'"a2"' in got.body for got in receiver.got] == [False, True]


def test_what_was_loaded_in_another_epoch_of_the_log_is_loaded_again() -> None:
    prepared = PreparedEvents()
    prepared.valid(1)
    prepared.add([an_event().model_copy(update={"seq": 7})])
    prepared.valid(1)
    assert list(prepared.known) == [7]
    prepared.valid(2)
    assert list(prepared.known) == []
