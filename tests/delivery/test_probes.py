"""An endpoint whose circuit is open is probed again, whatever became of the probe before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from support.answering import FAILED, Answered, Answering, Fault
from support.deliveries import append, fan_out, states, subscribe
from support.delivering import eventually

from publisher.delivery.endpoints.circuit import OPENS_AFTER, PACE
from publisher.delivery.probing import FAULT_SECONDS, PROBES, PROBES_AT_HOST
from publisher.delivery.sender import FRESH_SECONDS
from publisher.model import DeliveryState, Event
from publisher.outbound import PostResult
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import subscriptions as table
from publisher.storage.subscriptions import deliveries, queue, subscriptions

URL = "https://receiver.example/hook"


async def opened(db: Database, answering: Answering) -> tuple[Answered, list[Event]]:
    """A sender that knows an endpoint as failing, at which twelve events wait."""
    sent = await append(db, 12)
    await fan_out(db)
    ours = answering(db)
    await ours.look()
    ours.answer_all(FAILED)
    await ours.settle()
    assert ours.line().endpoint.circuit.open
    return ours, sent


def on_record_as_failing(tx: Tx) -> None:
    tx.conn.execute(table.update().values(failures=OPENS_AFTER))


async def test_an_endpoint_is_probed_although_its_probe_could_not_be_taken_once(
    sqlite_db: Database, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sqlite_db.write(subscribe)
    ours, _ = await opened(sqlite_db, answering)
    circuit = ours.line().endpoint.circuit
    fault = Fault(monkeypatch, queue, "probe")

    async def failed() -> bool:
        return fault.met and not circuit.probing

    ours.machine.passes(2 * PACE[-1])
    async with ours.running():
        await eventually(failed, True)
        ours.machine.passes(2 * PACE[-1])
        ours.sender.wake()
        await eventually(ours.count, 11)


async def blamed_on_this_machine(db: Database, ours: Answered, sent: list[Event]) -> None:
    await ours.probe()
    ours.open[0].answer(PostResult(None, "no descriptors", ours=True))


async def not_signed(db: Database, ours: Answered, sent: list[Event]) -> None:
    ours.client.sealed = True
    await ours.probe()
    assert ours.sender.sealed
    ours.client.sealed = False


async def erased(db: Database, ours: Answered, sent: list[Event]) -> None:
    await ours.probe()
    [probe] = ours.open
    await db.write(deliveries.cancel_erased, [event.seq for event in sent if event.id == probe.id])
    await ours.look()
    assert not probe.connect()


@pytest.mark.parametrize("ended", [blamed_on_this_machine, not_signed, erased])
async def test_an_endpoint_is_probed_again_after_a_probe_that_told_nothing(
    sqlite_db: Database, answering: Answering, ended: Callable[[Database, Answered, list[Event]], Awaitable[None]]
) -> None:
    await sqlite_db.write(subscribe)
    ours, sent = await opened(sqlite_db, answering)
    await ended(sqlite_db, ours, sent)
    assert ours.open == []
    before = len(ours.sent)
    await ours.probe()
    assert len(ours.sent) == before + 1


async def test_a_probe_that_was_held_back_is_made_again_at_once(sqlite_db: Database, answering: Answering) -> None:
    await sqlite_db.write(subscribe)
    ours, _ = await opened(sqlite_db, answering)
    await ours.probe()
    [probe] = ours.open
    ours.machine.passes(FRESH_SECONDS + 0.1)
    assert not probe.connect()
    await ours.look(after=FAULT_SECONDS)
    assert [one.connect() for one in ours.open] == [True]


async def test_what_a_killed_process_held_is_probed_with_once_its_lease_is_over(
    sqlite_db: Database, answering: Answering
) -> None:
    def killed(tx: Tx) -> None:
        queue.take_of(tx, [1], 1, lease="another.1", seconds=PACE[-1])
        on_record_as_failing(tx)

    await sqlite_db.write(subscribe)
    await append(sqlite_db)
    await fan_out(sqlite_db)
    await sqlite_db.write(killed)
    ours = answering(sqlite_db)
    await ours.look(2)
    assert ours.sent == []
    await ours.probe()
    assert len(ours.sent) == 1


async def test_a_probe_that_fails_after_its_webhook_went_elsewhere_ends_at_the_endpoint_that_it_went_to(
    sqlite_db: Database, answering: Answering
) -> None:
    both = [await sqlite_db.write(subscribe) for _ in range(2)]
    ours, _ = await opened(sqlite_db, answering)
    await ours.probe()
    [item], [probe] = ours.sender._held.sending, ours.open
    assert probe.connect()
    moved = both[item.line.n - 1]
    await sqlite_db.write(subscriptions.update, moved.id, url="https://other.example/hook")
    await ours.look()
    probe.answer(FAILED)
    before = to(ours, URL)
    await ours.probe()
    assert to(ours, URL) == before + 1


def to(ours: Answered, url: str) -> int:
    return sum(one.url == url for one in ours.sent)


async def test_a_circuit_that_one_webhook_s_new_url_closes_lets_the_others_at_the_endpoint_go_on(
    sqlite_db: Database, answering: Answering
) -> None:
    first = await sqlite_db.write(subscribe)
    ours, sent = await opened(sqlite_db, answering)
    await ours.look()
    second = await sqlite_db.write(subscribe, "russia")
    await append(sqlite_db)
    await fan_out(sqlite_db, feeds=("russia",))
    await sqlite_db.write(subscriptions.update, second.id, url=URL)  # as it was: nothing was tried for it there
    for _ in range(8):
        await ours.look()
        ours.answer_all()
    await ours.settle()
    assert await states(sqlite_db, first) == [DeliveryState.DELIVERED] * len(sent)


@pytest.mark.parametrize(
    ("url", "most"),
    [("https://receiver.example/{}", PROBES_AT_HOST), ("https://{}.example/hook", PROBES)],
    ids=["at one host", "in all"],
)
async def test_no_more_probes_are_under_way_than_may_be_and_each_endpoint_gets_its_own(
    sqlite_db: Database, answering: Answering, url: str, most: int
) -> None:
    count = 2 * most + 1
    for n in range(count):
        await sqlite_db.write(subscribe, url=url.format(n))
    await append(sqlite_db)
    await fan_out(sqlite_db)
    await sqlite_db.write(on_record_as_failing)
    ours = answering(sqlite_db)
    for under_way in (most, most, 1):
        await ours.look(2)
        assert len(ours.open) == under_way
        ours.answer_all(FAILED)
    assert len({one.url for one in ours.sent}) == count
