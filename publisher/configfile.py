"""What every configuration file has in common: reading TOML, and saying what is wrong with a value and where.

An error names the file, the line where it can be found, the key, the value that stood there and what would be right.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationError

from publisher import privatenetworks
from publisher.errors import ConfigError

Location = tuple[str | int, ...]
"""Where a value stands: ``("site", "url")``, ``("source", 0, "every")``."""

_WORDS = {
    "missing": "is missing",
    "model_type": "should be a table of keys and values",
    "dict_type": "should be a table of keys and values",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
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
        """Every fault that a model found in the part of this file that stands at ``prefix``."""
        for one in fault.errors():
            yield self.error(explain(one, model), (*prefix, *one["loc"]))


def read_toml(path: Path, name: str) -> TomlFile:
    """Read a TOML file; raises ConfigError with line and column if it is no TOML, or cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return TomlFile(name, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"^(.*?)\s*\(at line (\d+), column (\d+)\)$", str(error))
        if found is None:  # tomllib says "at end of document" where it has no line
            raise ConfigError(name, f"is no valid TOML: {error}", line=max(1, len(text.splitlines()))) from error
        reason = f"is no valid TOML: {found[1]} (column {found[3]})"
        raise ConfigError(name, reason, line=int(found[2])) from error
    except UnicodeDecodeError as error:
        raise ConfigError(name, f"is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(name, f"cannot be read: {error.strerror}") from error


def key_of(at: Location) -> str:
    """A location as people write it: ``source[1].every`` (counted from 1)."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in at)
    return text.removeprefix(".")


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean "news"?`` where something known is near, else what is known."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"known: {', '.join(names)}" if names else "none is defined"


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
    """The line of the deepest part of ``at`` that stands in the file; None if none does.

    tomllib keeps no positions, so the table headers and keys are looked for as they are commonly written.
    """
    table: Location = ()
    counts: dict[Location, int] = {}
    best: tuple[int, int | None] = (0, None)
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
        shared = min(len(here), len(at))
        if here[:shared] == at[:shared] and shared > best[0]:
            best = shared, number
    return best[1]


def seconds(value: object) -> float:
    """``"5s"``, ``"5m"``, ``"2h"``, ``"1d"`` (also ``"500ms"``) in seconds; raises ValueError."""
    found = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{_shown(value)} is no duration; write it as "5s", "5m", "2h" or "1d"')
    return float(found[1]) * _SECONDS[found[2]]


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
    return " ".join(_cron_field(text, *limits) for text, limits in zip(fields, _CRON, strict=True))


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

Network = Annotated[str, AfterValidator(_network)]
PrivateNetwork = Annotated[str, AfterValidator(_private_network)]
"""A network in CIDR form; a bare address is a network of one."""


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
