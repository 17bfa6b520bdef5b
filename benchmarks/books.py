"""What the database costs of a delivery, without HTTP: fan-out, reading and settling, one after the other.

    python -m benchmarks.books [--quick] [--subscribers N] [--database NAME]

A sender's own transactions are run without the rest of it: three events, one after the other, go to 100,000
subscribers. Fan-out is from the event in the log until its parcels stand; reading is that of the parcels and of whose
seats they are; settling is in batches of 500, of which one outcome in a hundred is a failure. The first event is not
counted: with it a sender learns whose each seat is. What it reads of a follower that it does not remember (its URL,
secret and so on) is told besides, since it remembers 16,384 of those that have nothing to do.

The database's CPU is that of the process's other threads, in which SQLite works, or that of PostgreSQL's backends,
which must be on this machine; the code around the statements is told apart from it. Bytes are those by which the SQLite
file grew.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from operator import neg
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from benchmarks._events import an_article
from benchmarks._measuring import measured, options
from benchmarks._service import Installation, databases, installation, service
from publisher import clock
from publisher.app.serving import spare_the_garbage_collector
from publisher.delivery.aboard import Aboard
from publisher.delivery.followers.fanout import FanOut
from publisher.delivery.settler import BATCH
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import bitmaps, lanes, queue, settling
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.parcels import Parcel

FAILING = 100
PROCESS = "bench"
EVENTS = 3
PARTS = ("fan-out", "reading", "settling")
FOLLOWERS = "of followers not remembered"
ROOM = 4096
"""Seats read at once, as a sender does."""


class Spent(NamedTuple):
    """CPU seconds of the database, and of the code around it."""

    database: float
    around: float


class Meter:
    """What each part of the work took, for each event; ``server``: the database is a process of its own."""

    def __init__(self, db: Database, *, server: bool) -> None:
        self._db = db
        self._server = server
        self.found: defaultdict[str, list[Spent]] = defaultdict(list)

    def begin(self) -> None:
        """What follows is of another event."""
        for name in (*PARTS, FOLLOWERS):
            self.found[name].append(Spent(0.0, 0.0))

    @contextlib.asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Add what is done meanwhile to a part."""
        before = await self._spent()
        yield
        after, sofar = await self._spent(), self.found[name][-1]
        self.found[name][-1] = Spent(*(sum(one) for one in zip(sofar, after, map(neg, before), strict=True)))

    async def _spent(self) -> Spent:
        backends = await self._db.read(_of_backends) if self._server else 0.0
        around = time.thread_time()
        return Spent(backends if self._server else time.process_time() - around, around)


def _of_backends(tx: Tx) -> float:
    """CPU seconds of the server's processes for this database."""
    own = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    spent = 0.0
    for pid in tx.conn.execute(own).scalars():
        with contextlib.suppress(FileNotFoundError):
            spent += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return spent


async def deliver(db: Database, aboard: Aboard, own: frozenset[int], meter: Meter) -> None:
    """Fan one event out, and read and settle all of it."""
    fan_out = FanOut(db)
    meter.begin()
    async with meter.of("fan-out"):
        while await fan_out.step():
            pass
    aboard.more = True
    while aboard.more:
        async with meter.of("reading"):
            found, holders = await db.read(_read, aboard, own)
        waiting = []
        for parcel in found:
            aboard.take(parcel)
            waiting += [(parcel, seat, holders[parcel.roster][seat]) for seat in bitmaps.seats(parcel.open)]
        async with meter.of(FOLLOWERS):
            await db.read(queue.followers, [n for _, _, n in waiting])
        outcomes = [_outcome(*one) for one in waiting]
        for at in range(0, len(outcomes), BATCH):
            some = outcomes[at : at + BATCH]
            async with meter.of("settling"):
                recorded = await db.write_loosely(settling.settle, some, PROCESS, aboard.journaled)
                aboard.recorded(recorded)
            if recorded.lost:
                raise SystemExit(f"{recorded.lost} outcomes were not recorded")


def _read(tx: Tx, aboard: Aboard, own: frozenset[int]) -> tuple[list[Parcel], Mapping[int, Sequence[int]]]:
    found = aboard.read(tx, own, ROOM, aboard.ids)
    return found, aboard.holders(tx, found)


def _outcome(parcel: Parcel, seat: int, n: int) -> Outcome:
    good, took = n % FAILING != 0, round(random.lognormvariate(4.0, 0.7))  # 55 ms, and most within twice that
    return Outcome(
        0, "", "delivered" if good else "retrying", None if good else 3600.0, 1, clock.now(), took,
        200 if good else 500, None if good else "HTTP 500", None if good else "simulated", n, parcel=parcel, seat=seat,
    )  # fmt: skip


async def rounds(made: Installation, db: Database, subscribers: int) -> tuple[Meter, float]:
    """What each event took, and the bytes by which each but the first had the file grow."""
    server = made.url != "sqlite"
    meter, aboard = Meter(db, server=server), Aboard()
    own, _ = await db.write(lanes.hold, PROCESS, 3600.0)
    await db.read(aboard.gain, own)
    size = 0
    spare_the_garbage_collector()
    for number in range(EVENTS):
        await db.write(events.append, [an_article(number=number)])
        if number == 1 and not server:
            size = made.size()
        await deliver(db, aboard, own, meter)
    missing = sum(1 for _ in aboard)
    if missing:
        raise SystemExit(f"{missing} parcels are still open")
    grown = 0 if server else made.size() - size
    return meter, grown / (EVENTS - 1) / subscribers


async def measure(database: str, subscribers: int) -> None:
    """Print the parts, their sum and the bytes."""
    urls = [f"https://{number % 64}.simulated.example/{number}" for number in range(subscribers)]
    with tempfile.TemporaryDirectory() as folder:
        async with installation(Path(folder), {"news": urls}, database) as made:
            async with service(made):  # which adopts the definitions
                pass
            db = await Database.open(made.url, made.data)
            try:
                meter, grown = await rounds(made, db, subscribers)
            finally:
                await db.close()
    print(f"books: one event to {subscribers:,} subscribers on {database}, 1 in {FAILING} failing")
    each = {name: _each(meter.found[name][1:], subscribers) for name in (*PARTS, FOLLOWERS)}
    for name in PARTS:
        print(f"  {name:9} {_said(each[name])}")
    size = f", {grown:.1f} bytes each" if database == "sqlite" else ""
    print(f"  all       {_said(Spent(*(sum(one) for one in zip(*(each[name] for name in PARTS), strict=True))))}{size}")
    print(f"  {FOLLOWERS}: {_said(each[FOLLOWERS])} more", flush=True)


def _each(events: Sequence[Spent], subscribers: int) -> Spent:
    return Spent(*(statistics.median(one) / subscribers * 1e6 for one in zip(*events, strict=True)))


def _said(each: Spent) -> str:
    return f"{each.database:6.2f} µs of the database's CPU each and {each.around:6.2f} around it"


def main() -> None:
    parser = options(__doc__, "1,000 subscribers, SQLite")
    parser.add_argument("--subscribers", type=int, default=100_000)
    parser.add_argument("--database", action="append", choices=databases(), help="by default all there are")
    given = parser.parse_args()
    for database in given.database or (["sqlite"] if given.quick else databases()):
        measured(measure(database, 1_000 if given.quick else given.subscribers))


if __name__ == "__main__":
    main()
