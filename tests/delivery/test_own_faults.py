"""What this machine cannot do is nothing that a receiver failed at."""

import asyncio
import contextlib
import sys
from datetime import timedelta
from pathlib import Path

from support import deliverer_process
from support.deliveries import append, subscribe
from support.delivering import Bench, Held, endpoint, eventually
from support.rights import now

from publisher.delivery import Deliverer
from publisher.delivery.backoff import LONGEST_REST, Backoff
from publisher.delivery.sender import SEALED_SECONDS
from publisher.delivery.signing import new_secret
from publisher.model import DeliveryState
from publisher.outbound import Outbound
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database
from publisher.storage.engine.engines import SQLITE_READERS
from publisher.storage.subscriptions import listing

FOLLOWERS, DESCRIPTORS = 120, 64


async def test_more_endpoints_than_descriptors_are_all_told_and_none_is_charged_an_attempt(
    sqlite_url: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    db = await Database.open(sqlite_url, data)
    sealed = Sealer.open(data).seal(new_secret().encode())
    async with endpoint(host="0.0.0.0") as receiver:
        port = receiver.root.rpartition(":")[2]
        urls = [f"http://127.0.0.{number}:{port}/held" for number in range(1, FOLLOWERS + 1)]
        made = [await db.write(subscribe, url=url, sealed_secret=sealed) for url in urls]
        process = await asyncio.create_subprocess_exec(
            sys.executable, deliverer_process.__file__, str(data), str(DESCRIPTORS),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        await append(db)
        async with asyncio.timeout(60):
            while b"delivery.held_back" not in (line := await process.stderr.readline()):
                assert line, "it ended"
        assert receiver.most_held < DESCRIPTORS
        receiver.release.set()
        await receiver.until(lambda: len(receiver.got) == FOLLOWERS)
        await eventually(lambda: db.read(listing.depth), {})
        await process.communicate(b"")  # ends its standard input
    assert process.returncode == 0
    shown = [one for each in made for one in await db.read(listing.page, each.id, limit=10)]
    await db.close()
    assert [(one.state, one.attempts) for one in shown] == [(DeliveryState.DELIVERED, 1)] * FOLLOWERS


async def test_rests_grow_while_it_lasts_and_are_short_again_after_it() -> None:
    backoff = Backoff()
    first = [backoff.failed("no descriptors") for _ in range(3)]
    assert first[0] >= first[1] >= first[2] > 0
    waits = []
    for _ in range(10):
        backoff._until = 0.0  # the rest is over
        waits.append(round(backoff.failed("no descriptors"), 3))
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, *[LONGEST_REST] * 5]
    backoff.succeeded()
    backoff._until = 0.0
    assert round(backoff.failed("no descriptors"), 3) == 0.1


async def test_no_more_connections_are_kept_than_may_be() -> None:
    async with endpoint(host="0.0.0.0") as receiver:
        port = receiver.root.rpartition(":")[2]
        outbound = Outbound(allow_private=["127.0.0.0/8:*"], keep=5)
        for number in range(1, 21):
            assert (await outbound.post(f"http://127.0.0.{number}:{port}/", b"{}", {})).status == 204
        assert outbound.idle == 5
        await outbound.close()


async def test_a_secret_that_cannot_be_opened_costs_no_attempt_and_waits_to_be(bench: Bench, tmp_path: Path) -> None:
    lost = Sealer.open(tmp_path / "another")
    async with endpoint() as receiver:
        made = await bench.db.write(subscribe, url=receiver.url("/sealed"), sealed_secret=lost.seal(b"whsec_x"))
        other = await bench.subscribe(receiver.url("/other"))
        await append(bench.db)
        async with bench.running() as deliverer:
            await receiver.until(lambda: len(receiver.got) == 1)
            await eventually(lambda: is_sealed(deliverer), True)
            told = await deliverer.test(made)
    assert told.error is not None
    assert "was sealed with key" in told.error
    assert [one.path for one in receiver.got] == ["/other"]
    (waits,) = await bench.db.read(listing.page, made.id, limit=10)
    (sent,) = await bench.db.read(listing.page, other.id, limit=10)
    assert (waits.state, waits.attempts) == (DeliveryState.PENDING, 0)
    assert waits.next_attempt_at == bench.clock() + timedelta(seconds=SEALED_SECONDS)
    assert sent.state is DeliveryState.DELIVERED
    assert (await now(bench.db, made)).failures == 0


async def test_it_stops_where_all_that_was_begun_had_a_secret_that_cannot_be_opened(
    bench: Bench, tmp_path: Path
) -> None:
    lost = Sealer.open(tmp_path / "another")
    made = await bench.db.write(subscribe, url="http://127.0.0.1:9/", sealed_secret=lost.seal(b"whsec_x"))
    await append(bench.db)
    async with asyncio.timeout(60), bench.running() as deliverer:
        await eventually(lambda: is_sealed(deliverer), True)
    (waits,) = await bench.db.read(listing.page, made.id, limit=10)
    assert (waits.state, waits.attempts) == (DeliveryState.PENDING, 0)


async def is_sealed(deliverer: Deliverer) -> bool:
    return deliverer.sealed


class Busy:
    """Keeps a database's reading connections for itself."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._taken = contextlib.AsyncExitStack()

    async def __aenter__(self) -> None:
        for _ in range(SQLITE_READERS):
            connection = await self._taken.enter_async_context(self._db._reader.connect())
            await connection.run_sync(lambda conn: conn.begin())

    async def __aexit__(self, *_error: object) -> None:
        await self._taken.aclose()


async def test_while_our_database_is_busy_nothing_begins_and_no_receiver_is_charged_for_it(bench: Bench) -> None:
    names = Held()
    bench.outbound = Outbound(allow_private=["127.0.0.0/8:*"], resolver=names)
    async with endpoint() as receiver:
        made = await bench.subscribe(receiver.url().replace("127.0.0.1", "hook.example"))
        await append(bench.db)
        async with bench.running(fresh_seconds=0.0) as deliverer:
            await names.asked.wait()  # it is taken, and waits for a connection
            async with Busy(bench.db):
                names.let.set()
                await eventually(lambda: held_back(deliverer), True)
                await deliverer.stop(0)
        assert receiver.got == []
    (shown,) = await bench.db.read(listing.page, made.id, limit=10)
    assert (shown.attempts, shown.last_error, shown.state) == (0, None, DeliveryState.PENDING)
    await bench.outbound.close()


async def held_back(deliverer: Deliverer) -> bool:
    return any(item.held_back_at > 0 for line in deliverer._sender._held.lines for item in line.items)
