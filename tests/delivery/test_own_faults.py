"""What this machine cannot do is nothing that a receiver failed at."""

import asyncio
import sys
from pathlib import Path

from support import deliverer_process
from support.deliveries import append, subscribe
from support.delivering import endpoint, eventually

from publisher.delivery.signing import new_secret
from publisher.delivery.strain import LONGEST_REST, Strain
from publisher.model import DeliveryState
from publisher.outbound import Outbound
from publisher.storage import deliveries
from publisher.storage.database import Database
from publisher.storage.sealing import Sealer

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
        await eventually(lambda: db.read(deliveries.depth), {})
        await process.communicate(b"")  # ends its standard input
    assert process.returncode == 0
    shown = [one for each in made for one in await db.read(deliveries.page, each.id, limit=10)]
    await db.close()
    assert [(one.state, one.attempts) for one in shown] == [(DeliveryState.DELIVERED, 1)] * FOLLOWERS


async def test_rests_grow_while_it_lasts_and_are_short_again_after_it() -> None:
    strain = Strain()
    first = [strain.felt("no descriptors") for _ in range(3)]
    assert first[0] >= first[1] >= first[2] > 0
    waits = []
    for _ in range(10):
        strain._until = 0.0  # the rest is over
        waits.append(round(strain.felt("no descriptors"), 3))
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, *[LONGEST_REST] * 5]
    strain.over()
    strain._until = 0.0
    assert round(strain.felt("no descriptors"), 3) == 0.1


async def test_no_more_connections_are_kept_than_may_be() -> None:
    async with endpoint(host="0.0.0.0") as receiver:
        port = receiver.root.rpartition(":")[2]
        outbound = Outbound(allow_private=["127.0.0.0/8:*"], keep=5)
        for number in range(1, 21):
            assert (await outbound.post(f"http://127.0.0.{number}:{port}/", b"{}", {})).status == 204
        assert outbound.idle == 5
        await outbound.close()
