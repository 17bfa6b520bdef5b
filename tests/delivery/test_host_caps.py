"""One host is not flooded, however many endpoints lie at it, and loses nothing by it."""

from pathlib import Path

from support.clock import ManualClock
from support.deliveries import append
from support.delivering import Bench, endpoint, eventually

from publisher.model import DeliveryState
from publisher.outbound import Outbound
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import listing


async def test_many_endpoints_at_one_host_get_no_more_at_once_than_it_may(sqlite_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    db = await Database.open(sqlite_url, data)
    outbound = Outbound(allow_private=["127.0.0.0/8:*"])
    bench = Bench(db, outbound, Sealer.open(data), ManualClock())
    async with endpoint() as receiver, endpoint(host="127.0.0.2") as other:
        made = [await bench.subscribe(receiver.url("/held")) for _ in range(40)]
        made.append(await bench.subscribe(other.url().replace("127.0.0.1", "127.0.0.2")))
        async with bench.running(host=8, slots=40):
            await append(db, 2)
            await other.until(lambda: len(other.got) == 2)  # the host that is full holds up no other
            await receiver.until(lambda: receiver.held == 8)
            assert receiver.most_held == 8
            receiver.release.set()
            await receiver.until(lambda: len(receiver.got) == 80)
            await eventually(lambda: db.read(listing.depth), {})
    shown = [one for each in made for one in await db.read(listing.page, each.id, limit=10)]
    await outbound.close()
    await db.close()
    assert [(one.state, one.attempts) for one in shown] == [(DeliveryState.DELIVERED, 1)] * 82
