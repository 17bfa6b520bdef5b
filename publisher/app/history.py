"""The versions of an installation's definitions, and its files, compared for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.app.versions import shared_of
from publisher.catalog import gather
from publisher.catalog.documents import parse
from publisher.catalog.history import Moves, Texts, compared, difference
from publisher.configfile import read_text
from publisher.errors import ConfigError, NotFound
from publisher.settings import Settings, Shared
from publisher.storage.configuration import definitions
from publisher.storage.configuration.definitions import Kept, Known
from publisher.storage.engine.database import Tx

GONE = "texts are kept no more"


@dataclass(frozen=True, slots=True)
class Version:
    """A version and what it changed, None if the texts needed for that are no longer kept."""

    known: Known
    moves: Moves | None
    current: bool

    @property
    def summary(self) -> str:
        """What it changed, in one line."""
        if self.moves is None:
            return GONE
        return "; ".join(self.moves.lines()) or (
            "no feed, source or setting" if self.known.number > 1 else "nothing is defined"
        )


def history(tx: Tx, own: Settings, limit: int) -> list[Version]:
    """The last versions, the newest first, each with what it changed."""
    rows = definitions.history(tx, limit + 1)
    texts = [_texts(one, own) if one.files else None for one in rows]
    if rows and rows[-1].number == 1:
        texts.append(Texts({}, {}))  # before the first there was nothing
    pairs = zip(texts, [*texts[1:], None], strict=True)
    found = [None if new is None or old is None else compared(old, new) for new, old in pairs]
    return [Version(one.known, moves, one is rows[0]) for one, moves in zip(rows, found, strict=False)][:limit]


def diff(tx: Tx, home: Path, own: Settings, numbers: tuple[int | None, int | None]) -> str:
    """A unified diff between the version in force and the files here, a version and the one in force, or two versions.

    Raises NotFound for an unknown version, or one whose texts are no longer kept.
    """
    first, second = numbers
    present = definitions.number(tx)
    if first is None:
        return difference(_version(tx, present, own), here(home, own), f"version {present}, in force", "files here")
    other = present if second is None else second
    return difference(_version(tx, first, own), _version(tx, other, own), f"version {first}", f"version {other}")


def here(home: Path, own: Settings) -> Texts:
    """The files of an installation as they are now, also those with errors."""
    documents = gather(home)
    files = {name: file.text for name, file in documents.files.items()}
    for name in documents.faults:
        try:
            files[name] = read_text(home / name, name)
        except ConfigError:  # a folder, or what cannot be read
            continue
    return Texts(files, _flat(own.shared))


def _version(tx: Tx, number: int, own: Settings) -> Texts:
    kept = definitions.version(tx, number)
    if kept is None:
        known = "publisher config history lists them" if number else "nothing was applied yet; see publisher apply"
        raise NotFound(f"there is no version {number}; {known}")
    if not kept.files:
        raise NotFound(f"of version {number} the {GONE}, only who applied it and when")
    return _texts(kept, own)


def _texts(kept: Kept, own: Settings) -> Texts:
    return Texts.of(parse(kept.files), _flat(shared_of(kept.known, own)))


def _flat(shared: Shared) -> Mapping[str, Any]:
    written = shared.model_dump(mode="json")
    return {f"{section}.{key}": value for section, values in written.items() for key, value in values.items()}
