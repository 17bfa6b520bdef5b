"""Expressions over events, in CEL (the Common Expression Language): the only file that knows what evaluates them.

What could take more than time in proportion to the event is left out of the language: macros that go through a list or
map, ``matches`` (regular expressions), and ``+`` (texts that grow). What is left takes each part of the event a few
times at most, since an expression has at most :data:`LONGEST` characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from publisher.imports import later

LONGEST = 500
"""Characters of an expression."""

EXTRA = "publisher[cel]"

VARIABLES = ("type", "timestamp", "id", "seq", "source", "change", "changed", "data")
"""What an expression may name: the members of the envelope."""

_LEFT_OUT = """
name: publisher
stdlib:
  exclude_macros: [all, exists, exists_one, map, filter]
  exclude_functions:
    - name: matches
    - name: _+_
"""

_ROOM = "event"
# Names are looked up in this container first: `type` alone would be CEL's own function.

_ERROR = re.compile(r"ERROR: [^:]*:(\d+):(\d+): (.*)")

_UNSAID = {"all", "exists", "exists_one", "existsOne", "map", "filter", "matches", "_+_"}

_TYPES = re.compile(r"\w+' to '\w+'")

_LONGEST_FAULT = 200

cel = later("cel_expr_python.cel")


class NotAnExpression(ValueError):
    """It cannot be read, or is none that says yes or no; says where and what."""


class NoExpressions(ValueError):
    """What evaluates expressions is not installed; says how to install it."""

    def __init__(self) -> None:
        super().__init__(f'expressions need what evaluates them: the operator installs it with pip install "{EXTRA}"')


class EvaluationError(Exception):
    """It could not be evaluated for one event: a field that is not there, a number that is none."""


class Expression:
    """A compiled expression. Make it with :func:`compiled`."""

    def __init__(self, text: str, program: Any) -> None:
        self._text = text
        self._program = program

    def holds(self, activation: Any) -> bool:
        """Whether it is true of what :func:`activation` made of an envelope. Raises EvaluationError."""
        value = self._program.eval(activation)
        found = value.value()
        if found is True or found is False:
            return bool(found)
        if value.type() == cel.Type.ERROR:
            raise EvaluationError(_evaluation_error(str(found), self._text))
        raise EvaluationError(f"it is neither true nor false, but of the type {value.type().name().lower()}")


@lru_cache(maxsize=4096)
def compiled(text: str) -> Expression:
    """The expression of this text. Raises NotAnExpression, or NoExpressions."""
    if len(text) > LONGEST:
        raise NotAnExpression(f"may have {LONGEST} characters, not {len(text):,}")
    if not text.isprintable() and any(not one.isprintable() and one not in "\n\t\r" for one in text):
        raise NotAnExpression("has a character that cannot be seen; write it as \\u0000 with its number")
    env = _environment()
    try:
        program = env.compile(text)
    except RuntimeError as error:
        raise NotAnExpression(_compile_error(str(error), text)) from error
    kind = program.return_type()
    if kind not in (cel.Type.BOOL, cel.Type.DYN):
        raise NotAnExpression(f"must be true or false of an event; this is of the type {kind.name().lower()}")
    return Expression(text, program)


def activation(envelope: Mapping[str, Any]) -> Any:
    """An envelope as expressions take it; made once for all that are asked of it. Raises NoExpressions."""
    return _environment().Activation({f"{_ROOM}.{name}": envelope[name] for name in VARIABLES})


@lru_cache(maxsize=1)
def _environment() -> Any:
    try:
        types = cel.Type
    except ImportError as error:
        raise NoExpressions from error
    declared = {
        **dict.fromkeys(("type", "timestamp", "id", "change"), types.STRING),
        "seq": types.INT,
        "source": types.DYN,
        "changed": types.List(types.STRING),
        "data": types.Map(types.STRING, types.DYN),
    }
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(_LEFT_OUT),
        variables={f"{_ROOM}.{name}": declared[name] for name in VARIABLES},
        container=_ROOM,
    )


def _compile_error(message: str, text: str) -> str:
    """The first fault of the compiler's message, by line and column; or why a part of the language is left out."""
    faults = [(int(line), int(column), said) for line, column, said in _ERROR.findall(message)]
    if not faults:
        reason = message.partition(" [")[0].partition(": ")[2] or message
        return f"cannot be read: {reason[:_LONGEST_FAULT]}"
    unsaid = next((fault for fault in faults if _named(fault[2]) in _UNSAID), None)
    line, column, said = unsaid or faults[0]
    said = said.replace(f" (in container '{_ROOM}')", "").removesuffix(" [INVALID_ARGUMENT]")
    if unsaid is not None:
        name = _named(said).strip("_")
        said = f"{name!r} is left out here: what an expression takes must not grow beyond the event"
    elif said.startswith("undeclared reference"):
        said += f"; there are {', '.join(VARIABLES)}"
    place = f"line {line}, column {column}" if "\n" in text.strip() else f"column {column}"
    return f"{place}: {said[:_LONGEST_FAULT]}"


def _named(said: str) -> str:
    """The function that a fault is about."""
    found = re.search(r"'([^']*)'", said)
    return found.group(1) if found else ""


def _evaluation_error(message: str, text: str) -> str:
    """In one line: ``Key not found in map : "titl"``.

    It is kept for longer than the event may be, so it quotes the expression and nothing of the event.
    """
    said = " ".join((message.partition(": ")[2] or message).split())
    head, quote, quoted = re.match(r"([^\"']*)([\"']?)(.*)", said).groups()  # type: ignore[union-attr]  # fits any text
    if quote and quoted[:-1] not in text and not _TYPES.fullmatch(quoted):
        said = f"{head.removesuffix('b')}(what the event says)"
    return said[:_LONGEST_FAULT]
