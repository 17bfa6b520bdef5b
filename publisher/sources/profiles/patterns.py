"""Regular expressions and CSS selectors as data: checked when a profile is read, bounded when they are used."""

from __future__ import annotations

import re
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Annotated, Any

from pydantic import AfterValidator
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

MAX_PATTERN = 1000
MAX_LINE = 4000
"""Characters of a line or paragraph that a pattern is shown; nothing that profiles look for is longer."""

_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT)


def _pattern(text: str) -> str:
    if len(text) > MAX_PATTERN:
        raise ValueError(f"a pattern has at most {MAX_PATTERN} characters")
    try:
        compiled = _parser.parse(text)
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    if _nested(compiled, inside=False):
        # (a+)+ takes exponential time on a text that almost matches, whatever its length limit.
        raise ValueError(f"{text!r} repeats a repetition, which can take for ever; take one of the two out")
    return text


def _nested(parsed: Any, *, inside: bool) -> bool:
    """Whether an unbounded repetition stands inside another."""
    for operator, argument in parsed:
        unbounded = operator in _REPEATS and argument[1] is _constants.MAXREPEAT
        if unbounded and inside:
            return True
        for part in _parts(operator, argument):
            if _nested(part, inside=inside or unbounded):
                return True
    return False


def _parts(operator: Any, argument: Any) -> list[Any]:
    if operator in _REPEATS or operator is _constants.POSSESSIVE_REPEAT:
        return [argument[2]]
    if operator is _constants.SUBPATTERN:
        return [argument[3]]
    if operator is _constants.BRANCH:
        return list(argument[1])
    if operator in (_constants.ASSERT, _constants.ASSERT_NOT):
        return [argument[1]]
    return [argument] if operator is _constants.ATOMIC_GROUP else []


def _selector(text: str) -> str:
    try:
        LexborHTMLParser("<p>").css(text)
    except SelectolaxError as error:
        raise ValueError(f"{text!r} is no CSS selector") from error
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A Python regular expression, without a repetition inside a repetition."""

Selector = Annotated[str, AfterValidator(_selector)]
"""A CSS selector."""


def find(pattern: str, text: str) -> re.Match[str] | None:
    """The first place where a pattern matches, in the part of the text that patterns are shown."""
    return re.search(pattern, text[:MAX_LINE])


def matches_any(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of the patterns matches somewhere."""
    return any(find(pattern, text) for pattern in patterns)


def value_of(pattern: str | None, text: str) -> str | None:
    """What a pattern takes of a text: its group ``value``, else its first group, else the whole match.

    Without a pattern the whole text; None where there is no match, or nothing in it.
    """
    if pattern is None:
        return text.strip() or None
    match = find(pattern, text)
    if match is None:
        return None
    groups = match.groupdict()
    taken = groups["value"] if "value" in groups else match[1] if match.re.groups else match[0]
    return (taken or "").strip() or None
