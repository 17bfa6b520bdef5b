import asyncio
from collections.abc import Awaitable, Callable

import pytest
from support.items import MORNING, an_event

from publisher.model import Event, EventType
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events


async def appended(db: Database, *new: Event) -> list[Event]:
    return await db.write(events.append, new)


def numbers(found: list[Event]) -> list[int]:
    return [event.seq for event in found]


async def test_an_event_comes_back_as_it_was_appended(db: Database) -> None:
    event = an_event(EventType.ARTICLE_UPDATED, before={"title": "Lama – “x”"}, changed=("title", "body"), quiet=True)

    [numbered] = await appended(db, event)

    assert numbered == event.model_copy(update={"seq": 1})
    assert await db.read(events.get, event.id) == numbered
    assert await db.read(events.after, 0, 10) == [numbered]
    assert await db.read(events.get, "evt_none") is None


async def test_numbers_begin_at_one_and_have_no_gaps(db: Database) -> None:
    first = await appended(db, an_event(), an_event())
    second = await appended(db, an_event())

    assert numbers(first) == [1, 2]
    assert numbers(second) == [3]
    assert await db.read(events.last_seq) == 3
    assert db.last_seq == 3


async def test_appending_nothing_changes_nothing(db: Database) -> None:
    assert await appended(db) == []
    assert await db.read(events.last_seq) == 0


async def test_an_append_that_is_undone_takes_no_number(db: Database) -> None:
    def append_and_fail(tx: Tx) -> None:
        events.append(tx, [an_event()])
        raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        await db.write(append_and_fail)

    assert db.last_seq == 0
    assert numbers(await appended(db, an_event())) == [1]


async def test_a_page_of_the_log_is_read_from_either_end(db: Database) -> None:
    await appended(db, *(an_event(subject=f"a{n}") for n in range(1, 7)))

    assert numbers(await db.read(events.after, 2, 3)) == [3, 4, 5]
    assert numbers(await db.read(events.after, 0, 2, newest_first=True)) == [6, 5]
    assert numbers(await db.read(events.after, 0, 2, until=4, newest_first=True)) == [4, 3]
    assert numbers(await db.read(events.after, 2, 10, until=4)) == [3, 4]
    assert numbers(await db.read(events.after, 6, 10)) == []


async def test_a_page_of_the_log_keeps_to_types_and_subject(db: Database) -> None:
    await appended(
        db,
        an_event(EventType.ARTICLE_PUBLISHED, "a1"),
        an_event(EventType.ARTICLE_UPDATED, "a1"),
        an_event(EventType.ARTICLE_WITHDRAWN, "a2"),
        an_event(EventType.SOURCE_FAILING, "desk", data={"source": "desk"}),
    )

    types = [EventType.ARTICLE_UPDATED, EventType.SOURCE_FAILING]
    assert numbers(await db.read(events.after, 0, 10, types=types)) == [2, 4]
    assert numbers(await db.read(events.after, 0, 10, subject="a1")) == [1, 2]


class Held:
    """Appends, then keeps its transaction open until ``finish`` is set."""

    def __init__(self) -> None:
        self.appended = asyncio.Event()
        self.finish = asyncio.Event()

    async def run(self, db: Database, event: Event) -> None:
        async with db._writer.connect() as connection:
            tx = Tx(connection.sync_connection, db._dialect, 0)  # type: ignore[arg-type]
            await connection.run_sync(lambda _: events.append(tx, [event]))
            self.appended.set()
            await self.finish.wait()
            await connection.commit()


async def test_a_number_is_never_visible_before_a_lower_one(
    db: Database, open_database: Callable[[], Awaitable[Database]]
) -> None:
    # The fault of a sequence: 1 is taken and its transaction stays open, 2 is taken and committed. A follower sees 2,
    # asks for what is above it from then on, and never sees 1.
    other = await open_database()
    held = Held()
    slow = asyncio.create_task(held.run(db, an_event(subject="first")))
    await held.appended.wait()
    quick = asyncio.create_task(appended(other, an_event(subject="second")))

    followed: list[Event] = []
    for _ in range(20):
        followed += await other.read(events.after, followed[-1].seq if followed else 0, 10)
    held.finish.set()
    await asyncio.gather(slow, quick)
    followed += await other.read(events.after, followed[-1].seq if followed else 0, 10)

    assert [event.subject for event in followed] == ["first", "second"]


async def test_a_follower_misses_no_event_while_many_append(
    db: Database, open_database: Callable[[], Awaitable[Database]]
) -> None:
    others = [await open_database() for _ in range(3)]
    done = asyncio.Event()

    def append_and_linger(tx: Tx, new: list[Event], statements: int) -> None:
        events.append(tx, new)
        for _ in range(statements):  # so that transactions end in another order than they took their numbers
            events.last_seq(tx)

    async def append_many(database: Database, name: int) -> None:
        for n in range(25):
            await database.write(append_and_linger, [an_event() for _ in range(1 + n % 3)], (n + name) % 5 * 4)

    async def follow() -> list[Event]:
        followed: list[Event] = []
        while True:
            last = done.is_set()
            found = await db.read(events.after, followed[-1].seq if followed else 0, 7)
            followed += found
            if last and not found:
                return followed

    async def append_all() -> None:
        await asyncio.gather(*(append_many(database, n) for n, database in enumerate([db, *others] * 2)))
        done.set()

    followed, _ = await asyncio.gather(follow(), append_all())

    expected = 8 * sum(1 + n % 3 for n in range(25))
    assert numbers(followed) == list(range(1, expected + 1))


async def test_what_is_read_under_the_lock_is_still_so_when_it_is_recorded(
    db: Database, open_database: Callable[[], Awaitable[Database]]
) -> None:
    other = await open_database()

    def append_if_new(tx: Tx) -> bool:
        events.lock(tx)
        new = not events.after(tx, 0, 1, subject="a1")
        if new:
            events.append(tx, [an_event(subject="a1", timestamp=MORNING)])
        return new

    won = await asyncio.gather(*(database.write(append_if_new) for database in [db, other] * 4))

    assert sum(won) == 1


async def test_a_stretch_ends_with_the_event_that_fills_it_and_says_what_it_holds(db: Database) -> None:
    long = {"id": "a1", "body": "é" * 500}
    new = [an_event(data=long, before=long if number == 2 else None) for number in range(6)]
    await appended(db, *new, an_event(EventType.SOURCE_FAILING))
    articles = [type for type in EventType if type.items == "articles"]
    size = len(b'{"id":"a1","body":""}') + 1000

    async def stretch(seq: int, limit: int = 100, room: int = 3000) -> tuple[list[int], int | None]:
        found, held = await db.read(events.stretch, seq, limit=limit, size=room, types=articles)
        return numbers(found), held

    assert await stretch(0) == ([1, 2, 3], 4 * size)
    assert await stretch(0, room=1) == ([1], size)
    assert await stretch(2, room=1) == ([3], 2 * size)
    assert await stretch(0, limit=2) == ([1, 2], 2 * size)
    assert await stretch(3) == ([4, 5, 6], None)
    assert await stretch(6) == ([], None)
    assert await db.read(events.stretch, 0, limit=100, size=3000, types=[]) == ([], None)
