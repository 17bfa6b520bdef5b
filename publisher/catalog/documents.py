"""The files that define an installation, as one value: read from its folder, or as storage kept them.

The text is stored because it suits every kind of source and every release, and is what an operator wrote.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from publisher.configfile import TomlFile, parse_toml, read_toml
from publisher.errors import ConfigError, ConfigErrors, StorageError, Unreadable
from publisher.sources.profiles.profile import FOLDER

SOURCES = "config/sources.toml"
INDICATORS = "config/indicators.toml"
FEEDS = "feeds"
PROFILES = FOLDER

MAX_FILES = 10_000
"""The most files of one folder."""

MAX_BYTES = 4_194_304
"""The most bytes of all files together: so many are read in a few seconds."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Documents:
    """``files`` by their names inside the installation; ``faults`` of those that exist and could not be read.

    A folder among the faults could not be listed. ``missing``: the folders that do not exist. ``shared``: many machines
    may use them, so that sources on a disk must name the node.
    """

    files: Mapping[str, TomlFile]
    faults: Mapping[str, tuple[ConfigError, ...]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    shared: bool = False

    @property
    def digest(self) -> str:
        """A digest of the names and texts of all files."""
        written = orjson.dumps({name: file.text for name, file in self.files.items()}, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(written).hexdigest()[:32]

    def under(self, folder: str) -> list[str]:
        """The names of a folder's files, sorted, also of those that could not be read."""
        return sorted(name for name in {*self.files, *self.faults} if name.rpartition("/")[0] == folder)

    @property
    def unread(self) -> set[str]:
        """The files and folders that cannot be read, or are missing."""
        return {name for name, found in self.faults.items() if any(isinstance(one, Unreadable) for one in found)}


def gather(home: Path, *, shared: bool = False) -> Documents:
    """The files of the installation at ``home`` as they are now. Blocks; errors in a file do not raise.

    ``shared``: many machines may use its database.
    """
    names, faults, missing = [SOURCES], dict[str, tuple[ConfigError, ...]](), set[str]()
    if os.path.lexists(home / INDICATORS):  # without one, those that ship are known
        names.append(INDICATORS)
    for folder in (PROFILES, FEEDS):
        try:
            names += _listed(home, folder)
        except FileNotFoundError:
            missing.add(folder)
        except OSError as error:
            faults[folder] = (Unreadable(folder, f"cannot be read: {error.strerror}"),)
        except ConfigError as error:
            faults[folder] = (error,)
    files: dict[str, TomlFile] = {}
    left = MAX_BYTES
    for name in names:
        try:
            file = read_toml(home / name, name)
            left -= len(file.text.encode())
            if left < 0:
                faults[name] = (ConfigError(name, f"is one too many; all files have at most {MAX_BYTES:,} bytes"),)
                break
            files[name] = file
        except ConfigErrors as errors:
            faults[name] = errors.errors
        except ConfigError as error:
            faults[name] = (error,)
    return Documents(files, faults, frozenset(missing), shared)


def dump(documents: Documents) -> str:
    """The documents as text that :func:`parse` reads."""
    files = {name: file.text for name, file in documents.files.items()}
    return orjson.dumps({"format": _FORMAT, "files": files}, option=orjson.OPT_SORT_KEYS).decode()


def parse(text: str) -> Documents:
    """The inverse of :func:`dump`; raises StorageError for a format of a later release."""
    written = orjson.loads(text)
    if written["format"] != _FORMAT:
        raise StorageError("the definitions that are kept are of another release; start that, or apply the files anew")
    return Documents({name: parse_toml(file, name) for name, file in written["files"].items()})


def _listed(home: Path, folder: str) -> Iterable[str]:
    """The names of a folder's files that are read: not an editor's hidden ones."""
    found = sorted(name for name in os.listdir(home / folder) if name.endswith(".toml") and name[0] != ".")
    if len(found) > MAX_FILES:
        raise ConfigError(folder, f"has {len(found):,} files; at most {MAX_FILES:,} are read")
    return (f"{folder}/{name}" for name in found)
