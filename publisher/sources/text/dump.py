"""Text dumps: an article and a ticker as a profile's patterns find them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import unescape
from typing import Any

from publisher.model import IndicatorSpec, Related
from publisher.sources.documents.charset import decode
from publisher.sources.forms.bylines import parted
from publisher.sources.html.body import escaped
from publisher.sources.profiles.patterns import find, matches_any, value_of
from publisher.sources.profiles.profile import LineRule, TextArticle, TextProfile, TextTicker
from publisher.sources.reading.attribution import add_byline, bylines, image, place, reads_as_byline
from publisher.sources.reading.draft import Reading, add_row
from publisher.sources.reading.soundness import is_closed, is_wrapped, tell_doubts
from publisher.sources.text.layout import Layout, Value, found_by, is_row, layout, like_a_row

MAX_HEADLINE = 200
"""Characters of a headline."""

MAX_COMPARED = 20
"""Related headlines among which a new one is looked for."""

_ENTITY = re.compile(r"&(?:nbsp|amp|quot|apos|lt|gt|[lr][sd]quo|[mn]dash|hellip|#\d{1,6}|#x[0-9a-fA-F]{1,5});")


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
    lines = [" ".join(line.split()) for line in _characters(reading, decoded.text).split("\n")]
    where = layout(lines, profile)
    if profile.ticker:
        _read_ticker(reading, lines, profile.ticker, where, specs=specs or {}, now=now)
    if profile.article:
        fields = _article(reading, lines, profile, profile.article, where)
        if fields is not None:
            fields["language"] = profile.language
            reading.complete(fields)
    return reading


def _characters(reading: Reading, text: str) -> str:
    """The text with characters for the entities of markup, which a dump of text has no use for."""
    found = _ENTITY.search(text)
    if found is None:
        return text
    reading.warn("holds entities of markup; they are read as the characters that they mean", "body", found[0])
    return _ENTITY.sub(lambda entity: unescape(entity[0]), text)


# --- the article


def _article(
    reading: Reading, lines: Sequence[str], profile: TextProfile, rules: TextArticle, where: Layout
) -> dict[str, Any] | None:
    head = range(*where.head)
    skip = _others(profile, rules)
    dates = _values(rules.published, lines, head)
    title = _title(reading, rules, lines, head=head, skip=skip, dates={one.line for one in dates})
    shown = [number for number in head if lines[number] == title]
    date = _own_date(reading, dates, shown, lines)
    if date is None and where.body:
        date = _below(reading, rules, lines, where.body)
    fields: dict[str, Any] = {
        "title": title,
        "summary": _first(rules.summary, lines, head),
        "published": reading.moment("published", date),
        "updated": reading.moment("updated", _first(rules.updated, lines, head)),
        "section": _first(rules.section, lines, head),
        "images": [],
        "related": [],
    }
    paragraphs = _paragraphs(reading, rules, lines, where, fields)
    if is_wrapped(paragraphs):
        told = "most lines break off within a sentence: a paragraph must stand on one line"
        reading.error(f"{told}; the article is refused", "body", paragraphs[0][:160])
        return None
    if _is_cut_off(reading, rules, where, paragraphs):
        return None
    _head(reading, rules, lines, fields, head=head, skip=skip)
    fields["body"] = escaped(_own_text(reading, rules, paragraphs, fields))
    return fields


def _own_text(reading: Reading, rules: TextArticle, paragraphs: list[str], fields: dict[str, Any]) -> list[str]:
    """The paragraphs without byline and dateline, which become fields; what is doubtful about them is told."""
    credits = bylines(reading, rules.byline, paragraphs)
    for name, value in credits.values.items():
        fields.setdefault(name, value)
    paragraphs = [text for number, text in enumerate(paragraphs) if number not in credits.lines]
    open_end = bool(paragraphs) and not rules.body.end and not is_closed(paragraphs[-1])  # told as what may be cut off
    tell_doubts(reading, paragraphs[:-1] if open_end else paragraphs, fields["title"])
    if paragraphs:
        found = place(reading, rules.dateline, paragraphs[0])
        fields["dateline"] = found.place
        paragraphs[:1] = [found.rest.strip()] if found.rest.strip() else []
    return paragraphs


def _others(profile: TextProfile, rules: TextArticle) -> tuple[str, ...]:
    """The patterns of lines that are no headline: dates, captions, bylines, the ticker, the text's own beginning."""
    ticker = profile.ticker
    found = [rule.pattern for rule in (*rules.published, *rules.updated) if not rule.after and not rule.before]
    found += [rules.image.line if rules.image else None, rules.byline.line if rules.byline else None]
    found += [ticker.row, ticker.after] if ticker else []
    return tuple(one for one in (*found, *rules.related, *rules.body.start, *rules.body.end) if one)


def _values(rules: Sequence[LineRule], lines: Sequence[str], numbers: range) -> list[Value]:
    """All that the first rule finds that finds anything."""
    for rule in rules:
        found = list(found_by(rule, lines, numbers))
        if found:
            return found
    return []


def _first(rules: Sequence[LineRule], lines: Sequence[str], head: range) -> str | None:
    found = _values(rules, lines, head) or _values(rules, lines, range(head.stop, len(lines)))
    return found[0].text if found else None


def _title(
    reading: Reading,
    rules: TextArticle,
    lines: Sequence[str],
    *,
    head: range,
    skip: tuple[str, ...],
    dates: set[int],
) -> str | None:
    """What most rules find; each is evidence, and where they do not agree it is told."""
    own = max(dates, default=None)
    found = []
    for rule in rules.title:
        one = next(found_by(rule, lines, head, skip=skip if rule.after or rule.before else (), mark=own), None)
        if one is not None:
            found.append(one.text)
    if not found:
        return None
    title = Counter(found).most_common(1)[0][0]  # the first of those that are found equally often
    others = [one for one in dict.fromkeys(found) if one != title]
    if others:
        reading.warn(f"is in doubt: other rules find {others[0]!r}", "title", title)
    return title


def _own_date(reading: Reading, dates: Sequence[Value], shown: Sequence[int], lines: Sequence[str]) -> str | None:
    """The article's own date line, the last above its text; the clock in the head of a page is none."""
    if not dates:
        return None
    own = dates[-1]
    top = shown[0] if shown else 0
    rivals = [one.text for one in dates if one.line > top and one.text != own.text]
    if rivals:
        reading.warn(f"another line says {rivals[0]!r}; the last above the text is taken", "published", own.text)
    between = any(lines[number] for number in range(own.line + 1, top))
    if own.line < top and (len(shown) > 1 or between):
        reading.warn("stands above the headline: is it the page's clock and not the article's?", "published", own.text)
    return own.text


def _below(reading: Reading, rules: TextArticle, lines: Sequence[str], body: tuple[int, int]) -> str | None:
    found = _values(rules.published, lines, range(*body))
    if not found:
        return None
    reading.warn("stands below the beginning of the text: is it another article's?", "published", found[0].text)
    return found[0].text


def _head(
    reading: Reading,
    rules: TextArticle,
    lines: Sequence[str],
    fields: dict[str, Any],
    *,
    head: range,
    skip: tuple[str, ...],
) -> None:
    """Captions and bylines above the text; what no rule knows there is told."""
    marked = rules.body.after or rules.body.start
    below = max((number for number in head if lines[number] == fields["title"]), default=head.start)
    captions = 0
    for number in head:
        line, behind = parted(lines[number]) if rules.byline else (lines[number], "")
        if behind and rules.byline and marked:
            add_byline(reading, rules.byline, behind, fields)
        if not line:
            continue
        if rules.image and find(rules.image.line, line):
            captions += 1
            _caption(reading, rules, line, fields, second=captions > 1)
        elif rules.byline and reads_as_byline(rules.byline, line):
            if marked:
                add_byline(reading, rules.byline, line, fields)
        elif marked and not _known(rules, skip, line) and (number > below or _is_sentence(line)):
            beside = number > 0 and rules.image is not None and find(rules.image.line, lines[number - 1])
            name = "images" if rules.image and (beside or not captions) else "body"
            reading.warn("a line above the text that no rule knows; it is left out", name, line)


def _is_sentence(line: str) -> bool:
    return len(line) > 60 and is_closed(line)


def _known(rules: TextArticle, skip: tuple[str, ...], line: str) -> bool:
    byline = rules.byline is not None and find(rules.byline.line, line) is not None
    return not byline and matches_any((*skip, *rules.body.junk), line)


def _caption(reading: Reading, rules: TextArticle, line: str, fields: dict[str, Any], *, second: bool) -> None:
    assert rules.image is not None
    one = image(reading, rules.image, None, line)
    if second:
        reading.warn("a second caption; another article's?", "images", line)
    if one:
        fields["images"].append(one)


def _paragraphs(
    reading: Reading, rules: TextArticle, lines: Sequence[str], where: Layout, fields: dict[str, Any]
) -> list[str]:
    """The lines of the body that are text; related headlines and captions go to their fields."""
    paragraphs = []
    start, end = where.body or (0, 0)
    marked = rules.body.after or rules.body.start
    for line in filter(None, lines[start:end]):
        title = next((found for pattern in rules.related if (found := value_of(pattern, line))), None)
        if title:
            _relate(reading, fields["related"], title)
        elif marked and rules.image and find(rules.image.line, line):
            _caption(reading, rules, line, fields, second=True)
        elif marked and any(rule.pattern and find(rule.pattern, line) for rule in rules.published if _is_line(rule)):
            reading.warn("a date line within the text: does another article begin here?", "body", line)
            paragraphs.append(line)
        elif not matches_any(rules.body.junk, line):
            paragraphs.append(line)
    return paragraphs


def _relate(reading: Reading, related: list[Related], title: str) -> None:
    if title.endswith(".") or len(title) > MAX_HEADLINE:
        reading.warn("reads like more than a headline: does the text go on in it?", "related", title)
    if title not in (one.title for one in related[-MAX_COMPARED:]):
        related.append(Related(title=title))


def _is_line(rule: LineRule) -> bool:
    return rule.after is None and rule.before is None and rule.pattern is not None and rule.pattern.startswith("^")


def _is_cut_off(reading: Reading, rules: TextArticle, where: Layout, paragraphs: Sequence[str]) -> bool:
    """Whether the dump breaks off within the text, so that the article is refused; a doubt is told."""
    if not paragraphs or (rules.body.end and where.ended):
        return False
    last = paragraphs[-1]
    if rules.body.end and not is_closed(last):
        told = "breaks off: the mark that ends it is missing, and its last line ends in no sentence"
        reading.error(f"{told}; the article is refused", "body", last[-160:])
        return True
    if rules.body.end:
        reading.warn("the mark that ends it is missing: is something cut off?", "body", last[-160:])
    elif not is_closed(last):
        reading.warn("its last line ends in no sentence: is something cut off?", "body", last[-160:])
    return False


# --- the ticker


def _read_ticker(
    reading: Reading,
    lines: Sequence[str],
    ticker: TextTicker,
    where: Layout,
    *,
    specs: Mapping[str, IndicatorSpec],
    now: datetime,
) -> None:
    first, last = where.ticker or (0, 0)
    inside = [line for line in lines[first:last] if line]
    if not any(find(ticker.row, line) for line in inside):
        reading.warn("no rows of a ticker; has the dump changed?", "ticker")
    elif ticker.end and not any(lines[last:]):
        reading.warn("the line that ends the ticker is missing: are rows cut off?", "ticker")
    for line in inside:
        match = find(ticker.pattern, line)
        if find(ticker.row, line):
            add_row(reading, ticker, line, match.groupdict() if match else {}, specs=specs, now=now)
        elif ticker.after is not None and not (ticker.end and find(ticker.end, line)):
            reading.error("stands among the rows of the ticker and is none; it is left out", "ticker", line)
    _rows_elsewhere(reading, lines, ticker, where)


def _rows_elsewhere(reading: Reading, lines: Sequence[str], ticker: TextTicker, where: Layout) -> None:
    """Tell of rows outside the ticker; above the text what only looks like one counts, too."""
    first, last = where.ticker or (0, 0)
    for number, line in enumerate(lines):
        if not line or first <= number < last:
            continue
        if is_row(ticker, line):
            reading.error("a row stands outside the ticker; it is left out", "ticker", line)
        elif number < where.head[1] and like_a_row(line):
            reading.error("what looks like a row stands outside the ticker; it is left out", "ticker", line)
