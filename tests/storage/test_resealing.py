"""Changing the key that seals: crash-safe at every step, beside a service that goes on, and without a rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select
from support.deliveries import subscribe

from publisher.errors import SecretError
from publisher.storage import resealing
from publisher.storage.access import idempotency, keyfile
from publisher.storage.access.idempotency import Answer, Slot
from publisher.storage.access.keyfile import KEY_FILE
from publisher.storage.access.sealing import Sealer, key_id_of
from publisher.storage.configuration import installation
from publisher.storage.engine.database import Database, Tx
from publisher.storage.engine.tables import idempotency as answers
from publisher.storage.engine.tables import subscriptions
from publisher.storage.subscriptions.subscriptions import delete

SLOT = Slot("desk", "POST", "/api/v1/webhooks", "k", "d")


def sealed_values(tx: Tx) -> list[bytes]:
    secrets = tx.conn.execute(select(subscriptions.c.secret).order_by(subscriptions.c.n)).scalars()
    bodies = tx.conn.execute(select(answers.c.body).where(answers.c.sealed)).scalars()
    return [bytes(one) for one in (*secrets, *bodies)]


async def filled(db: Database, data: Path, count: int = 5) -> Sealer:
    """Webhooks, one of them deleted, and an answer that holds a secret."""
    sealer = Sealer.open(data)

    def fill(tx: Tx) -> None:
        installation.claim(tx, sealer.proof())
        for number in range(count):
            made = subscribe(tx, sealed_secret=sealer.seal(f"secret {number}".encode()))
        delete(tx, made.id)
        idempotency.begin(tx, SLOT)
        idempotency.finish(tx, SLOT, Answer(201, {}, sealer.seal(b"answer"), sealed=True))

    await db.write(fill)
    return sealer


async def opened(db: Database, data: Path) -> list[bytes]:
    """What a process opens that is started now, by its proof too."""
    found = await db.read(installation.standing)
    sealer = Sealer.open(data, proof=found.proof, sealed=found.secrets)
    return [sealer.unseal(one) for one in await db.read(sealed_values)]


EVERYTHING = [f"secret {number}".encode() for number in range(5)] + [b"answer"]


async def test_everything_is_sealed_anew_and_the_old_key_opens_nothing(db: Database, tmp_path: Path) -> None:
    data = tmp_path / "keys"
    await filled(db, data)
    old = Sealer(keyfile.read(data / KEY_FILE))
    keyfile.announce(data / KEY_FILE)
    new = keyfile.promote(data / KEY_FILE)
    sealer = Sealer.open(data)
    assert await resealing.reseal(db, sealer) == 6
    assert keyfile.keep_only(data / KEY_FILE, new) == [old.sealing]
    assert await opened(db, data) == EVERYTHING
    for one in await db.read(sealed_values):
        assert key_id_of(one) == new
        with pytest.raises(SecretError):
            old.unseal(one)
    assert await resealing.reseal(db, sealer) == 0


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", range(6))
async def test_killed_after_any_step_it_is_whole_and_goes_on(
    db: Database, tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "BATCH", 2)
    data, steps = tmp_path / "keys", iter(range(100))
    path = data / KEY_FILE
    await filled(db, data)

    def step(_what: str = "") -> None:
        if next(steps) == at:
            raise Killed

    async def change() -> None:
        if len(keyfile.read(path)) == 1 or keyfile.announced(path) is not None:
            keyfile.announce(path)
        step()
        keyfile.promote(path)
        step()
        sealer = Sealer.open(data)
        await resealing.reseal(db, sealer, step)
        keyfile.keep_only(path, sealer.sealing)

    with pytest.raises(Killed):
        await change()
    assert await opened(db, data) == EVERYTHING
    await change()
    assert await opened(db, data) == EVERYTHING
    assert len(keyfile.read(path)) == 1


async def test_a_service_that_runs_meanwhile_opens_what_is_new_and_seals_by_the_new_key(
    db: Database, tmp_path: Path
) -> None:
    data = tmp_path / "keys"
    service = await filled(db, data)
    new = keyfile.announce(data / KEY_FILE)
    assert key_id_of(service.seal(b"x")) != new  # others may not have it yet
    keyfile.promote(data / KEY_FILE)

    def register(tx: Tx) -> None:
        subscribe(tx, sealed_secret=service.seal(b"meanwhile"))

    await db.write(register)
    await resealing.reseal(db, Sealer.open(data))
    keyfile.keep_only(data / KEY_FILE, new)
    await db.write(register)
    assert [service.unseal(one) for one in await db.read(sealed_values)][:5] == EVERYTHING[:5]
    assert sorted(await opened(db, data)) == sorted([*EVERYTHING, b"meanwhile", b"meanwhile"])


async def test_what_was_sealed_before_and_is_stored_late_is_not_missed(db: Database, tmp_path: Path) -> None:
    data = tmp_path / "keys"
    service = await filled(db, data)
    late = service.seal(b"late")  # by the old key
    keyfile.announce(data / KEY_FILE)
    keyfile.promote(data / KEY_FILE)

    def stored_meanwhile(what: str) -> None:
        steps.append(what)

    steps: list[str] = []
    sealer = Sealer.open(data)
    await db.write(lambda tx: subscribe(tx, sealed_secret=late))
    await resealing.reseal(db, sealer, stored_meanwhile)
    keyfile.keep_only(data / KEY_FILE, sealer.sealing)
    assert b"late" in await opened(db, data)
    assert steps[-1] == "secrets"


async def test_what_opens_with_no_key_at_hand_stops_it_and_the_old_key_stays(db: Database, tmp_path: Path) -> None:
    data = tmp_path / "keys"
    await filled(db, data)
    stranger = Sealer.open(tmp_path / "another")
    await db.write(lambda tx: subscribe(tx, sealed_secret=stranger.seal(b"x")))
    keyfile.announce(data / KEY_FILE)
    keyfile.promote(data / KEY_FILE)
    with pytest.raises(SecretError, match="put that line back"):
        await resealing.reseal(db, Sealer.open(data))
    assert len(keyfile.read(data / KEY_FILE)) == 2


def test_the_file_is_the_one_before_or_the_one_after_however_it_is_cut(tmp_path: Path) -> None:
    Sealer.open(tmp_path)
    path = tmp_path / KEY_FILE
    before = keyfile.read(path)
    code = f"""
import os, pathlib
from publisher.storage.access import keyfile
pathlib.Path.replace = lambda *_: os._exit(9)
keyfile.announce(pathlib.Path({str(path)!r}))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert keyfile.read(path) == before
    new = keyfile.announce(path)
    assert keyfile.announce(path) == new == keyfile.announced(path)
    assert list(keyfile.read(path)) == [*before, new]
    assert keyfile.promote(path) == new and keyfile.announced(path) is None
    assert list(keyfile.read(path)) == [new, *before]
    assert keyfile.keep_only(path, new) == list(before)
    assert path.stat().st_mode & 0o777 == 0o600
