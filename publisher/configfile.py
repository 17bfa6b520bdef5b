"""What every configuration file has in common: reading TOML, and saying what is wrong with a value and where.

An error names the file, the line where it can be found, the key, the value that stood there and what would be right.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationError

from publisher import privatenetworks
from publisher.errors import ConfigError, ConfigErrors, Unreadable

MAX_BYTES = 1_048_576
"""Bytes of one configuration file; a larger one is refused unread."""

MAX_DEPTH = 32
"""How deep tables and lists may stand in one another, and how many parts a dotted key may have."""

MAX_SECONDS = 366 * 86_400.0
"""The longest duration; what is added to a time must not leave the calendar."""

Location = tuple[str | int, ...]
"""Where a value stands: ``("site", "url")``, ``("source", 0, "every")``."""

MAX_TOLD_DEPTH = 20
"""Tables inside each other whose lines are told apart."""

MAX_FAULTS = 100
"""Faults of one table that are told one by one."""

MAX_NAMES = 20
"""Names that are listed where none is near, or looked at first where there are very many."""

LONGEST_NAME = 100
"""Characters of a name for which a similar one is looked for, which takes time by the square of them."""

_WORDS = {
    "missing": "is missing",
    "model_type": "should be a table of keys and values",
    "dict_type": "should be a table of keys and values",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CRON: tuple[tuple[str, int, int, Sequence[str]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("weekday", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


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


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean "news"?`` where something known is near, else what is known."""
    names = sorted(known)
    # Every fault of a file may come here, and every name of another be known: of many, those that begin alike.
    likely = names if len(names) <= MAX_NAMES else [name for name in names if name[:1] == word[:1]][: MAX_NAMES * 5]
    close = get_close_matches(word, likely, n=1, cutoff=0.6) if len(word) <= LONGEST_NAME else ()
    if close:
        return f'did you mean "{close[0]}"?'
    if not names:
        return "none is defined"
    more = len(names) - MAX_NAMES
    return f"known: {', '.join(names[:MAX_NAMES])}" + (f" and {more:,} more" if more > 0 else "")


def explain(fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One of pydantic's faults in words: the value that stood there, and what would be right."""
    kind, value, location = fault["type"], fault["input"], fault["loc"]
    if kind == "extra_forbidden":
        known = _model_at(model, location[:-1])
        return f"is not a known key; {nearest(str(location[-1]), known.model_fields if known else ())}"
    if kind == "missing":
        return "is missing"
    message = in_words(fault)
    return message if kind == "value_error" else f"{_shown(value)} {message}"


def in_words(fault: Mapping[str, Any]) -> str:
    """What would be right, of one of pydantic's faults: ``should be a list``; without the names of Python's types."""
    kind, bounds = fault["type"], fault.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "too_short" and bounds["min_length"] == 1:
        return "should not be empty"
    if kind in ("too_short", "too_long"):
        least, counted = kind == "too_short", "characters" if isinstance(fault["input"], str) else "entries"
        return (
            f"should have at {'least' if least else 'most'} {bounds['min_length' if least else 'max_length']} {counted}"
        )
    message = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    return message.partition(", unable")[0]


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


def seconds(value: object) -> float:
    """``"5s"``, ``"5m"``, ``"2h"``, ``"1d"`` (also ``"500ms"``) in seconds; raises ValueError."""
    found = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{_shown(value)} is no duration; write it as "5s", "5m", "2h" or "1d"')
    length = float(found[1]) * _SECONDS[found[2]]
    if length > MAX_SECONDS:
        raise ValueError(f'{_shown(value)} is too long; "366d" is the most')
    return length


def written_seconds(length: float) -> str:
    """The inverse of :func:`seconds`."""
    return f"{length:.3f}".rstrip("0").removesuffix(".") + "s"


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError(f'"{value}" is no network; write it as "10.0.0.0/8" or "fd00::/8" ({error})') from error


def _private_network(value: str) -> str:
    return str(privatenetworks.parse(value))


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f'"{value}" is no IANA time zone; write it as "Asia/Jakarta"') from error
    return value


def _cron(value: str) -> str:
    fields = value.split()
    if len(fields) != len(_CRON):
        raise ValueError(f'"{value}" has not five fields; write "minute hour day month weekday", as in "30 6 * * 1-5"')
    read = [_cron_field(text, *limits) for text, limits in zip(fields, _CRON, strict=True)]
    day, month = read[2:4]
    if "*" not in (day, month) and int(day.partition(",")[0]) > max(_DAYS[int(one)] for one in month.split(",")):
        # Looking for its next time would also look through every year there is.
        raise ValueError(f'"{value}" never comes: no such month has so many days')
    return " ".join(read)


def _cron_field(text: str, name: str, low: int, high: int, words: Sequence[str]) -> str:
    """One field as a plain list, in which schedulers that count weekdays differently agree."""
    chosen: set[int] = set()
    for part in text.lower().split(","):
        found = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if found is None:
            raise ValueError(f'"{part}" is no {name} of a cron line')
        first = _cron_number(found[1], name, low, high, words) if found[1] else low
        last = _cron_number(found[2], name, low, high, words) if found[2] else first if found[1] else high
        if last < first or found[3] == "0":
            raise ValueError(f'"{part}" is an empty range of {name}s')
        chosen.update(range(first, (high if found[3] and not found[2] else last) + 1, int(found[3] or 1)))
    if chosen >= set(range(low, high + 1)):
        return "*"
    if name == "weekday":
        return ",".join(dict.fromkeys(words[number % 7] for number in sorted(chosen)))
    return ",".join(map(str, sorted(chosen)))


def _cron_number(text: str, name: str, low: int, high: int, words: Sequence[str]) -> int:
    number = (
        words.index(text) + (low if name == "month" else 0) if text in words else int(text) if text.isdecimal() else -1
    )
    if not low <= number <= high:
        raise ValueError(f'"{text}" is no {name}; it goes from {low} to {high}')
    return number


Zone = Annotated[str, AfterValidator(_zone)]
"""An IANA time zone."""

Cron = Annotated[str, AfterValidator(_cron)]
"""Five fields of a cron line; weekdays count from Sunday, 0 or 7. Day and weekday must both hold."""

Duration = Annotated[float, BeforeValidator(seconds)]
"""A length of time, written ``"5s"``, held in seconds."""


def _no_truth(value: object) -> object:
    if isinstance(value, bool):  # Python counts with them
        raise ValueError(f"{_shown(value)} should be a valid integer")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth)]
"""A whole number."""

Network = Annotated[str, AfterValidator(_network)]
"""A network in CIDR form; a bare address is a network of one."""

PrivateNetwork = Annotated[str, AfterValidator(_private_network)]
"""A network with the ports that may be reached in it; see ``privatenetworks``."""


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{value[:120]}"'
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)[:120]


def _model_at(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for step in location:
        if isinstance(step, int) or found is None:
            continue
        declared = found.model_fields.get(step)
        found = _model_in(declared.annotation) if declared else None
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list, tuple, Annotated):
        return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
    return None
