"""A profile that finds nothing where it found something before: the page was rebuilt, and that is told at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from publisher.model import Indicator
from publisher.model.observed import Problem
from publisher.sources.reading.draft import Reading, rules_of


def parts(reading: Reading) -> list[str]:
    """What a reading found: ``article``, ``ticker``."""
    found = {"article": reading.fields is not None, "ticker": bool(reading.indicators)}
    return [name for name, is_there in found.items() if is_there]


def lost_rows(
    before: Collection[str], found: Iterable[Indicator], problems: Iterable[Problem], origin: str
) -> tuple[list[str], list[Problem]]:
    """The symbols to remember, and what is to be told of those that were read ``before`` and do not stand there now.

    One that stands there and was refused is told of already: its problem's field or origin ends with the symbol.
    """
    here = {one.symbol for one in found}
    refused = {place.rpartition(" ")[2] for one in problems for place in (one.field or "", one.origin)}
    missing = sorted(one for one in set(before) - here if one.rpartition(" ")[2] not in refused)
    remembered = sorted(here | (set(before) - set(missing)))
    if not missing:
        return remembered, []
    message = f"no row any more of {', '.join(missing)}, read last time beside {len(here)} others; has it changed?"
    return remembered, [Problem(origin, message, field="ticker", severity="warning")]


def in_words(reading: Reading, part: str) -> str:
    """Why a part that was there before was not found, with the selectors or patterns that found nothing."""
    rules = {name: text for name in _empty(reading, part) if (text := rules_of(reading.profile, name))}
    if not rules:
        reasons = dict.fromkeys(one.message for one in reading.problems if one.severity == "error")
        return f"there is no {part} any more: {'; '.join(reasons) or 'has the page changed?'}"
    said = " and ".join(f"{text} ({name})" for name, text in rules.items())
    return f"{said} finds nothing any more; has the page changed?"


def _empty(reading: Reading, part: str) -> list[str]:
    if part == "ticker":
        rows = [one for one in reading.problems if one.field and one.field.startswith("ticker ")]
        return [] if rows else ["[ticker] rows"]
    missing = {one.field for one in reading.problems if one.severity == "error"}
    return [f"[article] {name}" for name in ("title", "body") if name in missing]
