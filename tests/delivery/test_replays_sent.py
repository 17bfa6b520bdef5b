"""Replays are sent beside what happens meanwhile, and a kill loses and doubles nothing."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from support.again import replay, runs
from support.deliveries import NEWS, append
from support.delivering import Bench, endpoint, eventually
from support.rights import adds_up, publish
from test_kill import start

from publisher.delivery.followers import resending
from publisher.delivery.signing import new_secret
from publisher.model import Options, Role
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import replays, subscriptions

EVENTS = 40


async def test_a_replay_goes_on_beside_what_happens_meanwhile(any_bench: Bench) -> None:
    """With the event's id, its bytes, and new signatures."""
    bench, db = any_bench, any_bench.db
    async with endpoint() as receiver, bench.running():
        webhook = await bench.subscribe(receiver.url(), together=True)
        before = [await publish(db, "kopi") for _ in range(5)]
        await receiver.until(lambda: len(receiver.got) == 5)
        made = await replay(db, webhook, since=before[1], rate=5)
        live = [await publish(db, "kopi") for _ in range(3)]

        async def state() -> str:
            return (await db.read(replays.existing, webhook.id, made.id)).state.value

        await eventually(state, "done")
        await receiver.until(lambda: len(receiver.got) == 12)
    seqs = Counter(json.loads(one.body)["seq"] for one in receiver.got)
    assert seqs == Counter(before + live + before[1:])
    bodies = {one.id: one.body for one in receiver.got}
    assert all(bodies[one.id] == one.body for one in receiver.got)
    assert await runs(db) == [(seq, 1, "delivered") for seq in before[1:]]
    await adds_up(db)


async def test_a_delivery_that_waits_for_its_schedule_is_sent_at_once(any_bench: Bench) -> None:
    bench, db = any_bench, any_bench.db
    async with endpoint(lambda n: 500 if n == 0 else 204) as receiver, bench.running(schedule=[3600.0]):
        webhook = await bench.subscribe(receiver.url(), together=True)
        await publish(db, "kopi")
        await receiver.until(lambda: len(receiver.got) == 1)

        async def waits() -> bool:
            return bool((await db.read(subscriptions.existing, webhook.id)).failures)

        await eventually(waits, True)
        assert (await db.write(resending.retry, webhook.id, "1.0")).id == "1.0"
        await receiver.until(lambda: len(receiver.got) == 2)
    assert len({one.id for one in receiver.got}) == 1
    assert await runs(db) == []


@pytest.mark.parametrize("options", [Options(), Options(ordered=True)], ids=["as it comes", "in order"])
async def test_killed_again_and_again_it_still_sends_all_of_a_replay(
    sqlite_url: str, tmp_path: Path, options: Options
) -> None:
    data = tmp_path / "data"
    db = await Database.open(sqlite_url, data)
    sealed = Sealer.open(data).seal(new_secret().encode())
    async with endpoint() as receiver:
        webhook = await db.write(
            subscriptions.create, url=receiver.url(), filter=NEWS, format="standard", description=None, owner="x",
            sealed_secret=sealed, granted=Role.OPERATOR, options=options,
        )  # fmt: skip
        await append(db, EVENTS)
        process = await start(data)
        await receiver.until(lambda: len(receiver.taken) == EVENTS)
        made = await replay(db, webhook, rate=40)
        for kill in (1, 2, 3):
            await receiver.until(lambda kill=kill: len(receiver.got) >= EVENTS + kill * EVENTS // 4)  # type: ignore[misc]
            process.kill()
            await process.communicate()
            process = await start(data)

        async def state() -> str:
            return (await db.read(replays.existing, webhook.id, made.id)).state.value

        await eventually(state, "done")
        await process.communicate(b"")
    done = await db.read(replays.existing, webhook.id, made.id)
    assert (done.matched, done.sent, done.delivered) == (EVENTS, EVENTS, EVENTS)
    assert await runs(db) == [(seq, 1, "delivered") for seq in range(1, EVENTS + 1)]
    assert {count >= 2 for count in Counter(one.id for one in receiver.got).values()} == {True}
    if options.ordered:  # each process goes on where what is on record ends, and from there in order
        sent = [json.loads(one.body)["seq"] for one in receiver.got]
        back = sum(later < earlier for earlier, later in pairwise(sent))
        assert sent[:EVENTS] == sorted(sent[:EVENTS]) and back <= 1 + 3
    await adds_up(db)
    await db.close()
