"""The errors that one reading of an installation finds, and what the readers of its files share."""

from __future__ import annotations

from typing import Any

from publisher.catalog.documents import Documents
from publisher.configfile import TomlFile
from publisher.errors import ConfigError
from publisher.sources.profiles.profile import HtmlProfile, TextProfile


class Findings:
    """Gathers the errors of one reading of an installation's documents."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.errors: list[ConfigError] = []
        self.profiles: dict[str, HtmlProfile | TextProfile | None] = {}

    def file(self, name: str) -> TomlFile | None:
        """The file; None, and its errors, if it could not be read."""
        self.errors += self.documents.faults.get(name, ())
        return self.documents.files.get(name)

    def say(self, file: TomlFile, message: str, *at: str | int) -> None:
        """Add one error."""
        self.errors.append(file.error(message, at))

    def tables(self, file: TomlFile, key: str) -> list[tuple[int, dict[str, Any]]]:
        """The tables ``[[key]]`` of a file that may have no others, with their numbers."""
        for other in file.data:
            if other != key:
                self.say(file, f'is not a known key; each {key} is a table headed "[[{key}]]"', other)
        tables = file.data.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.say(file, f'is no list of tables; head each with "[[{key}]]"', key)
            return []
        return list(enumerate(tables))


def written(file: TomlFile, tables: str, key: str) -> set[str]:
    """Every name in the file, also that of a table with errors, so that one fault is reported once."""
    found = file.data.get(tables, [])
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return {str(row[key]) for row in rows if key in row}
