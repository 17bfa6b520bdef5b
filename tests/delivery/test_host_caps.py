"""One host is not flooded, however many endpoints lie at it, and loses nothing by it."""

from pathlib import Path

from support.clock import ManualClock
from support.deliveries import append
from support.delivering import Bench, endpoint, eventually

from publisher.delivery.endpoints.caps import HostCaps
from publisher.model import DeliveryState
from publisher.outbound import Outbound
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import deliveries

URL = "https://receiver.example/hook"


async def test_many_endpoints_at_one_host_get_no_more_at_once_than_it_may(sqlite_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    db = await Database.open(sqlite_url, data)
    outbound = Outbound(allow_private=["127.0.0.0/8:*"])
    bench = Bench(db, outbound, Sealer.open(data), ManualClock())
    async with endpoint() as receiver, endpoint(host="127.0.0.2") as other:
        made = [await bench.subscribe(receiver.url("/held")) for _ in range(40)]
        made.append(await bench.subscribe(other.url().replace("127.0.0.1", "127.0.0.2")))
        async with bench.running(per_host=8, slots=40):
            await append(db, 2)
            await other.until(lambda: len(other.got) == 2)  # the host that is full holds up no other
            await receiver.until(lambda: receiver.held == 8)
            assert receiver.most_held == 8
            receiver.release.set()
            await receiver.until(lambda: len(receiver.got) == 80)
            await eventually(lambda: db.read(deliveries.depth), {})
    shown = [one for each in made for one in await db.read(deliveries.page, each.id, limit=10)]
    await outbound.close()
    await db.close()
    assert [(one.state, one.attempts) for one in shown] == [(DeliveryState.DELIVERED, 1)] * 82


def test_those_who_find_a_host_full_come_back_one_after_the_other_as_it_answers() -> None:
    hosts = HostCaps(lambda: 100.0, per_host=4)
    assert [hosts.begin(n, URL) for n in range(4)] == [None] * 4
    hosts.took(URL, 0.4, taken=True)
    turns = [hosts.begin(n, URL) for n in range(4, 8)]
    assert [round(turn or 0, 3) for turn in turns] == [0.1, 0.2, 0.3, 0.4]


def test_the_endpoints_of_a_full_host_are_busy_until_a_quarter_of_its_places_is_free() -> None:
    hosts = HostCaps(lambda: 100.0, per_host=4)
    for n in range(5):
        hosts.begin(n, f"https://receiver.example:{8000 + n}/hook")  # a port makes no other machine
    hosts.begin(9, "https://elsewhere.example/")
    assert hosts.busy == [0, 1, 2, 3, 4]
    assert hosts.end(URL) is True
    assert hosts.busy == []
    assert hosts.end(URL) is False


def test_a_host_that_takes_what_it_is_sent_and_is_quick_is_not_held_to_the_bound_until_it_is_not() -> None:
    hosts = HostCaps(lambda: 100.0, per_host=1)
    assert hosts.begin(1, URL) is None
    hosts.took(URL, 0.01, taken=True)
    assert [hosts.begin(n, URL) for n in range(2, 5)] == [None] * 3
    hosts.took(URL, 0.01, taken=False)
    assert hosts.begin(5, URL) is not None
    hosts.took(URL, 0.01, taken=True)
    assert hosts.begin(6, URL) is None
    hosts.took(URL, 5.0, taken=True)
    assert hosts.begin(7, URL) is not None


def test_a_host_is_one_however_many_dots_stand_after_it() -> None:
    hosts = HostCaps(lambda: 100.0, per_host=1)
    assert hosts.begin(1, "https://hook.example/a") is None
    assert hosts.begin(2, "https://HOOK.example../b") is not None
