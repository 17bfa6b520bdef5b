"""Where in a JSON document the values of an item stand: paths and rules, as data in ``config/sources.toml``."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from publisher.configfile import Zone
from publisher.errors import ReadError
from publisher.jsonbytes import whole
from publisher.locale import ReadDate, parse_datetime
from publisher.model.base import Frozen
from publisher.sources.profiles.patterns import MAX_LINE, Pattern, value_of

_MOST_DIGITS = 100

_HOURS = re.compile(r"%-?[HIcXTs]")
"""Codes of strptime that give a time of day."""
_YEAR = re.compile(r"%[YyGcx]")
_DAY = re.compile(r"%[djcx]|%[UWV].*%[aAwu]|%[aAwu].*%[UWV]")
_MONTH = re.compile(r"%[mbBjcx]|%[UWV]")
_UNSET = datetime(1980, 1, 1, tzinfo=UTC)
"""Seconds that are taken for milliseconds, a year or a number of a row come before it, and hardly any article does."""
_STEP = re.compile(r'\.?(?:\[(\*|\d{1,6})\]|\["([^"]+)"\]|([^.\[\]"$]+))')

Step = str | int | None
"""A key, a place in a list, or None for every entry of a list."""


@lru_cache(maxsize=1024)
def steps(path: str) -> tuple[Step, ...]:
    """The steps of a path: ``data.items[*].title``, ``[0]``, ``["a.b"]``; ``$`` is the document. Raises ValueError."""
    at, found = 1 if path.startswith("$") else 0, list[Step]()
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise ValueError(f'"{path}" is no path; write it as "data.items[*].title"')
        place, quoted, name = match.groups()
        found.append(None if place == "*" else int(place) if place else quoted or name)
        at = match.end()
    if not path:
        raise ValueError('must name a path; "$" is the whole document')
    return tuple(found)


def _path(value: str) -> str:
    steps(value)
    return value


Path = Annotated[str, AfterValidator(_path)]
"""A dotted path into a JSON document."""


def _as_rule(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


class ValueRule(Frozen):
    """One value of an item; a bare string is a path.

    ``path`` says where it stands in the item, ``pattern`` takes a part of it, ``value`` is the same in every item.
    ``format`` reads a date: ``unix``, ``unix-ms`` or the codes of strptime; ``timezone`` is that of a date that names
    none. ``html``: whether it is markup.
    """

    path: Path | None = None
    value: str | None = None
    pattern: Pattern | None = None
    format: str | None = None
    timezone: Zone | None = None
    html: bool | None = None

    @field_validator("format")
    @classmethod
    def _whole(cls, value: str | None) -> str | None:
        if value is None or value in ("unix", "unix-ms"):
            return value
        codes = value.replace("%%", "").replace("%-", "%")
        for name, code in (("year", _YEAR), ("month", _MONTH), ("day", _DAY)):
            if not code.search(codes):
                raise ValueError(f'"{value}" has no {name}: dates of that format would get one that nobody wrote')
        if ("%p" in codes) != ("%I" in codes):
            raise ValueError(f'"{value}" has one of %I and %p alone: hours of twelve need both, those of 24 are %H')
        return value

    @model_validator(mode="after")
    def _one(self) -> ValueRule:
        if (self.path is None) == (self.value is None):
            raise ValueError('must have one of "path" and "value"')
        return self


Rule = Annotated[ValueRule, BeforeValidator(_as_rule)]


class ArticleMap(Frozen):
    """Where articles stand (``items``, from the document on), and their values (from the item on).

    ``authors``, ``topics`` and ``images`` take all that their path finds.
    """

    items: Path = "$"
    title: Rule
    body: Rule
    id: Rule | None = None
    url: Rule | None = None
    summary: Rule | None = None
    authors: Rule | None = None
    editor: Rule | None = None
    agency: Rule | None = None
    dateline: Rule | None = None
    section: Rule | None = None
    topics: Rule | None = None
    language: Rule | None = None
    published: Rule | None = None
    updated: Rule | None = None
    images: Rule | None = None


class IndicatorMap(Frozen):
    """Where observations stand, and their values. ``symbols`` gives a symbol of theirs the name it has here."""

    items: Path = "$"
    symbol: Rule
    value: Rule
    name: Rule | None = None
    change: Rule | None = None
    percent: Rule | None = None
    unit: Rule | None = None
    as_of: Rule | None = None
    symbols: dict[str, str] = Field(default_factory=dict)

    @field_validator("value", "change", "percent")
    @classmethod
    def _no_date(cls, rule: ValueRule | None) -> ValueRule | None:
        if rule and rule.format:
            raise ValueError("format is for dates")
        return rule


def load(body: bytes) -> Any:
    """A JSON document whose numbers keep their digits. Raises ReadError."""
    try:
        return json.loads(whole(body).decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except RecursionError as error:
        raise ReadError("is nested too deeply") from error
    except (ValueError, InvalidOperation) as error:
        raise ReadError(f"is no JSON: {error}") from error


def walk(document: Any, path: str) -> list[Any]:
    """All values at a path; an empty list where there are none."""
    return list(_walk([document], steps(path)))


def entries(document: Any, path: str) -> list[Any]:
    """The items at a path, of which there may be none. Raises ReadError where there is no such place."""
    *before, last = steps(path) or (None,)
    if path.strip("$") and last is None:
        places = list(_walk([document], tuple(before)))
        if not places or not all(isinstance(place, list | dict) for place in places):
            raise ReadError(f'has no list at "{path}"; has it changed?')
        return walk(document, path)
    found = walk(document, path)
    if not found:
        raise ReadError(f'has nothing at "{path}"; has it changed?')
    return found


def texts(item: Any, rule: ValueRule | None) -> list[str]:
    """The values of a rule as text, without empty ones."""
    if rule is None:
        return []
    if rule.path is None:
        return [rule.value or ""]
    found = (_text(value) for value in walk(item, rule.path))
    return [value for text in found if text is not None and (value := _taken(rule, text))]


def exact_number(item: Any, rule: ValueRule) -> str | None:
    """The digits of a number that JSON holds as one; None where it is text, or nothing."""
    if rule.path is None or rule.pattern is not None:
        return None
    found = next(iter(walk(item, rule.path)), None)
    return None if isinstance(found, str) else _text(found)


def moment(rule: ValueRule, text: str, timezone: str, *, assumed: bool) -> ReadDate | None:
    """The date that a rule's ``format`` means; None where it has none. Raises ReadError.

    ``assumed``: ``timezone`` is only the installation's, so that a date without a zone has a warning.
    """
    if rule.format is None:
        return None
    try:
        if rule.format in ("unix", "unix-ms"):
            seconds = Decimal(text) / (1000 if rule.format == "unix-ms" else 1)
            read, named = datetime.fromtimestamp(float(seconds), UTC), None
        else:
            read = datetime.strptime(text, rule.format)  # noqa: DTZ007 - the zone comes next
            named = time.strptime(text, rule.format).tm_zone if "%Z" in rule.format else None
    except (ValueError, ArithmeticError, OverflowError, OSError) as error:
        raise ReadError(f"is no date of the format {rule.format}") from error
    timed = rule.format.startswith("unix") or _HOURS.search(rule.format)
    written = read.isoformat() if timed else read.date().isoformat()
    if named and read.tzinfo is None:  # strptime reads a zone's name and forgets it
        written = f"{written} {named.upper()}"
    try:
        found = parse_datetime(written, "en", timezone, assumed=assumed)
    except ReadError as error:
        raise ReadError(f"{text!r} of the format {rule.format}: {error}") from error
    if rule.format.startswith("unix") and found.value < _UNSET:
        return replace(
            found, warning=f"is of {found.value.year}: does the source mean another format than {rule.format}?"
        )
    return found


def _walk(values: list[Any], path: tuple[Step, ...]) -> Iterator[Any]:
    if not path:
        yield from (value for value in values if value is not None)
        return
    step, rest = path[0], path[1:]
    for value in values:
        if step is None and isinstance(value, list | dict):
            yield from _walk(list(value.values()) if isinstance(value, dict) else value, rest)
        elif _has(value, step):
            yield from _walk([value[step]], rest)


def _has(value: Any, step: Step) -> bool:
    if isinstance(step, str):
        return isinstance(value, dict) and step in value
    return isinstance(step, int) and isinstance(value, list) and step < len(value)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > _MOST_DIGITS:
        return None  # 1e999999999 would be written out in a thousand million digits
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _taken(rule: ValueRule, text: str) -> str | None:
    return value_of(rule.pattern, text[:MAX_LINE]) if rule.pattern else text or None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
