"""The end of the log in memory: one reading for all who follow, and nothing that was erased."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from support.items import an_event, article_change
from support.statements import counting

from publisher.model import EventType
from publisher.storage.configuration import installation
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import record
from publisher.storage.log import events
from publisher.storage.log.tail import OVERHEAD, STEP_EVENTS, Stretch, Tail

OpenDatabase = Callable[[], Awaitable[Database]]


async def append(db: Database, *subjects: str, **data: str) -> None:
    await db.write(events.append, [an_event(subject=one, data={"id": one, **data}) for one in subjects])


async def after(tail: Tail, seq: int, limit: int = 100, **more: int) -> list[int]:
    return [entry.seq for entry in (await tail.after(seq, limit=limit, **more)).entries]


async def test_what_is_new_is_read_once_however_many_follow(db: Database) -> None:
    await append(db, "a1")
    tail = Tail(db)
    waiting = [asyncio.create_task(tail.grown(1)) for _ in range(1000)]
    await asyncio.sleep(0)
    if db._listener is not None:
        await asyncio.wait_for(db._listener.listening.wait(), 60)
    with counting(db) as idle:
        for _ in range(3):
            await db.refresh()
    assert len(idle) == 3  # as with nobody waiting
    await append(db, "a2", "a3")
    await asyncio.gather(*waiting)
    with counting(db) as sent:
        found = await asyncio.gather(*(after(tail, 1) for _ in range(1000)))
    assert found == [[2, 3]] * 1000
    assert len([one for one, _ in sent if "FROM events" in one]) == 1
    with counting(db) as sent:
        assert (await after(tail, 2), await after(tail, 3)) == ([3], [])
    assert sent == []


async def test_an_event_is_encoded_once_for_all_who_see_the_same_of_it(db: Database) -> None:
    tail = Tail(db)
    await append(db, "a1")
    [one], [other] = [(await tail.after(0, limit=9)).entries for _ in range(2)]
    made = [
        one.encoded("anyone", lambda event: event.id.encode()),
        other.encoded("anyone", lambda _: pytest.fail("anew")),
    ]
    assert made[0] is made[1]
    assert one.encoded("editors", lambda _: b"more") == b"more"


async def test_an_event_is_judged_once_by_the_same_definitions_and_anew_by_others(db: Database) -> None:
    tail = Tail(db)
    await append(db, "a1")
    [one], [other] = [(await tail.after(0, limit=9)).entries for _ in range(2)]
    definitions, others = object(), object()
    assert one.judged(definitions, lambda event: [event.seq]) == [1]
    assert other.judged(definitions, lambda _: pytest.fail("anew")) == [1]
    assert one.judged(others, lambda _: []) == []


async def test_who_is_further_behind_than_what_is_held_reads_the_database(db: Database) -> None:
    await append(db, "before")
    tail = Tail(db, most=2)
    assert await after(tail, 1) == []
    await append(db, "a2", "a3")
    assert await after(tail, 1) == [2, 3]
    await append(db, "a4")
    assert (await after(tail, 3), tail.held[0]) == ([4], 2)
    with counting(db) as sent:
        assert await after(tail, 2) == [3, 4]
    assert sent == []
    with counting(db) as sent:
        assert [await after(tail, seq) for seq in (0, 1)] == [[1, 2, 3, 4], [2, 3, 4]]
    assert len([one for one, _ in sent if "FROM events" in one]) == 2


async def test_it_holds_no_more_than_its_bytes(db: Database) -> None:
    tail = Tail(db, capacity=4 * OVERHEAD + 3 * 4_000)
    for number in range(8):
        await append(db, f"a{number}", body="x" * 1_000)
        assert await after(tail, number) == [number + 1]
    assert tail.held[0] == 3
    assert 3 * 3_000 < tail.held[1] <= 4 * OVERHEAD + 3 * 4_000
    await append(db, "large", body="x" * 100_000)
    assert (await after(tail, 8), tail.held) == ([9], (0, 0))
    await append(db, "a9")
    assert (await after(tail, 9), await after(tail, 8)) == ([10], [9, 10])


async def test_after_more_than_it_could_hold_it_begins_anew_at_the_end(db: Database) -> None:
    tail = Tail(db, most=3)
    await append(db, *(f"a{number}" for number in range(5)))
    assert (await after(tail, 0), tail.held[0]) == ([1, 2, 3, 4, 5], 0)
    await append(db, "last")
    with counting(db) as sent:
        assert (await after(tail, 5), await after(tail, 5)) == ([6], [6])
    assert len([one for one, _ in sent if "FROM events" in one]) == 1


async def test_a_stretch_keeps_to_its_bounds_and_says_how_far_it_was_looked(db: Database) -> None:
    tail, far = Tail(db), Tail(db, most=0)
    new = [an_event(EventType.SOURCE_FAILING if n % 2 else EventType.ARTICLE_PUBLISHED, f"a{n}") for n in range(1, 8)]
    await db.write(events.append, new)
    articles = [EventType.ARTICLE_PUBLISHED]

    def told(found: Stretch) -> tuple[list[int], int, bool]:
        return [entry.seq for entry in found.entries], found.reached, found.ends

    for one in (tail, far):  # from memory, and from the database
        assert told(await one.after(0, limit=2)) == ([1, 2], 2, False)
        assert told(await one.after(0, limit=2, types=articles)) == ([2, 4], 4, False)
        assert told(await one.after(4, limit=9, types=articles)) == ([6], 7, True)
        assert told(await one.after(0, limit=9, size=1)) == ([1], 1, False)
        assert told(await one.after(7, limit=9)) == ([], 7, True)
    assert (tail.held[0], far.held[0]) == (7, 0)


async def test_who_is_at_the_end_needs_nothing_of_what_was_not_read_yet(db: Database) -> None:
    tail = Tail(db)
    await append(db, "a1", "a2")
    with counting(db) as sent:
        found = await tail.after(2, limit=9)
    assert (found.entries, found.reached, found.ends, sent) == ([], 2, True, [])


async def test_a_long_stretch_is_read_step_by_step(db: Database) -> None:
    tail = Tail(db)
    await db.write(events.append, [an_event() for _ in range(STEP_EVENTS + 5)])
    first = await tail.after(0, limit=10_000)
    assert (len(first.entries), first.ends) == (STEP_EVENTS, False)
    assert await after(tail, first.reached, 10_000) == [STEP_EVENTS + n for n in range(1, 6)]


def publish(tx: Tx, id: str) -> None:
    record.record(tx, articles=[article_change(id)], events=[an_event(subject=id, data={"id": id, "title": "kopi"})])


async def contents(tail: Tail) -> list[object]:
    return [entry.event.data for entry in (await tail.after(0, limit=9)).entries]


GONE = {"id": "a1", "erased": True}
KEPT = {"id": "a2", "title": "kopi"}


async def test_what_is_erased_is_gone_from_it_before_the_erasing_returns(db: Database) -> None:
    tail = Tail(db)
    await db.write(publish, "a1")
    await db.write(publish, "a2")
    assert (await contents(tail), tail.held[0]) == ([{"id": "a1", "title": "kopi"}, KEPT], 2)
    await db.write(events.erase, "a1")
    assert await contents(tail) == [GONE, KEPT]


async def test_what_another_process_erased_is_gone_with_the_next_look(
    db: Database, open_database: OpenDatabase
) -> None:
    tail, other = Tail(db), await open_database()
    await db.write(publish, "a1")
    assert (await contents(tail), tail.held[0]) == ([{"id": "a1", "title": "kopi"}], 1)
    await other.write(events.erase, "a1")
    await db.refresh()
    assert await contents(tail) == [GONE]


async def test_what_was_read_while_it_was_being_erased_is_not_kept(db: Database) -> None:
    tail = Tail(db)
    await db.write(publish, "a1")
    await asyncio.gather(contents(tail), db.write(events.erase, "a1"), contents(tail))
    assert await contents(tail) == [GONE]


async def test_an_erasure_that_is_undone_changes_nothing(db: Database) -> None:
    await db.write(publish, "a1")
    epoch = db.epoch

    def fail(tx: Tx) -> None:
        events.erase(tx, "a1")
        raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        await db.write(fail)
    await db.refresh()
    assert db.epoch == epoch


async def test_who_waits_is_woken_by_another_log_also_where_its_numbers_are_lower(db: Database) -> None:
    await append(db, "a1")
    tail = Tail(db)
    waiting = asyncio.create_task(tail.grown(100))
    await asyncio.sleep(0)
    await db.write(installation.renew)
    assert await waiting == 1
    assert await after(tail, 0) == [1]
