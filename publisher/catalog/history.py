"""The differences between two versions of the definitions, by their texts, so that no kind of source is needed.
Pure.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from publisher.catalog.documents import FEEDS, INDICATORS, PROFILES, SOURCES, Documents

SETTINGS = "shared settings"
"""The name of a version's settings where files are compared."""


@dataclass(frozen=True, slots=True)
class Moves:
    """The differences: names of sources, feeds, settings …, with what happened to each."""

    added: list[str]
    changed: list[str]
    removed: list[str]

    def by_change(self) -> dict[str, list[str]]:
        """The names by what happened to them: ``added``, ``changed``, ``removed``, as far as there are any."""
        every = {"added": self.added, "changed": self.changed, "removed": self.removed}
        return {what: names for what, names in every.items() if names}

    def lines(self) -> list[str]:
        """The same, a line for each."""
        return [f"{what}: {', '.join(names)}" for what, names in self.by_change().items()]


@dataclass(frozen=True, slots=True)
class Texts:
    """What a version holds: the text of each file, and the shared settings by ``section.key``, JSON-ready."""

    files: Mapping[str, str]
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, documents: Documents, settings: Mapping[str, Any]) -> Texts:
        """The text of gathered files."""
        return cls({name: file.text for name, file in documents.files.items()}, settings)


def moves(old: Mapping[str, object], new: Mapping[str, object]) -> Moves:
    """What differs between what is named."""
    return Moves(
        added=sorted(new.keys() - old.keys()),
        changed=sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
        removed=sorted(old.keys() - new.keys()),
    )


def compared(old: Texts, new: Texts) -> Moves:
    """What differs, by the names that people gave it."""
    names = {name for name in {*old.files, *new.files} if old.files.get(name) != new.files.get(name)}
    before, after = ({**_settings(one), **dict(_named(one.files, names))} for one in (old, new))
    return moves(before, after)


def difference(old: Texts, new: Texts, before: str, after: str) -> str:
    """A unified diff of everything; ``before`` and ``after`` say whose texts they are. Empty where nothing differs."""
    one, other = ({**texts.files, SETTINGS: _written(texts.settings)} for texts in (old, new))
    found: list[str] = []
    for name in sorted({*one, *other}):
        heads = (_head(name, one, before), _head(name, other, after))
        here, there = (_lines(texts.get(name, "")) for texts in (one, other))
        # A file without a line, where there is none on the other side, has a head alone.
        bare = [f"--- {heads[0]}", f"+++ {heads[1]}"] if (name in one) != (name in other) else []
        found += list(difflib.unified_diff(here, there, *heads, lineterm="")) or bare
    return "\n".join(found)


def _head(name: str, files: Mapping[str, str], whose: str) -> str:
    """As ``patch`` reads it, which thus removes a file that there was none of, instead of emptying it."""
    return f"{name} ({whose})" if name in files else "/dev/null"


def _lines(text: str) -> list[str]:
    """Its lines, as ``diff`` takes them: other ends of lines, or none at the end of the file, are a difference."""
    *lines, last = text.split("\n")
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def _written(settings: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {orjson.dumps(value).decode()}\n" for key, value in sorted(settings.items()))


def _settings(texts: Texts) -> dict[str, object]:
    return {f"setting {key}": value for key, value in texts.settings.items()}


def _named(files: Mapping[str, str], names: set[str]) -> Iterator[tuple[str, object]]:
    for name in names & files.keys():
        folder, _, file = name.rpartition("/")
        if name in _TABLES:
            yield from _tables(files[name], *_TABLES[name])
        elif folder in _NOUNS:
            yield f"{_NOUNS[folder]} {file.removesuffix('.toml')}", files[name]
        else:
            yield name, files[name]


_NOUNS = {FEEDS: "feed", PROFILES: "profile"}
_TABLES = {SOURCES: ("source", "name"), INDICATORS: ("indicator", "symbol")}


def _tables(text: str, noun: str, key: str) -> Iterator[tuple[str, object]]:
    """Each table of a file by its name."""
    try:
        tables = tomllib.loads(text).get(noun, [])
    except tomllib.TOMLDecodeError:
        yield f"{noun}s", text
        return
    for number, table in enumerate(tables if isinstance(tables, list) else []):
        yield f"{noun} {table.get(key, number) if isinstance(table, dict) else number}", table
