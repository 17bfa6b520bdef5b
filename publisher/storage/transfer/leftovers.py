"""Folders that work is done in, and the sweeping of those that a process which was killed left behind.

Such a folder is named for the process that made it, so that one in use is told from one that was left.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A temporary folder in ``parent``, removed at the end; leftovers with this prefix are removed first."""
    sweep(parent, prefix)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{prefix}{os.getpid()}-") as made:
        yield Path(made)


def sweep(parent: Path, prefix: str) -> list[Path]:
    """Remove the folders in ``parent`` whose process is gone; returns them. Blocks."""
    made = [path for path in parent.iterdir() if path.name.startswith(prefix) and path.is_dir()]
    found = [path for path in made if not _in_use(path.name, prefix)]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return found


def _in_use(name: str, prefix: str) -> bool:
    number = name.removeprefix(prefix).partition("-")[0]
    if not number.isdecimal():
        return True  # not one of ours
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
