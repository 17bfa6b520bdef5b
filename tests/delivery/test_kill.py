"""A process that is killed at any moment loses no event and no delivery."""

import asyncio
import sys
from pathlib import Path

from support import deliverer_process
from support.deliveries import NEWS, append
from support.delivering import Endpoint, endpoint, eventually

from publisher.delivery.signing import new_secret
from publisher.model import DeliveryState, Role
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import listing, subscriptions

FOLLOWERS, EVENTS, KILLS = 20, 30, 5


def failing_a_third(number: int) -> int:
    """Of each endpoint's requests: by the number of all, one would by chance fail ten in a row, and be left alone."""
    return (302, 404, 500, 503)[number // 3 % 4] if number % 3 == 1 else 204


async def start(data: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, deliverer_process.__file__, str(data),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"running\n"
    return process


async def killed_again_and_again(data: Path, db: Database, receiver: Endpoint) -> list[int]:
    seqs: list[int] = []
    for kill in range(1, KILLS + 1):
        process = await start(data)
        seqs += [event.seq for event in await append(db, EVENTS // KILLS)]
        await receiver.until(lambda kill=kill: len(receiver.got) >= kill * FOLLOWERS * EVENTS // KILLS // 2)  # type: ignore[misc]
        process.kill()
        await process.communicate()
    return seqs


async def test_killed_five_times_it_still_delivers_everything(sqlite_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    db = await Database.open(sqlite_url, data)
    sealed = Sealer.open(data).seal(new_secret().encode())
    async with endpoint(failing_a_third) as receiver:
        for number in range(FOLLOWERS):
            await db.write(
                subscriptions.create, url=receiver.url(f"/{number}"), filter=NEWS, format="standard",
                description=None, owner="x", sealed_secret=sealed, granted=Role.OPERATOR,
            )  # fmt: skip
        seqs = await killed_again_and_again(data, db, receiver)
        last = await start(data)
        await receiver.until(lambda: len(receiver.taken) == FOLLOWERS * EVENTS)
        # A success that was not recorded before the kill is sent again once its lease has run out.
        await eventually(lambda: db.read(listing.depth), {})
        await last.communicate(b"")  # ends its standard input
        assert last.returncode == 0

    accounts = await db.read(listing.accounting, seqs)
    await db.close()
    assert len(accounts) == EVENTS
    assert all(one.matched == FOLLOWERS for one in accounts)
    assert all(one.states == {DeliveryState.DELIVERED: FOLLOWERS} for one in accounts), accounts
