"""A profile that finds nothing where it found something before: the page was rebuilt, and that is told at once."""

from __future__ import annotations

from publisher.sources.reading import Reading
from publisher.sources.rules import rules_of


def parts(reading: Reading) -> list[str]:
    """What a reading found: ``article``, ``ticker``."""
    found = {"article": reading.fields is not None, "ticker": bool(reading.indicators)}
    return [name for name, is_there in found.items() if is_there]


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
