"""How webhooks are doing, as their deliveries and attempts tell."""

from typing import Any

from support.clock import ManualClock
from support.deliveries import append, claim, fan_out, subscribe
from support.statements import counting

from publisher.storage import deliveries
from publisher.storage.database import Database
from publisher.storage.deliveries import Claimed, Outcome
from publisher.storage.webhook_health import WebhookHealth, health


def tried(one: Claimed, clock: ManualClock, state: Any, status: int | None = None, error: str | None = None) -> Outcome:
    wait = 0.0 if state == "retrying" else None
    return Outcome(one.id, one.lease, state, wait, one.number, clock(), 7, status, error)


async def attempt(db: Database, clock: ManualClock, state: Any, **more: Any) -> None:
    """One attempt of all that is due."""
    taken = await claim(db, lease=f"lease {clock.advance(1)}")
    await db.write(deliveries.settle, [tried(one, clock, state, **more) for one in taken.deliveries])


async def event(db: Database) -> None:
    await append(db)
    await fan_out(db)


async def test_a_webhook_that_takes_what_it_is_sent_is_not_among_the_failing(db: Database, clock: ManualClock) -> None:
    webhook = await db.write(subscribe)
    assert await db.read(health, [webhook.id]) == {}
    await event(db)
    await attempt(db, clock, "delivered", status=204)
    assert await db.read(health, [webhook.id]) == {}


async def test_attempts_in_a_row_are_counted_with_the_last_error_and_a_success_ends_the_row(
    db: Database, clock: ManualClock
) -> None:
    webhook = await db.write(subscribe)
    await event(db)
    await attempt(db, clock, "delivered", status=204)
    await event(db)
    await attempt(db, clock, "retrying", status=500)
    assert await db.read(health, [webhook.id]) == {webhook.id: WebhookHealth(1, "answered 500", clock())}
    await event(db)
    await attempt(db, clock, "retrying", error="connection refused")
    assert await db.read(health, [webhook.id]) == {webhook.id: WebhookHealth(3, "connection refused", clock())}
    await attempt(db, clock, "delivered", status=204)
    assert await db.read(health, [webhook.id]) == {}


async def test_what_one_webhook_does_is_not_held_against_another(db: Database, clock: ManualClock) -> None:
    failing, well = await db.write(subscribe), await db.write(subscribe)
    await event(db)
    taken = await claim(db)
    states = {failing.id: ("dead", 410), well.id: ("delivered", 200)}
    await db.write(
        deliveries.settle,
        [tried(one, clock, states[one.webhook][0], status=states[one.webhook][1]) for one in taken.deliveries],
    )
    found = await db.read(health, [failing.id, well.id])
    assert found == {failing.id: WebhookHealth(1, "answered 410", clock())}


async def test_however_many_webhooks_there_are_it_is_one_statement(db: Database) -> None:
    made = [(await db.write(subscribe)).id for _ in range(20)]
    with counting(db) as few:
        await db.read(health, made[:1])
    with counting(db) as many:
        await db.read(health, made)
    assert len(many) == len(few)
