"""Reading a TOML file, and where in it a value stands."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from publisher.configfile.faults import explain
from publisher.errors import ConfigError, ConfigErrors, Unreadable

MAX_BYTES = 1_048_576
"""Bytes of one configuration file; a larger one is refused unread."""

MAX_DEPTH = 32
"""How deep tables and lists may stand in one another, and how many parts a dotted key may have."""

Location = tuple[str | int, ...]
"""Where a value stands: ``("site", "url")``, ``("source", 0, "every")``."""

MAX_TOLD_DEPTH = 20
"""Tables inside each other whose lines are told apart."""

MAX_FAULTS = 100
"""Faults of one table that are told one by one."""


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file that was read. ``name`` is how errors call it: its path inside the installation."""

    name: str
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def error(self, message: str, at: Location = ()) -> ConfigError:
        """An error in this file, with its line where that can be found."""
        return ConfigError(self.name, message, key=key_of(at) or None, line=line_of(self.text, at) if at else None)

    def errors(self, fault: ValidationError, model: type[BaseModel], prefix: Location = ()) -> Iterator[ConfigError]:
        """What a model found in the part of this file that stands at ``prefix``: the first hundred faults."""
        found = fault.errors(include_url=False)
        for one in found[:MAX_FAULTS]:
            yield self.error(explain(one, model), (*prefix, *one["loc"]))
        if len(found) > MAX_FAULTS:
            yield self.error(f"has {len(found) - MAX_FAULTS:,} more faults; put these right first", prefix)


def read_toml(path: Path, name: str) -> TomlFile:
    """Read a TOML file.

    Raises Unreadable if there is no reading it, ConfigError with line and column if it is no TOML, and ConfigErrors
    with every text in it that holds a control character.
    """
    return parse_toml(read_text(path, name), name)


def read_text(path: Path, name: str) -> str:
    """A configuration file's text, without a byte-order mark.

    Raises Unreadable, also for what is no file (a pipe would be waited for, a device has no end), and ConfigError for
    one of over :data:`MAX_BYTES` or that is not UTF-8.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable(name, "is no file; put a text file in its place")
            body = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise Unreadable(name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(body) > MAX_BYTES:
        raise ConfigError(name, f"is too large; a configuration file has at most {MAX_BYTES:,} bytes")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(name, f"is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def parse_toml(text: str, name: str) -> TomlFile:
    """A configuration file of this text; raises as :func:`read_toml` does."""
    # tomllib takes time with the cube of the parts of a key.
    if long := _LONG_KEY.search(text):
        line = text.count("\n", 0, long.start()) + 1
        raise ConfigError(name, f"a key has more than {MAX_DEPTH} parts", line=line)
    try:
        file = TomlFile(name, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"^(.*?)\s*\(at line (\d+), column (\d+)\)$", str(error))
        if found is None:  # tomllib says "at end of document" where it has no line
            raise ConfigError(name, f"is no valid TOML: {error}", line=max(1, len(text.splitlines()))) from error
        reason = f"is no valid TOML: {found[1]} (column {found[3]})"
        raise ConfigError(name, reason, line=int(found[2])) from error
    except RecursionError as error:
        raise ConfigError(name, _TOO_DEEP) from error
    except ValueError as error:  # a number of more digits than Python converts
        raise ConfigError(name, f"is no valid TOML: {error}") from error
    if faults := [file.error(message, at) for at, message in islice(_unfit(file.data), _UNFIT_TOLD)]:
        raise ConfigErrors(faults)
    return file


_UNFIT_TOLD = 20
"""Texts of one file that are told as unfit: for each, the file is searched for its line."""

_TOO_DEEP = f"is nested too deeply; tables and lists may stand {MAX_DEPTH} deep in one another"

_LONG_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}(?:[\w-]|"|')""" % MAX_DEPTH  # noqa: UP031
)

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def unfit_character(text: str) -> str | None:
    """What is wrong with the first character that no configured text may hold, in words; None where there is none.

    Those are control characters but tab and line breaks, what XML 1.0 cannot carry (section 2.2), separators of lines,
    and the marks that make text read otherwise than it is written (Unicode Technical Standard 39, section 5.4).
    """
    found = _UNFIT.search(text)
    if found is None:
        return None
    turns = "\u202a" <= found[0] <= "\u202e" or "\u2066" <= found[0] <= "\u2069"
    what = "which changes the direction of text" if turns else "a control character"
    return f"holds U+{ord(found[0]):04X}, {what}; take it out"


def _unfit(data: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """Every place with an unfit character or nested too deeply, in the order of the file, and what is wrong there."""
    waiting: list[tuple[Location, object]] = [((), data)]
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, str):
            if message := unfit_character(value):
                yield at, message
        elif len(at) > MAX_DEPTH and isinstance(value, dict | list):
            yield at[:1], _TOO_DEEP
        elif isinstance(value, dict):
            for key in value:
                if message := unfit_character(key):
                    yield (*at, key), f"the key {message}"
            waiting += [((*at, key), one) for key, one in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [((*at, number), one) for number, one in reversed(list(enumerate(value)))]


def key_of(at: Location) -> str:
    """A location as people write it: ``source[1].every`` (counted from 1)."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in at)
    return text.removeprefix(".")


def line_of(text: str, at: Location) -> int | None:
    """The line of the deepest part of ``at`` that stands in the file; None if none does."""
    below, exactly = _lines(text)
    if at in below:
        return below[at]
    return next((exactly[at[:depth]] for depth in range(len(at) - 1, 0, -1) if at[:depth] in exactly), None)


@lru_cache(maxsize=4)
def _lines(text: str) -> tuple[dict[Location, int], dict[Location, int]]:
    """The first line at or below each location, and the first at each that is written.

    tomllib keeps no positions, so the table headers and keys are looked for as they are commonly written; once for all
    faults of a file, of which there may be thousands.
    """
    table: Location = ()
    counts: dict[Location, int] = {}
    below: dict[Location, int] = {}
    exactly: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)([^\[\]]+)\]", line)
        if header:
            table = tuple(part.strip(" \"'") for part in header[2].split("."))
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            here = table
        elif assigned := re.match(r"\s*([A-Za-z0-9_.\-\"']+)\s*=", line):
            here = (*table, *(part.strip(" \"'") for part in assigned[1].split(".")))
        else:
            continue
        here = here[:MAX_TOLD_DEPTH]
        exactly.setdefault(here, number)
        for depth in range(1, len(here) + 1):
            below.setdefault(here[:depth], number)
    return below, exactly
