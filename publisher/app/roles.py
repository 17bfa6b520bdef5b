"""What a process of an installation does, and on SQLite who may do it.

On PostgreSQL any number of processes share the reading and the sending by leases. SQLite has one writer and wakes
nobody in another process, so one process at a time reads and sends there: it holds a lock that ends with it, however
that ends. Others may answer requests beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from publisher import telemetry
from publisher.errors import PublisherError
from publisher.model.node import DELIVER, INGEST, ROLES

log = telemetry.logger(__name__)

EVERY_ROLE = "all"

_ALONE = (INGEST, DELIVER)


def parse(written: str) -> tuple[str, ...]:
    """The roles of ``all`` or of names separated by commas, in the order of :data:`ROLES`.

    Raises ValueError, which names the known ones.
    """
    names = [name.strip() for name in written.split(",") if name.strip()]
    wrong = [name for name in names if name not in (*ROLES, EVERY_ROLE)]
    if wrong or not names:
        known = f"{EVERY_ROLE}, or {', '.join(ROLES)} (several, by comma)"
        raise ValueError(f"{', '.join(map(repr, wrong)) or 'nothing'} is no role of a process; take {known}")
    return ROLES if EVERY_ROLE in names else tuple(role for role in ROLES if role in names)


@contextlib.contextmanager
def alone(database: Path | None, roles: Collection[str]) -> Iterator[None]:
    """Hold the lock of the one process that reads and sends, if these roles do so and the database is a SQLite file.

    Raises PublisherError, which names the process that has it already.
    """
    if database is None or not set(roles).intersection(_ALONE):
        yield
        return
    path = database.with_name(f"{database.name}.lock")
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(file.read(200).strip(), roles) from None
        except OSError as error:  # a file system without locks
            log.warning("service.unlocked", file=str(path), problem=error.strerror)
        file.truncate(0)
        file.write(f"process {os.getpid()} ({', '.join(roles)})")
        file.flush()
        yield


def _held(by: str, roles: Collection[str]) -> PublisherError:
    return PublisherError(
        f"cannot take the roles {', '.join(roles)}: {by or 'another process'} reads and sends for this installation "
        "already, and on SQLite one process does both. Stop that one, run `publisher run --role web` beside it, or "
        "move to PostgreSQL with `publisher migrate` to share the work"
    )
