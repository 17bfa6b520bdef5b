"""The note that a node keeps beside its files: which files it offered last, and which version was in force then.

It is a file in ``data/``, so that it goes with the node's own disk: a new container has none, and is recognised by
that.
"""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from publisher import telemetry
from publisher.catalog.edits import Seen

log = telemetry.logger(__name__)

FILE = "definitions.json"


def read(home: Path) -> Seen | None:
    """The note of the node whose installation is at ``home``; None if there is none, or it cannot be read."""
    try:
        written = orjson.loads((home / "data" / FILE).read_bytes())
        return Seen(str(written["digest"]), int(written["number"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("config.note_unread", file=f"data/{FILE}", error=str(error), advice="it is written anew")
        return None


def write(home: Path, seen: Seen) -> None:
    """Replace the note, whole or not at all."""
    if read(home) == seen:
        return
    path = home / "data" / FILE
    made = path.with_name(f"{FILE}.{os.getpid()}")
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(orjson.dumps({"digest": seen.digest, "number": seen.number}))
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
    except OSError as error:
        made.unlink(missing_ok=True)
        log.warning("config.not_noted", file=f"data/{FILE}", error=error.strerror, advice=_ADVICE)


_ADVICE = "make data/ writable: until then an edit of the files may be taken for files of an older image"
