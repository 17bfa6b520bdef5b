"""Where things stand in a text dump: the ticker, what is above the article's text, the text, and where it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from publisher.sources.profiles.patterns import find, matches_any, value_of
from publisher.sources.profiles.profile import LineRule, TextArticle, TextProfile, TextTicker
from publisher.sources.reading.attribution import reads_as_byline

NEAR = 12
"""Lines between a byline and the first sentence: share bars and white space."""

MAX_MARKS = 20
"""Lines that mark the place of a value; each is looked at in time that grows with the dump."""

_LIKE_A_ROW = re.compile(r"\S+.{0,40}\s[\d.,]{2,}.{0,40}\d\s?%")


@dataclass(frozen=True, slots=True)
class Layout:
    """Numbers of lines: ``ticker`` and ``body`` from their first line to that behind their last, None where they are
    not found; ``head`` is where an article's headline and date stand. ``ended``: a mark ends the body.
    """

    ticker: tuple[int, int] | None
    head: tuple[int, int]
    body: tuple[int, int] | None
    ended: bool


def layout(lines: Sequence[str], profile: TextProfile) -> Layout:
    """Where things stand in these lines, by the profile's marks."""
    ticker = _ticker(lines, profile.ticker) if profile.ticker else None
    below = ticker[1] if ticker else 0
    if profile.article is None:
        return Layout(ticker, (below, len(lines)), None, ended=True)
    start = _start(lines, profile.article)
    end = _end(lines, profile.article, start or 0)
    marked = bool(profile.article.body.after or profile.article.body.start)
    head_end = start if marked and start is not None else end
    head = (below, head_end) if below < head_end else (0, head_end)
    return Layout(ticker, head, None if start is None else (start, end), ended=end < len(lines))


def _ticker(lines: Sequence[str], rules: TextTicker) -> tuple[int, int] | None:
    """The rows of a ticker; a line that ends it counts once no further row follows."""
    start = 0
    if rules.after is not None:
        found = next((number for number, line in enumerate(lines) if line and find(rules.after, line)), None)
        if found is None:
            return None
        start = found + 1
    while start < len(lines) and not lines[start]:
        start += 1
    at = start
    while at < len(lines):
        if rules.end and find(rules.end, lines[at]):
            following = _next_line(lines, at + 1)
            if following is None or not is_row(rules, lines[following]):
                return start, at
            at = following
        at += 1
    return start, at


def _next_line(lines: Sequence[str], start: int) -> int | None:
    return next((number for number in range(start, min(start + 4, len(lines))) if lines[number]), None)


def is_row(rules: TextTicker, line: str) -> bool:
    """Whether a line is a row with all of its columns."""
    match = find(rules.pattern, line) if line and find(rules.row, line) else None
    return match is not None and all(match.groupdict().get(column) for column in rules.columns)


def like_a_row(line: str) -> bool:
    """Whether a line looks as if it were a row of a ticker, or ended in one."""
    return len(line) < 120 and _LIKE_A_ROW.fullmatch(line) is not None


def _start(lines: Sequence[str], rules: TextArticle) -> int | None:
    """The first line of the body: the earlier of what stands behind ``after`` and what ``start`` finds.

    Where ``start`` finds one of the next lines, what stands between is no text.
    """
    body = rules.body
    if not body.after and not body.start:
        return 0
    after = _first(lines, body.after, rules, 1)
    begun = _first(lines, body.start, rules, 0)
    if after is not None and begun is not None and after < begun <= after + NEAR:
        return begun
    found = [number for number in (after, begun) if number is not None]
    return min(found) if found else None


def _first(lines: Sequence[str], patterns: tuple[str, ...], rules: TextArticle, offset: int) -> int | None:
    for number, line in enumerate(lines):
        if line and matches_any(patterns, line) and not _only_begins_so(rules, line):
            return number + offset
    return None


def _only_begins_so(rules: TextArticle, line: str) -> bool:
    """Whether a line begins as a byline does and is a sentence: it marks nothing."""
    byline = rules.byline
    return byline is not None and find(byline.line, line) is not None and not reads_as_byline(byline, line)


def _end(lines: Sequence[str], rules: TextArticle, start: int) -> int:
    for number in range(start, len(lines)):
        if lines[number] and matches_any(rules.body.end, lines[number]):
            return number
    return len(lines)


@dataclass(frozen=True, slots=True)
class Value:
    """A value and the number of the line in which it stands."""

    line: int
    text: str


def found_by(
    rule: LineRule, lines: Sequence[str], numbers: range, *, skip: tuple[str, ...] = (), mark: int | None = None
) -> Iterator[Value]:
    """What a rule finds in these lines: a value beside each that its mark matches, or in each that its pattern does.

    A line that one of ``skip`` matches is another value's, and is passed over. Where the line ``mark`` is one of the
    rule's marks, it alone counts.
    """
    beside = rule.after or rule.before
    if beside is None:
        found = ((number, value_of(rule.pattern, lines[number])) for number in numbers if lines[number])
        yield from (Value(number, text) for number, text in found if text)
        return
    marks = [number for number in numbers if lines[number] and find(beside, lines[number])][:MAX_MARKS]
    for one in [mark] if mark in marks else marks:
        towards = range(one + 1, numbers.stop) if rule.after else range(one - 1, numbers.start - 1, -1)
        taken = (number for number in towards if lines[number] and not matches_any(skip, lines[number]))
        for number in taken:
            text = value_of(rule.pattern, lines[number])
            if text:
                yield Value(number, text)
            if text or rule.pattern is None:
                break
