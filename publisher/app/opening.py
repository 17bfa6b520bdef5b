"""Opening the storage of an installation alone: for commands that need nothing else of it, and start quickly."""

from __future__ import annotations

from pathlib import Path

from publisher.app import marker
from publisher.clock import Clock
from publisher.errors import StorageError
from publisher.storage import installation
from publisher.storage.database import Database, sqlite_file
from publisher.storage.sealing import Sealer


async def open_storage(home: Path, url: str, *, now: Clock | None = None) -> tuple[Database, Sealer]:
    """The database and the storage key of the installation at ``home``, each the right one or an error."""
    db, found = await open_database(home, url, now=now)
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


async def open_database(home: Path, url: str, *, now: Clock | None = None) -> tuple[Database, installation.Standing]:
    """The database of the installation at ``home``, and how it stands; the right one or an error.

    Nothing is written where the mark says that another one should be here. The storage key is not looked at.
    """
    marked = marker.read(home)
    file = sqlite_file(url, home / "data")
    if marked is not None and file is not None and not file.is_file():
        raise StorageError(marker.lost(home, marked, f"{file} is gone"))
    db = await Database.open(url, home / "data", now=now)
    try:
        found = await db.read(installation.standing)
        marker.check(home, marked, found.id, empty=found.empty, where=db.name)
    except BaseException:
        await db.close()
        raise
    return db, found
