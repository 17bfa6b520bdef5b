"""Reading a template, in one pass over its characters; what is wrong is told with its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from publisher.configfile import nearest
from publisher.delivery.transports.base import Refusal
from publisher.delivery.transports.writing.templates import paths
from publisher.delivery.transports.writing.templates.filters import FILTERS, Argument, Filter

MOST_VALUES = 2000
MOST_PLACEHOLDERS = 500
MOST_FILTERS = 8
DEEPEST = 32
MOST_FAULTS = 20

OPEN, CLOSE = "{{", "}}"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_NUMBER = re.compile(r"[0-9]{1,6}(?![A-Za-z0-9_.])")
_SPACE = re.compile(r"[ \t\r\n]*")


class TemplateFaults(ValueError):
    """A template that cannot be used, with each reason."""

    def __init__(self, faults: Sequence[Refusal]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.said}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value of the envelope, or a text of its own, through filters."""

    path: tuple[str, ...] | None
    text: str
    filters: tuple[tuple[Filter, Argument], ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """A text of the template that holds placeholders. One that is nothing else becomes its value, whatever type."""

    parts: tuple[str | Placeholder, ...]


Node = Any
"""A value of JSON whose texts with placeholders are a :class:`Filled`."""


def parse(template: str) -> Node:
    """A template, as JSON text. Raises TemplateFaults."""
    return _Reader().read(orjson.loads(template))


class _Fault(Exception):
    """What is wrong at a character, from 0."""

    def __init__(self, at: int, said: str) -> None:
        super().__init__(said)
        self.at = at


class _Reader:
    def __init__(self) -> None:
        self.faults: list[Refusal] = []
        self.values = 0
        self.placeholders = 0

    def read(self, value: Any) -> Node:
        node = self._value(value, "template", 1)
        if self.values > MOST_VALUES:
            self._tell("template", f"has more than {MOST_VALUES:,} values")
        if self.placeholders > MOST_PLACEHOLDERS:
            self._tell("template", f"has more than {MOST_PLACEHOLDERS} placeholders")
        if self.faults:
            raise TemplateFaults(self.faults[:MOST_FAULTS])
        return node

    def _value(self, value: Any, at: str, depth: int) -> Node:
        self.values += 1
        if depth > DEEPEST:
            self._tell(at[:200], f"is nested deeper than {DEEPEST} levels")
            return None
        if isinstance(value, str):
            return self._text(value, at)
        if isinstance(value, list):
            return [self._value(one, f"{at}[{place}]", depth + 1) for place, one in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._value(one, f"{at}.{key[:100]}", depth + 1) for key, one in value.items()}
        return value

    def _text(self, text: str, at: str) -> Node:
        if OPEN not in text:
            return text
        if len(self.faults) == MOST_FAULTS:  # what is near each name takes long to find
            return None
        try:
            return Filled(tuple(self._parts(text)))
        except _Fault as fault:
            self._tell(at, f"at character {fault.at + 1}: {fault}")
            return None

    def _parts(self, text: str) -> list[str | Placeholder]:
        parts: list[str | Placeholder] = []
        at = 0
        while (begins := text.find(OPEN, at)) >= 0:
            if begins > at:
                parts.append(text[at:begins])
            self.placeholders += 1
            placeholder, at = _Scanner(text, begins).placeholder()
            parts.append(placeholder)
        if at < len(text):
            parts.append(text[at:])
        return parts

    def _tell(self, at: str, said: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Refusal(at, said))


class _Scanner:
    """Goes through one placeholder, character by character; each is looked at once, or a fixed number of times."""

    def __init__(self, text: str, begins: int) -> None:
        self.text = text
        self.begins = begins
        self.at = begins + len(OPEN)

    def placeholder(self) -> tuple[Placeholder, int]:
        """The placeholder that begins here, and where it ends."""
        path, text = self._source()
        filters: list[tuple[Filter, Argument]] = []
        while self._next("|"):
            if len(filters) == MOST_FILTERS:
                raise _Fault(self.at, f"more than {MOST_FILTERS} filters one after the other")
            filters.append(self._filter())
        if not self._next(CLOSE):
            raise self._expected('"|" and a filter, or "}}"')
        return Placeholder(path, text, tuple(filters)), self.at

    def _source(self) -> tuple[tuple[str, ...] | None, str]:
        self._skip()
        quoted = self._quoted()
        if quoted is not None:
            return None, quoted
        begins, found = self.at, _PATH.match(self.text, self.at)
        if found is None:
            raise self._expected("a path, such as data.title")
        path = tuple(found[0].split("."))
        if not paths.there(path):
            raise _Fault(begins, f'there is no path "{found[0][:100]}"; {nearest(found[0], paths.PATHS)}')
        self.at = found.end()
        return path, ""

    def _filter(self) -> tuple[Filter, Argument]:
        self._skip()
        begins, found = self.at, _NAME.match(self.text, self.at)
        if found is None:
            raise self._expected("the name of a filter")
        name, self.at = found[0], found.end()
        if name not in FILTERS:
            raise _Fault(begins, f'there is no filter "{name[:100]}"; {nearest(name, FILTERS)}')
        filter_ = FILTERS[name]
        argument = self._argument() if self._next(":") else None
        self._check(name, filter_, argument, begins)
        return filter_, argument

    def _argument(self) -> Argument:
        self._skip()
        quoted = self._quoted()
        if quoted is not None:
            return quoted
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            raise self._expected("a text in quotation marks, or a number of up to six digits")
        self.at = found.end()
        return int(found[0])

    def _check(self, name: str, filter_: Filter, argument: Argument, at: int) -> None:
        kind = filter_.argument
        if kind == "none" and argument is not None:
            raise _Fault(at, f'the filter "{name}" takes no argument')
        if kind == "number" and not isinstance(argument, int):
            raise _Fault(at, f'the filter "{name}" takes a number: {name}:80')
        if kind == "text" and argument is None:
            raise _Fault(at, f'the filter "{name}" takes an argument: {name}:"…"')
        if filter_.choices and argument is not None and argument not in filter_.choices:
            raise _Fault(at, f'the filter "{name}" takes one of {", ".join(filter_.choices)}')

    def _quoted(self) -> str | None:
        mark = self.text[self.at : self.at + 1]
        if mark not in ("'", '"'):
            return None
        end = self.text.find(mark, self.at + 1)
        if end < 0:
            raise _Fault(self.at, f"the text that begins with {mark} does not end")
        found, self.at = self.text[self.at + 1 : end], end + 1
        return found

    def _next(self, sign: str) -> bool:
        self._skip()
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _expected(self, what: str) -> _Fault:
        if self.at >= len(self.text):
            return _Fault(self.begins, f'the placeholder that begins with "{OPEN}" does not end with "{CLOSE}"')
        return _Fault(self.at, f"{self.text[self.at : self.at + 20]!r} should be {what}")
