"""Numbers, times and the few words that feeds say themselves, in the feed's language; plain lines as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from html import escape

from babel.dates import format_time

from publisher.clock import bounded
from publisher.errors import ReadError
from publisher.locale import format_date, format_decimal, known_locale, known_zone
from publisher.locale.lookup import zone_name


@dataclass(frozen=True, slots=True)
class Words:
    """The labels of an indicator's details."""

    previous_close: str
    as_of: str
    observed: str


_WORDS = {
    "id": Words("Penutupan sebelumnya", "Per", "Diamati"),
    "en": Words("Previous close", "As of", "Observed"),
    "de": Words("Vortagesschluss", "Stand", "Beobachtet"),
    "fr": Words("Clôture précédente", "Au", "Observé"),
}


def words(language: str) -> Words:
    """The labels in this language, in English where it is none of ours."""
    return _WORDS.get(language.partition("-")[0].lower(), _WORDS["en"])


def number(value: Decimal, language: str, *, signed: bool = False) -> str:
    """The number as the language writes it, with its own digits; ``signed`` shows a plus."""
    written = format_decimal(value, _known(language))
    return f"+{written}" if signed and value > 0 else written


def date_and_time(moment: datetime, language: str, timezone: str) -> str:
    """``22 Nov 2026 15.00 WIB``: to the minute, with the zone's own abbreviation."""
    name = _known(language)
    locale, local = known_locale(name), bounded(moment).astimezone(known_zone(timezone))
    time = " ".join(format_time(local, "short", local.tzinfo, locale).split())
    return f"{format_date(moment, name, timezone)} {time} {zone_name(local, locale)}"


def paragraphs(lines: list[str]) -> str:
    """Lines of plain text as HTML."""
    return "".join(f"<p>{escape(line, quote=False)}</p>" for line in lines)


@lru_cache(maxsize=64)
def _known(language: str) -> str:
    """The language, or English where it is none that numbers and dates can be written in."""
    try:
        known_locale(language)
    except ReadError:
        return "en"
    return language
