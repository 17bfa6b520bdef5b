"""Moving an installation's data to PostgreSQL: whole, checked, taken up where it ended, and never over other data."""

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from maintenance.kept import KEPT, MONTH, batches, settled
from sqlalchemy import text
from support import transfer_process
from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, subscribe
from support.delivering import Bench, endpoint, eventually
from support.everything import TABLES, Rows, fill, rows
from support.parcelled import PROCESS, sent
from support.postgres import Postgres

from publisher.clock import to_micros
from publisher.errors import Conflict, NotFound, PublisherError, StorageError
from publisher.maintenance.keeping import Folding, fold
from publisher.model import DeliveryState, Filter, Role
from publisher.outbound import Outbound
from publisher.storage.access import keys
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import folding, lanes, listing
from publisher.storage.subscriptions.folding import Folded
from publisher.storage.transfer.transfer import Progress, Transferred, target_url, transfer

EVERY_TABLE = {table.name for table in TABLES}


@pytest.fixture
def target(postgres: Postgres) -> Iterator[str]:
    url = postgres.create(empty=True)
    yield url
    postgres.drop(url)


@pytest.fixture
async def source(sqlite_url: str, tmp_path: Path, clock: ManualClock) -> tuple[Path, Rows]:
    """The file of a full installation in which nothing runs, and its rows."""
    db = await Database.open(sqlite_url, tmp_path / "data", now=clock)
    await fill(db)
    held = await rows(db)
    await db.close()
    return tmp_path / "data" / "publisher.db", held


@contextlib.asynccontextmanager
async def opened(url: str, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Database]:
    db = await Database.open(url, tmp_path / "elsewhere", now=clock)
    try:
        yield db
    finally:
        await db.close()


async def rows_of(url: str, tmp_path: Path, clock: ManualClock) -> Rows:
    async with opened(url, tmp_path, clock) as db:
        return await rows(db)


async def run_sql(url: str, tmp_path: Path, clock: ManualClock, *statements: str) -> None:
    def run(tx: Tx) -> None:
        for statement in statements:
            assert tx.conn.execute(text(statement)).rowcount == 1

    async with opened(url, tmp_path, clock) as db:
        await db.write(run)


class Cut(Exception):
    """The transfer ends here."""


def cut_at(step: int, seen: list[Progress]) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == step:
            raise Cut

    return report


def as_copied(held: Rows) -> Rows:
    """The rows without the log's generation and those before it: the copy begins one of its own."""
    return {**held, "installation": [row[:-2] for row in held["installation"]]}


async def test_every_row_of_every_table_arrives_as_it_was(
    source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, held = source
    assert set(held) == EVERY_TABLE
    assert [name for name in held if not held[name]] == []

    done = await transfer(file, target, batch=7)

    assert as_copied(await rows_of(target, tmp_path, clock)) == as_copied(held)
    assert done == Transferred({name: len(held[name]) for name in held if name not in ("cursors", "installation")}, 0)


async def test_the_copys_log_is_another_generation_that_goes_on_where_the_source_ends(
    source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, held = source
    [(*_, before, earlier)] = held["installation"]
    await transfer(file, target)
    async with opened(target, tmp_path, clock) as db:
        moved = db.generation
    last = len(held["events"])
    assert (earlier, moved.earlier) == ("[]", ((before, last),))
    assert moved.id not in ("", before)
    assert moved.reset_to(before, last) == last

    await transfer(file, target)

    async with opened(target, tmp_path, clock) as db:
        assert db.generation == moved


async def test_the_source_stays_as_it_is(
    source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, held = source
    await transfer(file, target)

    db = await Database.open("sqlite", file.parent, now=clock)
    assert await rows(db) == held
    await db.close()


async def test_numbers_go_on_above_what_was_copied(
    source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, held = source
    await transfer(file, target)

    async with opened(target, tmp_path, clock) as db:
        await db.write(subscribe, filter=Filter(feeds=("another",)))
        await db.write(keys.create, Role.OPERATOR, "another")
        [event] = await append(db)
        await fan_out(db)
        await sent(db, 1)
        await db.write(subscribe, together=True, filter=Filter(feeds=("third",)))
        after = await rows(db)

    assert event.seq == len(held["events"]) + 1
    for table in ("filters", "subscriptions", "deliveries", "rosters", "parcels", "journal"):
        added = set(after[table]) - set(held[table])
        assert added, table
        assert min(row[0] for row in added) > max(row[0] for row in held[table])


async def test_numbers_go_on_above_what_was_folded_before_it_was_copied(
    sqlite_url: str, target: str, tmp_path: Path, clock: ManualClock
) -> None:
    """Below that, deliveries are looked for no more: they would never be folded."""
    db = await Database.open(sqlite_url, tmp_path / "data", now=clock)
    await db.write(subscribe)
    await settled(db, clock, "delivered", events=3)
    clock.advance(MONTH)
    assert (await fold(batches(db), KEPT)).deliveries == 3
    await db.close()
    await transfer(tmp_path / "data" / "publisher.db", target)

    async with opened(target, tmp_path, clock) as db:
        await settled(db, clock, "delivered")
        clock.advance(MONTH)
        assert await fold(batches(db), KEPT) == Folding(deliveries=1, attempts=1)


async def test_no_parcel_gets_the_number_of_one_that_the_journal_still_names(
    sqlite_url: str, target: str, tmp_path: Path, clock: ManualClock
) -> None:
    db = await Database.open(sqlite_url, tmp_path / "data", now=clock)
    for _ in range(3):
        await db.write(subscribe, together=True)
    await append(db)
    await fan_out(db)
    await sent(db, 1)
    await sent(db)  # by another process, which leaves the journal as it is
    assert await db.write(folding.fold_parcels, [1], to_micros(clock())) == Folded(3, 3, 1)
    await db.close()
    await transfer(tmp_path / "data" / "publisher.db", target)

    async with opened(target, tmp_path, clock) as db:
        await append(db)
        await fan_out(db)
        [account] = await db.read(listing.accounting, [2])
    assert account.states == {DeliveryState.PENDING: 3}


async def test_an_empty_installation_moves_too(
    sqlite_url: str, target: str, tmp_path: Path, clock: ManualClock
) -> None:
    assert sum((await transfer(tmp_path / "data" / "publisher.db", target)).rows.values()) == 0

    async with opened(target, tmp_path, clock) as db:
        await db.write(subscribe)
        assert [event.seq for event in await append(db)] == [1]


@pytest.mark.parametrize("step", [1, 4, 9, 20, 31, 45])
async def test_cut_off_anywhere_it_goes_on_where_it_ended(
    step: int, source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, held = source
    before: list[Progress] = []
    after: list[Progress] = []
    with pytest.raises(Cut):
        await transfer(file, target, batch=7, report=cut_at(step, before))

    done = await transfer(file, target, batch=5, report=after.append)

    assert as_copied(await rows_of(target, tmp_path, clock)) == as_copied(held)
    copied = {one.table: one.done for one in before if one.stage == "copying"}
    assert done.found == sum(copied.values())
    again = [one for one in after if one.stage == "copying" and one.total == copied.get(one.table)]
    assert again == []  # a table that was whole is not copied again


async def test_killed_at_any_moment_nothing_is_lost_or_doubled(
    source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, held = source
    for lines in (3, 9, 17, 25):
        child = await asyncio.create_subprocess_exec(
            sys.executable, transfer_process.__file__, str(file), target,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(lines):
            assert await child.stdout.readline()
            child.stdin.write(b"\n")
        child.kill()  # it is somewhere in the next batch
        await child.wait()
        child.stdin.close()
    await eventually(lambda: _held_by_others(target, tmp_path, clock), 0)

    assert (await transfer(file, target)).found > 0

    assert as_copied(await rows_of(target, tmp_path, clock)) == as_copied(held)


async def _held_by_others(url: str, tmp_path: Path, clock: ManualClock) -> int:
    """How many connections the server has not noticed the end of."""

    def count(tx: Tx) -> int:
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(tx.conn.execute(text(statement)).scalar_one())

    async with opened(url, tmp_path, clock) as db:
        return await db.read(count)


async def test_until_every_row_is_checked_the_target_is_no_installation(
    source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, held = source
    last = len(EVERY_TABLE) - 2  # without the cursors, and whose it is

    def report(progress: Progress) -> None:
        nonlocal last
        last -= progress.stage == "checking" and progress.done == progress.total
        if not last:
            raise Cut

    with pytest.raises(Cut):
        await transfer(file, target, report=report)

    async with opened(target, tmp_path, clock) as db:
        assert await db.read(events.last_seq) == 0
    await transfer(file, target)
    async with opened(target, tmp_path, clock) as db:
        assert await db.read(events.last_seq) == len(held["events"])


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE articles SET data = data || ' ' WHERE id = 'a7'", r"articles \(id 'a7'\) differs in data"),
        ("UPDATE subscriptions SET secret = 'x' WHERE n = 2", r"subscriptions \(n 2\) differs in secret"),
        ("DELETE FROM deliveries WHERE id = 9", r"deliveries \(id 9\) is missing"),
        ("INSERT INTO filters (id, definition) VALUES (99, '{}')", r"filters has 1 rows here and 2 there"),
    ],
)
async def test_a_row_that_is_not_as_it_should_be_is_found_and_named(
    statement: str, named: str, source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, _ = source
    await transfer(file, target)
    await run_sql(target, tmp_path, clock, statement)

    with pytest.raises(StorageError, match=named):
        await transfer(file, target, batch=7)


async def test_a_row_that_is_altered_while_it_runs_keeps_it_from_finishing(
    source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, _ = source
    with pytest.raises(Cut):
        await transfer(file, target, report=cut_at_stage("checking"))
    await run_sql(target, tmp_path, clock, "UPDATE articles SET revision = 7 WHERE id = 'a1'")

    with pytest.raises(Conflict, match=r"not this installation's.*articles \(id 'a1'"):
        await transfer(file, target)

    async with opened(target, tmp_path, clock) as db:
        assert await db.read(events.last_seq) == 0


def cut_at_stage(stage: str) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.stage == stage:
            raise Cut

    return report


async def test_a_target_with_another_installations_data_is_refused_untouched(
    source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, _ = source
    async with opened(target, tmp_path, clock) as db:
        await db.write(keys.create, Role.OPERATOR, "someone else")
    before = await rows_of(target, tmp_path, clock)
    with pytest.raises(Conflict, match="1 rows of keys"):
        await transfer(file, target)
    assert await rows_of(target, tmp_path, clock) == before

    async with opened(target, tmp_path, clock) as db:
        await append(db)
        with pytest.raises(Conflict, match="log of its own"):
            await transfer(file, target)
        assert await db.read(events.last_seq) == 1


async def test_a_target_that_is_in_use_is_refused(
    source: tuple[Path, Rows], target: str, tmp_path: Path, clock: ManualClock
) -> None:
    file, _ = source
    async with opened(target, tmp_path, clock) as db, db._writer.connect() as connection:
        await connection.run_sync(lambda conn: events.lock(Tx(conn, db._dialect, 0)))
        with pytest.raises(Conflict, match="another process is using the target"):
            await transfer(file, target)


async def test_while_a_publisher_runs_nothing_is_copied(
    source: tuple[Path, Rows], target: str, clock: ManualClock
) -> None:
    file, _ = source
    db = await Database.open("sqlite", file.parent, now=clock)
    try:
        with pytest.raises(Conflict, match="stop the publisher first"):
            await transfer(file, target)
    finally:
        await db.close()


async def test_while_it_runs_no_one_writes_to_the_source(source: tuple[Path, Rows], target: str) -> None:
    file, _ = source
    refused = []

    def write(_progress: Progress) -> None:
        with contextlib.closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
            try:
                other.execute("DELETE FROM events")
            except sqlite3.OperationalError as error:
                refused.append(str(error))

    await transfer(file, target, report=write)

    assert set(refused) == {"database is locked"}


async def test_what_postgresql_cannot_store_is_named(source: tuple[Path, Rows], target: str) -> None:
    file, _ = source
    with contextlib.closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE articles SET source = 'a' || char(0) WHERE id = 'a5'")

    with pytest.raises(StorageError, match=r"articles \(id 'a5'\) holds a NUL character"):
        await transfer(file, target)


async def test_without_a_source_there_is_nothing_to_move(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing to move"):
        await transfer(tmp_path / "publisher.db", "postgresql+asyncpg://localhost/x")


@pytest.mark.parametrize("url", ["sqlite", "mysql://h/d", "postgresql://h", "postgresql+psycopg://h/d", "not a url"])
def test_a_target_that_is_no_postgresql_database_is_refused(url: str) -> None:
    with pytest.raises(PublisherError, match="--to must name a PostgreSQL database"):
        target_url(url)


def test_a_postgresql_url_may_be_given_as_other_tools_take_it() -> None:
    assert target_url("postgresql://u:p@h:5433/d") == "postgresql+asyncpg://u:p@h:5433/d"


async def test_what_is_in_parcels_goes_on_at_the_target_where_the_journal_ends(
    sqlite_url: str, target: str, tmp_path: Path, clock: ManualClock
) -> None:
    outbound = Outbound(allow_private=["127.0.0.0/8:*"])
    sealer = Sealer.open(tmp_path / "data")
    async with endpoint() as receiver:
        old = await Database.open(sqlite_url, tmp_path / "data", now=clock)
        bench = Bench(old, outbound, sealer, clock)
        webhooks = [await bench.subscribe(receiver.url(f"/{number}"), together=True) for number in range(3)]
        events = await append(old, 2)
        await fan_out(old)
        await sent(old, 1)
        assert set((await old.read(lanes.owners)).values()) == {PROCESS}
        await old.close()

        await transfer(tmp_path / "data" / "publisher.db", target)

        async with opened(target, tmp_path, clock) as db:
            assert await db.read(lanes.owners) == {}
            bench = Bench(db, outbound, Sealer.open(tmp_path / "data"), clock)
            async with bench.running():
                events += await append(db)
                await receiver.until(lambda: len(receiver.taken) == 2 * 2 + 3)
            accounts = await db.read(listing.accounting, [1, 2, 3])
            listed = [len(await db.read(listing.page, one.id, limit=9)) for one in webhooks]
    await outbound.close()

    assert [(one.matched, one.states) for one in accounts] == [(3, {DeliveryState.DELIVERED: 3})] * 3
    assert listed == [3] * 3
    assert sorted(receiver.taken) == sorted(
        [(f"/{n}", event.id) for n in (1, 2) for event in events] + [("/0", events[-1].id)]
    )


async def test_delivery_goes_on_at_the_target_with_nothing_lost(
    sqlite_url: str, target: str, tmp_path: Path, clock: ManualClock
) -> None:
    outbound = Outbound(allow_private=["127.0.0.0/8:*"])
    sealer = Sealer.open(tmp_path / "data")
    async with endpoint() as receiver:
        old = await Database.open(sqlite_url, tmp_path / "data", now=clock)
        bench = Bench(old, outbound, sealer, clock)
        for number in range(3):
            await bench.subscribe(receiver.url(f"/{number}"))
        sent = await append(old, 4)
        await fan_out(old)
        leased = (await claim(old, lease="of the old process", limit=5)).deliveries
        sent += await append(old, 2)  # in the log only
        await old.close()

        await transfer(tmp_path / "data" / "publisher.db", target)

        async with opened(target, tmp_path, clock) as db:
            [again] = (await claim(db, lease="of another", limit=1)).deliveries
            assert again.id not in {one.id for one in leased}  # its lease holds here, too
            clock.advance(61)
            bench = Bench(db, outbound, Sealer.open(tmp_path / "data"), clock)
            async with bench.running():
                sent += await append(db, 2)
                await receiver.until(lambda: len(receiver.taken) == 3 * 8)
            accounts = await db.read(listing.accounting, [event.seq for event in sent])
    await outbound.close()

    assert {id_ for _, id_ in receiver.taken} == {event.id for event in sent}
    assert [event.seq for event in sent] == list(range(1, 9))
    assert [(one.matched, one.states) for one in accounts] == [(3, {DeliveryState.DELIVERED: 3})] * 8
