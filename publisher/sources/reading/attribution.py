"""Who wrote it, where, and whose picture: what a profile's rules and the general forms find, and what is doubtful.

The forms are in ``bylines``, ``datelines`` and ``credits``; here they meet a document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from publisher.model import Image
from publisher.sources.forms.bylines import MAX_LINE, is_byline, labels, names_only, people
from publisher.sources.forms.credits import credited
from publisher.sources.forms.datelines import Dateline, dateline, fits
from publisher.sources.profiles.patterns import find, matches_any
from publisher.sources.profiles.profile import Byline, Caption, DatelineRule
from publisher.sources.reading.draft import Reading
from publisher.sources.reading.soundness import is_closed

_ORDINARY = 100
"""Characters of a paragraph that is one, though no period ends it."""


@dataclass(slots=True)
class Credits:
    """``values`` of authors, editor and agency, and which of the paragraphs (by number) gave them."""

    values: dict[str, Any] = field(default_factory=dict)
    lines: set[int] = field(default_factory=set)


def bylines(reading: Reading, rule: Byline | None, paragraphs: Sequence[str]) -> Credits:
    """The bylines among the paragraphs of a text: they stand before its first sentence, or behind its last.

    A paragraph within the text is text, however it begins.
    """
    found = Credits()
    if rule is None:
        return found
    ordinary = [number for number, text in enumerate(paragraphs) if _is_text(rule, text)]
    first, last = (ordinary[0], ordinary[-1]) if ordinary else (len(paragraphs), -1)
    for number, text in enumerate(paragraphs):
        if (number < first or number > last) and reads_as_byline(rule, text):
            found.lines.add(number)
            add_byline(reading, rule, text, found.values)
        elif number == first and matches_any((rule.line,), text):
            told = "begins as a byline does and reads like none; it is left in the text"
            reading.warn(told, "authors", text)
    return found


def add_byline(reading: Reading, rule: Byline, line: str, values: dict[str, Any]) -> None:
    """Take what a byline says; what an earlier one said stands, and is told where this one says otherwise."""
    for name, value in _byline_values(reading, rule, line).items():
        known = values.setdefault(name, value)
        if known != value:
            reading.warn(f"another byline says {value!r}; {known!r} is taken", name, line)


def reads_as_byline(rule: Byline, line: str) -> bool:
    """Whether a line that the profile takes for a byline is one, with names alone in it."""
    if len(line) > MAX_LINE or not (matches_any((rule.line,), line) or labels(line) > 1):
        return False
    if is_byline(line):
        return True
    values = [value for value in _groups(rule, line).values() if value]
    return bool(values) and all(map(names_only, values))


def _is_text(rule: Byline, text: str) -> bool:
    if matches_any((rule.line,), text) or labels(text) > 1:
        return not reads_as_byline(rule, text)
    return len(text) > _ORDINARY or is_closed(text)


def _groups(rule: Byline, line: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pattern in rule.patterns:
        match = find(pattern, line)
        for name, value in match.groupdict().items() if match else ():
            if value and value.strip():
                found[name] = value.strip()
    return found


def _byline_values(reading: Reading, rule: Byline, line: str) -> dict[str, Any]:
    if not rule.patterns or not matches_any((rule.line,), line):
        said = people(line)
        if said.doubt:
            reading.warn(said.doubt, "authors", line)
        if said.doubt and said.editor and said.editor in said.doubt:
            reading.warn(said.doubt, "editor", line)
        if said.doubt and "source" in said.doubt:
            reading.warn(said.doubt, "agency", line)
        values = {"authors": list(said.authors), "editor": said.editor, "agency": said.agency}
        return {name: value for name, value in values.items() if value}
    values = dict(_groups(rule, line))
    if "authors" in values:
        values["authors"] = authors(reading, str(values["authors"]), rule.separator)
    return values


def authors(reading: Reading, text: str, separator: str | None = None) -> list[str]:
    """The people of a value that names authors; what else stands in it is left out, and told."""
    if separator is not None:
        return [name.strip() for name in re.split(separator, text) if name.strip()]
    said = people(text)
    left_out = [*said.outlets, *([said.agency] if said.agency else [])]
    if said.doubt or (left_out and not said.authors):
        reading.warn(said.doubt or f"{', '.join(left_out)} is no person's name, and is left out", "authors", text)
    return list(said.authors)


def place(reading: Reading, rule: DatelineRule | None, text: str) -> Dateline:
    """The dateline of the first paragraph by the profile's rule; its ``prefix`` is what the paragraph loses."""
    if rule is None:
        return Dateline(text)
    found = _by_pattern(rule.pattern, text) if rule.pattern else _by_form(rule, text)
    if found.doubt:
        reading.warn(found.doubt, "dateline", text[:160])
    return found


def _by_form(rule: DatelineRule, text: str) -> Dateline:
    mark = find(rule.after, text) if rule.after else None
    return dateline(text, after=mark.end() if mark and mark.start() == 0 else 0)


def _by_pattern(pattern: str, text: str) -> Dateline:
    match = find(pattern, text)
    if match is None or match.start() != 0:
        return Dateline(text)
    taken, rest = match["dateline"].strip(), text[match.end() :]
    if fits(taken, rest):
        return Dateline(rest, taken, text[: match.end()])
    general = dateline(text, after=match.start("dateline"))
    if general.place:
        return general
    return Dateline(text, doubt=f"{taken!r} reads like no place; it is left in the text")


def image(reading: Reading, rules: Caption, url: str | None, text: str | None) -> Image | None:
    """An illustration with caption and credit apart; None where there is nothing of it."""
    caption, credit = (text or "").strip(), None
    if rules.label:
        match = find(rules.label, caption)
        if match and match.start() == 0:
            caption = caption[match.end() :].strip()
    if not rules.credit:
        found = credited(caption)
        if found.doubt:
            reading.warn(found.doubt, "images", caption)
        caption, credit = found.caption or "", found.credit
    for pattern in rules.credit:
        match = find(pattern, caption)
        if match:
            caption, credit = match["caption"].strip(), match["credit"].strip()
            break
    return Image(url=url, caption=caption, credit=credit) if url or caption or credit else None
