"""The marker file that an installation keeps outside of its database: ``.publisher``, in its folder and in ``data/``.

Without it, a data folder that is gone (a disk that was not mounted, a volume of another name) would look like the first
start of a new installation: empty feeds for every reader. The marker in the installation's own folder shows that a data
folder was lost; the one in ``data/`` shows that a database was lost, also where the folder above is not writable.
"""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterable
from pathlib import Path

from publisher import telemetry
from publisher.errors import StorageError

log = telemetry.logger(__name__)

FILE = ".publisher"

_TEXT = """\
# Made by the publisher at its first start. While this file is here, a database that is gone or another one is an
# error, and not a new beginning.
installation = "{id}"
"""


def read(home: Path) -> str | None:
    """The id of the installation at ``home``, None if there is no marker.

    Raises StorageError if a marker cannot be read, or the two name different installations.
    """
    found = {path: _id(path) for path in places(home) if path.is_file()}
    if len(set(found.values())) > 1:
        raise StorageError(
            f"{' and '.join(map(str, found))} name different installations: the data folder is another one's. Put the "
            "right one there; or, if it is to be used here, remove both files"
        )
    return next(iter(found.values()), None)


def write(home: Path, id: str) -> None:
    """Write the marker where it is missing."""
    for path in places(home):
        if path.is_file():
            continue
        try:
            path.write_text(_TEXT.format(id=id), encoding="utf-8")
        except OSError as error:
            log.info("installation.unmarked", file=str(path), error=error.strerror, advice=_ADVICE)


def remove(home: Path) -> None:
    """Remove the marker: the next start takes the database that it finds for the installation's own."""
    for path in places(home):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def places(home: Path) -> Iterable[Path]:
    """The paths of the marker."""
    return home / FILE, home / "data" / FILE


def check(home: Path, marked: str | None, found: str | None, *, empty: bool, where: str) -> None:
    """Raise StorageError unless the database ``where``, whose id is ``found``, is this installation's or a new one.

    ``marked`` is the id that :func:`read` gave, ``empty`` whether the database holds nothing.
    """
    if found is None and not empty:
        raise StorageError(
            f"{where} holds a part of an installation: a move into it was cut off. Finish it with `publisher migrate`, "
            "or restore a backup"
        )
    if marked is None or marked == found:
        return
    if found is None:
        raise StorageError(lost(home, marked, f"{where} is empty"))
    raise StorageError(
        f"{where} is of installation {found}, and this folder is of {marked}: [storage] url or the data folder is "
        f"another one's. If it is to be used here all the same, remove {_named(home)}"
    )


def lost(home: Path, marked: str, what: str) -> str:
    """The error for a database that is gone."""
    return (
        f"{what}, but installation {marked} has been running here: was its disk not mounted, or its data moved? Put it "
        f"back or restore a backup. To begin anew on purpose, with nothing, remove {_named(home)}"
    )


_ADVICE = "run publisher sources once as whoever owns the folder; until then lost data go unnoticed"


def _id(path: Path) -> str:
    try:
        return str(tomllib.loads(path.read_text("utf-8"))["installation"])
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(f"{path} cannot be read ({error}); remove it, and the next start makes it anew") from error


def _named(home: Path) -> str:
    return " and ".join(str(path) for path in places(home) if path.is_file())
