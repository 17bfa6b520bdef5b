"""``publisher apply``: offering the files to a running service, its response, and noticing what others took.

A lock on ``data/service.lock`` shows that a service runs, and ends with its process, however that ends; the file holds
the id to which offers are addressed. The offer and the response are a row in storage.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from publisher import telemetry
from publisher.app import noting
from publisher.app.adopting import Offer, take
from publisher.app.installation import App
from publisher.app.opening import open_storage
from publisher.app.reloading import Outcome, Reloader, read
from publisher.app.versions import Offered, node_name
from publisher.app.versions import present as present_version
from publisher.catalog.edits import Decision, Seen, not_in_force
from publisher.errors import EditRefused, NotAdopted, PublisherError, RemovalRefused
from publisher.settings import Settings
from publisher.storage.configuration import definitions, offers
from publisher.storage.engine.database import Database, Tx

log = telemetry.logger(__name__)

LOCK_FILE = "service.lock"

ANSWER_SECONDS = 1.0
"""How often a service looks for offers."""

PATIENCE_SECONDS = 60.0
"""How long to wait for the response: reading ten thousand files takes a while."""

_POLL_SECONDS = 0.2


@contextlib.contextmanager
def present(data: Path) -> Iterator[str]:
    """Show that a service runs; yields the id to which offers for this folder's service are addressed.

    Several processes on one folder are one service. On a file system without locks, ``publisher apply`` takes the files
    itself, and the service follows the new version.
    """
    try:
        descriptor = os.open(data / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        log.warning("config.unasked", problem=f"{LOCK_FILE}: {error.strerror}", advice="send SIGHUP to apply")
        yield ""
        return
    with open(descriptor, "r+") as file:
        with contextlib.suppress(OSError):
            # An exclusive lock for the first, which writes the id; if that fails, another process has it and has
            # written.
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _name(file)
            fcntl.flock(file, fcntl.LOCK_SH)
        yield _id(file)


def _name(file: TextIO) -> None:
    """Write an id, unless one was written here: a folder that was copied to make another node has that of the first,
    and what is asked of one would be answered by both."""
    status, lines = os.fstat(file.fileno()), file.read(1024).splitlines()
    here = f"{status.st_dev}:{status.st_ino} {socket.gethostname()}"
    if lines[1:] != [here]:
        file.seek(0)
        file.truncate()
        file.write(f"{secrets.token_hex(8)}\n{here}\n")
        file.flush()


def _id(file: TextIO) -> str:
    file.seek(0)
    return file.readline(64).strip()


def running(data: Path) -> str | None:
    """The id of the service that runs on this folder, None if none does."""
    with contextlib.suppress(OSError), open(data / LOCK_FILE) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _id(file)
    return None


async def answer(app: App, reloader: Reloader, service: str) -> None:
    """Respond to offers to this service, and adopt what another process has taken."""
    waiting, number = await app.db.read(_news, service)
    for offer in waiting:
        outcome = await reloader.offered(offer.digest, offer.force)
        await app.db.write(offers.answer, offer.id, {"result": outcome.result, "lines": list(outcome.lines)})
    if not waiting and number != app.in_force.number:
        with contextlib.suppress(NotAdopted):  # which is logged once
            await app.catch_up()


async def apply(home: Path, *, force: bool) -> tuple[Outcome, bool]:
    """Offer the files; returns the result, and whether a running service took them.

    Without a service they are stored for the next start. Raises ConfigErrors with everything that is wrong in them,
    PublisherError if a service does not respond.
    """
    settings, offered = await asyncio.to_thread(read, home)
    data = home / "data"
    db, _ = await open_storage(home, settings.storage.url)
    try:
        service = await asyncio.to_thread(running, data)
        if service is not None:
            return await _ask_service(db, service, offered, force), True
        return await _take_without_service(db, home, settings, offered, force), False
    finally:
        await db.close()


async def _ask_service(db: Database, service: str, offered: Offered, force: bool) -> Outcome:
    id_ = secrets.token_hex(8)
    await db.write(offers.make, id_, service=service, digest=offered.files, force=force)
    found = None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (found := await db.read(offers.answered, id_)) is None:  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        pass
    finally:
        found = await db.write(offers.withdraw, id_) or found
    if found is None:
        raise PublisherError(
            f"the running service did not answer within {PATIENCE_SECONDS:.0f} s. It may still take the files if it "
            "had begun to: see its log, or stop it and apply again"
        )
    return Outcome(found["result"], tuple(found["lines"]))


async def _take_without_service(db: Database, home: Path, settings: Settings, offered: Offered, force: bool) -> Outcome:
    seen, before = await asyncio.to_thread(noting.read, home), await db.read(definitions.standing)
    offer = Offer(node_name(settings), seen, settings.storage.single_node or force, lambda refused: force)
    try:
        taken = await db.write(take, offered, offer)
    except (EditRefused, RemovalRefused) as refused:
        return Outcome("refused", (str(refused),))
    if before is not None and taken.decision is Decision.ADOPT:
        return Outcome("refused", (not_in_force(present_version(before)),))
    await asyncio.to_thread(noting.write, home, Seen(offered.digest, taken.number))
    lines = (f"removed: {', '.join(f'feed {name}' for name in taken.removed)}",) if taken.removed else ()
    return Outcome("unchanged" if before and taken.number == before.number else "taken", lines)


def _news(tx: Tx, service: str) -> tuple[list[offers.Offer], int]:
    return offers.waiting(tx, service), definitions.number(tx)
