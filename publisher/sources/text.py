"""Text dumps: an article and a ticker as a profile's patterns find them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from publisher.model import IndicatorSpec, Related
from publisher.sources.body import escaped
from publisher.sources.charset import decode
from publisher.sources.patterns import find, matches_any, value_of
from publisher.sources.profile import LineRule, TextArticle, TextBody, TextProfile, TextTicker
from publisher.sources.reading import Reading, add_row, byline_values, image, is_byline


def read_text(
    body: bytes,
    profile: TextProfile,
    *,
    origin: str,
    now: datetime,
    specs: Mapping[str, IndicatorSpec] | None = None,
) -> Reading:
    """What a text dump holds. Raises ReadError for what is no text."""
    decoded = decode(body, html=False)
    reading = Reading(origin, profile)
    if decoded.warning:
        reading.warn(decoded.warning, "charset")
    lines = [" ".join(line.split()) for line in decoded.text.split("\n")]
    if profile.ticker:
        _read_ticker(reading, lines, profile.ticker, specs or {}, now)
    if profile.article:
        fields = _article(reading, lines, profile.article)
        fields["language"] = profile.language
        reading.complete(fields)
    return reading


def _article(reading: Reading, lines: list[str], rules: TextArticle) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "title": _first(lines, rules.title),
        "summary": _first(lines, rules.summary),
        "published": reading.moment("published", _first(lines, rules.published)),
        "updated": reading.moment("updated", _first(lines, rules.updated)),
        "section": _first(lines, rules.section),
        "images": [],
        "related": [],
    }
    if rules.image:
        line = next((line for line in lines if matches_any((rules.image.line,), line)), None)
        one = image(rules.image, None, line) if line else None
        fields["images"] = [one] if one else []
    for line in lines:
        if rules.byline and is_byline(rules.byline, line):
            fields |= byline_values(rules.byline, line)
            break
    paragraphs = []
    for line in _body(lines, rules.body):
        title = next((found for pattern in rules.related if (found := value_of(pattern, line))), None)
        if title:
            fields["related"].append(Related(title=title))
        elif not matches_any(rules.body.junk, line) and not is_byline(rules.byline, line):
            paragraphs.append(line)
    fields["dateline"] = _dateline(rules, paragraphs)
    fields["body"] = escaped(paragraphs)
    return fields


def _first(lines: list[str], rules: tuple[LineRule, ...]) -> str | None:
    """The value of the first rule that finds one."""
    for rule in rules:
        for line in _candidates(lines, rule):
            value = value_of(rule.pattern, line)
            if value:
                return value
    return None


def _candidates(lines: list[str], rule: LineRule) -> Iterator[str]:
    """The lines that a rule may take its value from."""
    mark = rule.after or rule.before
    if mark is None:
        yield from (line for line in lines if line)
        return
    at = next((number for number, line in enumerate(lines) if line and find(mark, line)), None)
    if at is not None:
        beside: Iterable[str] = lines[at + 1 :] if rule.after else reversed(lines[:at])
        yield from (line for line in list(beside) if line) if rule.pattern else _one(beside)


def _one(lines: Iterable[str]) -> Iterator[str]:
    found = next((line for line in lines if line), None)
    if found is not None:
        yield found


def _body(lines: list[str], rules: TextBody) -> Iterator[str]:
    """The lines with text between the start and the end of the body; none where its start is not found."""
    start = _start(lines, rules)
    if start is None:
        return
    for line in lines[start:]:
        if line and matches_any(rules.end, line):
            return
        if line:
            yield line


def _start(lines: list[str], rules: TextBody) -> int | None:
    for patterns, offset in ((rules.after, 1), (rules.start, 0)):
        for pattern in patterns:
            for number, line in enumerate(lines):
                if line and find(pattern, line):
                    return number + offset
    return None if rules.after or rules.start else 0


def _dateline(rules: TextArticle, paragraphs: list[str]) -> str | None:
    """The place at the start of the first paragraph, which loses it."""
    match = find(rules.dateline, paragraphs[0]) if rules.dateline and paragraphs else None
    if match is None or match.start() != 0:
        return None
    rest = paragraphs[0][match.end() :].strip()
    paragraphs[:1] = [rest] if rest else []
    return match["dateline"].strip()


def _read_ticker(
    reading: Reading,
    lines: list[str],
    ticker: TextTicker,
    specs: Mapping[str, IndicatorSpec],
    now: datetime,
) -> None:
    rows = list(_rows(lines, ticker))
    if not rows:
        reading.warn("no rows of a ticker; has the dump changed?", "ticker")
    for row in rows:
        match = find(ticker.pattern, row)
        add_row(reading, ticker, row, match.groupdict() if match else {}, specs=specs, now=now)


def _rows(lines: list[str], ticker: TextTicker) -> Iterator[str]:
    inside = ticker.after is None
    for line in lines:
        if not inside:
            inside = bool(line and ticker.after and find(ticker.after, line))
        elif ticker.end and find(ticker.end, line):
            return
        elif line and find(ticker.row, line):
            yield line
