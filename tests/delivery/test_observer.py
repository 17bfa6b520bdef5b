from datetime import timedelta

from support.deliveries import append, states
from support.delivering import Bench, endpoint, eventually

from publisher.model import DeliveryState


async def test_the_observer_is_told_of_each_attempt_and_how_old_the_event_was_when_it_arrived(bench: Bench) -> None:
    seen: list[tuple[int | None, float | None]] = []

    def observe(status: int | None, age: float | None) -> None:
        seen.append((status, age))

    async with endpoint(lambda n: (503, 204)[n]) as receiver:
        subscription = await bench.subscribe(receiver.url())
        [event] = await append(bench.db)
        sent_at = event.timestamp + timedelta(seconds=90)
        async with bench.running(observe=observe, now=lambda: sent_at):
            await eventually(lambda: states(bench.db, subscription), [DeliveryState.DELIVERED])
    (first, second) = seen
    assert first == (503, None)
    assert second[0] == 204
    assert second[1] is not None
    assert second[1] >= 90


async def test_an_observer_that_fails_costs_no_delivery(bench: Bench) -> None:
    def observe(_status: int | None, _age: float | None) -> None:
        raise RuntimeError("no room left for another label")

    async with endpoint() as receiver:
        subscription = await bench.subscribe(receiver.url())
        async with bench.running(observe=observe):
            await append(bench.db)
            await eventually(lambda: states(bench.db, subscription), [DeliveryState.DELIVERED])
    assert len(receiver.got) == 1
