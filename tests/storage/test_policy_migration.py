"""What an installation has when it meets the columns that say who may see what, and whose host is whose."""

from __future__ import annotations

from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text
from support.deliveries import append, claim, fan_out, settle, subscribe

from publisher.storage.engine import migrate
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import feed_states, matches, subscriptions
from publisher.storage.subscriptions import hosts
from publisher.storage.subscriptions.deliveries import Outcome

BEFORE = (
    "DROP INDEX ix_subscriptions_host",
    "ALTER TABLE subscriptions DROP COLUMN host",
    "ALTER TABLE matches DROP COLUMN summary",
    "ALTER TABLE feed_states DROP COLUMN private",
    "DROP TABLE hosts",
)


def go_back(tx: Tx) -> None:
    for statement in BEFORE:
        tx.conn.execute(text(statement))


def upgrade(tx: Tx) -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    with Operations.context(MigrationContext.configure(tx.conn)):
        scripts.get_revision("0007").module.upgrade()


async def test_hosts_that_took_a_delivery_are_known_and_nothing_is_lost(db: Database) -> None:
    await db.write(
        lambda tx: tx.conn.execute(feed_states.insert().values(name="n", digest="d", version=3, changed_at=1))
    )
    await db.write(subscribe, url="https://Taken.example:8443/hook")
    await db.write(subscribe, url="https://never.example/hook")
    await append(db)
    await fan_out(db)
    for one in (await claim(db)).deliveries:
        taken = "Taken" in one.url
        await db.write(settle, [Outcome(one.id, one.lease, "delivered" if taken else "dead")])

    await db.write(go_back)
    await db.write(upgrade)

    found = await db.read(lambda tx: tx.conn.execute(select(subscriptions.c.host).order_by("n")).scalars().all())
    assert found == ["taken.example", "never.example"]
    assert [await db.read(hosts.is_verified, host) for host in found] == [True, False]
    assert await db.read(lambda tx: tx.conn.execute(select(matches.c.summary)).scalars().all()) == [False]
    kept = await db.read(lambda tx: tx.conn.execute(select(feed_states)).one())
    assert (kept.version, kept.private) == (3, False)
