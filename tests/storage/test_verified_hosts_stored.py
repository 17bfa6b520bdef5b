"""How many webhooks there may be, of one owner and at a host that never answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from support.deliveries import subscribe

from publisher.errors import LimitReached
from publisher.model.subscription import endpoint_host
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import hosts, subscriptions
from publisher.storage.subscriptions.hosts import Most

OpenDatabase = Callable[[], Awaitable[Database]]

MOST = Most(of_owner=3, at_unverified_host=2)
URL = "https://receiver.example/{}"


def register(tx: Tx, number: int, owner: str = "reader", host: str = "receiver.example") -> str:
    url = f"https://{host}/{number}"
    events.lock(tx)
    hosts.check_owner(tx, owner, MOST)
    hosts.check_host(tx, url, MOST)
    return subscribe(tx, url=url, owner=owner).id


async def test_an_owner_has_no_more_webhooks_than_the_limit_and_others_have_theirs(db: Database) -> None:
    made = [await db.write(register, n, host=f"h{n}.example") for n in range(3)]
    with pytest.raises(LimitReached, match=r"'reader' has 3 webhooks.*webhooks_per_owner"):
        await db.write(register, 3, host="h3.example")
    await db.write(register, 3, "other", host="h3.example")

    await db.write(subscriptions.disable, made[0])
    with pytest.raises(LimitReached):
        await db.write(register, 4, host="h4.example")
    await db.write(subscriptions.delete, made[0])
    await db.write(register, 4, host="h4.example")


async def test_few_point_at_a_host_that_never_answered_whoever_registers_them(db: Database) -> None:
    await db.write(register, 1, "one")
    await db.write(register, 2, "two", host="RECEIVER.example.")
    with pytest.raises(LimitReached, match=r"receiver\.example.*webhooks_per_unverified_host"):
        await db.write(register, 3, "three")
    await db.write(hosts.verify, {"receiver.example"})
    await db.write(hosts.verify, {"receiver.example", "other.example"})
    await db.write(register, 3, "three")


async def test_a_webhook_that_moves_counts_at_its_new_host(db: Database) -> None:
    moved = [await db.write(register, n, host=f"h{n}.example") for n in range(2)]
    for id_ in moved:
        await db.write(subscriptions.update, id_, url=URL.format(id_))
    with pytest.raises(LimitReached):
        await db.write(register, 3, "two")


async def test_of_several_nodes_that_register_at_once_the_limit_is_kept(
    db: Database, open_database: OpenDatabase
) -> None:
    nodes = [db, await open_database()]
    tried = await asyncio.gather(
        *(nodes[n % 2].write(register, n, host=f"h{n}.example") for n in range(8)), return_exceptions=True
    )
    assert sorted(isinstance(one, LimitReached) for one in tried) == [False] * 3 + [True] * 5


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.example:8443/x", "a.example"),
        ("https://a.example./x", "a.example"),
        ("http://[2001:DB8::1]:80/", "2001:db8::1"),
    ],
)
def test_a_host_is_one_whatever_its_case_port_or_last_dot(url: str, host: str) -> None:
    assert endpoint_host(url) == host
