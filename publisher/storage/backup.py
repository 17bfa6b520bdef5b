"""A copy of the SQLite file, taken while it is in use.

Copying the file itself would miss what is still in its write-ahead log. What subscribers' secrets are sealed with lies
beside the database in a file of its own, and is not in the copy: keep it elsewhere.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from publisher.errors import Conflict, NotFound, StorageError

_PAGES_AT_A_TIME = 1024
"""4 MB: between two such steps, others may write."""


def snapshot(database: Path, target: Path) -> int:
    """Write a whole and consistent copy of ``database`` to ``target``, for its owner alone; returns its size in bytes.

    Blocks: call it in a thread. ``target`` appears only once it is complete. Raises NotFound if there is no database,
    Conflict if ``target`` is there already, StorageError if it cannot be written.
    """
    if not database.is_file():
        raise NotFound(f"there is no database at {database}")
    if target.exists():
        raise Conflict(f"{target} is there already; name another file, or take it away first")
    unfinished = target.with_name(target.name + ".part")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(database, unfinished)
        unfinished.replace(target)
    except (sqlite3.Error, OSError) as error:
        unfinished.unlink(missing_ok=True)
        raise StorageError(f"cannot copy {database} to {target}: {error}") from error
    return target.stat().st_size


def _copy(database: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        # One reading transaction holds the view still; without it each write starts the copy over.
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_master").fetchone()
        source.backup(copy, pages=_PAGES_AT_A_TIME)
        copy.execute("PRAGMA journal_mode=DELETE")
        fault = copy.execute("PRAGMA quick_check").fetchone()[0]
        if fault != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged: {fault}")
