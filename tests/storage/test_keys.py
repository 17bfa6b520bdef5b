import hashlib

import pytest
from support.clock import ManualClock

from publisher.errors import NotFound
from publisher.model import Role
from publisher.storage.access import keys
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import keys as table


async def test_a_secret_opens_the_key_it_was_made_for(db: Database, clock: ManualClock) -> None:
    key, secret = await db.write(keys.create, Role.EDITOR, "desk@news.example")
    other, _ = await db.write(keys.create, Role.SUBSCRIBER, "reader")

    assert await db.read(keys.find, secret) == key
    assert (key.role, key.owner, key.created_at, key.revoked_at) == (Role.EDITOR, "desk@news.example", clock(), None)
    assert {one.id for one in await db.read(keys.list_)} == {key.id, other.id}


async def test_a_secret_has_256_random_bits_and_begins_with_the_prefix_that_is_shown(db: Database) -> None:
    key, secret = await db.write(keys.create, Role.OPERATOR, "ops")

    assert secret.startswith("pk_")
    assert len(secret) >= 3 + 43  # 32 bytes in base64
    assert secret.startswith(key.prefix)
    assert len(key.prefix) <= 8


def rows(tx: Tx) -> list[tuple[object, ...]]:
    return [tuple(row) for row in tx.conn.execute(table.select())]


async def test_only_a_hash_of_a_secret_is_stored(db: Database) -> None:
    _, secret = await db.write(keys.create, Role.OPERATOR, "ops")

    stored = str(await db.read(rows))

    assert secret[8:] not in stored
    assert hashlib.sha256(secret.encode()).hexdigest() in stored


async def test_what_is_no_secret_opens_nothing(db: Database) -> None:
    key, secret = await db.write(keys.create, Role.OPERATOR, "ops")

    for wrong in ("", "pk_", secret[:-1], secret + "x", key.id, key.prefix, secret.swapcase(), "\udcff"):
        assert await db.read(keys.find, wrong) is None


async def test_a_revoked_key_opens_nothing_and_stays_in_the_list(db: Database, clock: ManualClock) -> None:
    key, secret = await db.write(keys.create, Role.OPERATOR, "ops")
    clock.advance(5)
    await db.write(keys.revoke, key.id)

    assert await db.read(keys.find, secret) is None
    [listed] = await db.read(keys.list_)
    assert (listed.id, listed.revoked_at) == (key.id, clock())


async def test_a_rotated_key_keeps_its_id_role_and_owner_and_only_the_new_secret_opens_it(db: Database) -> None:
    key, old = await db.write(keys.create, Role.EDITOR, "desk")
    rotated, new = await db.write(keys.rotate, key.id)

    assert await db.read(keys.find, old) is None
    assert await db.read(keys.find, new) == rotated
    assert (rotated.id, rotated.role, rotated.owner) == (key.id, Role.EDITOR, "desk")
    assert new.startswith(rotated.prefix)


async def test_a_key_that_is_not_in_force_can_be_neither_revoked_nor_rotated(db: Database) -> None:
    key, _ = await db.write(keys.create, Role.EDITOR, "desk")
    await db.write(keys.revoke, key.id)

    for id in (key.id, "key_none"):
        with pytest.raises(NotFound, match="no key in force"):
            await db.write(keys.revoke, id)
        with pytest.raises(NotFound, match="no key in force"):
            await db.write(keys.rotate, id)
