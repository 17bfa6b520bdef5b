"""Opening only the storage of an installation, for commands that need nothing else and should start quickly."""

from __future__ import annotations

from pathlib import Path

from publisher.app import marker
from publisher.clock import Clock
from publisher.errors import StorageError
from publisher.storage.access.sealing import Sealer
from publisher.storage.configuration import installation
from publisher.storage.configuration.installation import Standing
from publisher.storage.engine.database import Database, sqlite_file


async def open_storage(home: Path, url: str, *, now: Clock | None = None) -> tuple[Database, Sealer]:
    """The database and the storage key of the installation at ``home``, each the right one or an error."""
    db, found = await open_database(home, url, keyed=True, now=now)
    try:
        sealer = Sealer.open(home / "data", proof=found.proof, sealed=found.secrets)
        if found.id is None or found.proof is None:
            await db.write(installation.claim, sealer.proof())
            found = await db.read(installation.standing)
            sealer.check(found.proof, found.secrets)  # another node's first start may have come before ours
        if found.proof != sealer.proof():  # a new key stands on top
            await db.write(installation.prove, sealer.proof())
        if found.id is not None:
            marker.write(home, found.id)
    except BaseException:
        await db.close()
        raise
    return db, sealer


async def open_database(
    home: Path, url: str, *, keyed: bool = False, now: Clock | None = None
) -> tuple[Database, Standing]:
    """The database of the installation at ``home``, and its standing; the right one or an error.

    Nothing is written, and the schema is not upgraded, if the marker names another database, or the storage key at hand
    is not its own. The key is checked only if ``keyed``.
    """
    marked = marker.read(home)
    file = sqlite_file(url, home / "data")
    if marked is not None and file is not None and not file.is_file():
        raise StorageError(marker.lost(home, marked, f"{file} is gone"))

    def judge(found: Standing, where: str) -> None:
        marker.check(home, marked, found.id, empty=found.empty, where=where)
        if keyed and found.proof is not None:
            Sealer.open(home / "data", proof=found.proof)

    db = await Database.open(url, home / "data", judge=installation.judged(judge), now=now)
    try:
        found = await db.read(installation.standing)
        judge(found, db.name)  # of a schema that is the present one, nobody has yet
    except BaseException:
        await db.close()
        raise
    return db, found
