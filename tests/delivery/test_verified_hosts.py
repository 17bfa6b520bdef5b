"""Which hosts are known to take what is sent to them."""

from __future__ import annotations

from support.deliveries import append
from support.delivering import Bench, endpoint
from support.statements import counting

from publisher.delivery.endpoints.verified_hosts import VerifiedHosts
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import hosts


async def known(db: Database, host: str = "127.0.0.1") -> bool:
    return await db.read(hosts.is_verified, host)


async def test_a_host_is_verified_by_the_first_delivery_that_it_takes_and_by_nothing_less(any_bench: Bench) -> None:
    async with endpoint(lambda number: (503, 302, 204)[number]) as receiver:
        await any_bench.subscribe(receiver.url())
        async with any_bench.running():
            await append(any_bench.db)
            await receiver.until(lambda: len(receiver.got) == 2)
            assert not await known(any_bench.db)
            await receiver.until(lambda: len(receiver.taken) == 1)
    assert await known(any_bench.db)


async def test_a_test_that_is_taken_verifies_the_host_before_it_is_answered(bench: Bench) -> None:
    async with endpoint(lambda number: (500, 200)[number]) as receiver:
        subscription = await bench.subscribe(receiver.url())
        for expected in (False, True):
            await bench.deliverer().test(subscription)
            assert await known(bench.db) is expected


async def test_a_host_that_could_not_be_noted_is_noted_at_its_next_success(bench: Bench) -> None:
    verified, url = VerifiedHosts(bench.db), "https://receiver.example/hook"
    await bench.db.write(lambda tx: tx.conn.exec_driver_sql("ALTER TABLE hosts RENAME TO away"))
    verified.answered(url)
    await verified.written(60)
    await bench.db.write(lambda tx: tx.conn.exec_driver_sql("ALTER TABLE away RENAME TO hosts"))
    assert not await known(bench.db, "receiver.example")
    verified.answered(url)
    await verified.written(60)
    assert await known(bench.db, "receiver.example")


async def test_a_host_is_written_once_however_often_it_answers(bench: Bench) -> None:
    verified = VerifiedHosts(bench.db)
    with counting(bench.db) as sent:
        for _ in range(3):
            verified.answered("https://receiver.example/hook")
            await verified.written(60)
    assert len([statement for statement, _ in sent if statement.startswith("INSERT INTO hosts")]) == 1


async def test_a_host_is_written_once_however_many_endpoints_of_it_take_something(bench: Bench) -> None:
    verified = VerifiedHosts(bench.db)
    verified.answered("https://receiver.example/first")
    await verified.written(10)
    with counting(bench.db) as sent:
        for number in range(100):
            verified.answered(f"https://receiver.example:{8000 + number}/{number}")
        await verified.written(10)
    assert not sent
