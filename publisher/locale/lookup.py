"""Locales and time zones by name, and what they are called in words."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import get_timezone_name
from pydantic import AfterValidator

from publisher.errors import ReadError

_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f\u200b\ufeff]+")


def plain(text: str) -> str:
    """The text on one line, every kind of space a plain one, typographic minus and apostrophe as typewriters have."""
    return _SPACES.sub(" ", text.replace("\u2212", "-").replace("’", "'").replace("ʼ", "'")).strip()


@lru_cache(maxsize=64)
def known_locale(name: str) -> Locale:
    """The locale of a name such as ``id``, ``de_CH`` or ``de-CH``. Raises ReadError for one that CLDR lacks."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise ReadError(f"{name!r} is no known locale; give one such as id, en_US, de_CH or fr") from error


def _locale_name(value: str) -> str:
    try:
        known_locale(value)
    except ReadError as error:
        raise ValueError(str(error)) from error
    return value


LocaleName = Annotated[str, AfterValidator(_locale_name)]
"""The name of a locale, as a key of a file may give it."""


def text_direction(language: str) -> Literal["rtl", "auto"]:
    """The ``dir`` of HTML for a text: ``auto`` goes by its first letter, since many name only their site's language."""
    try:
        return "rtl" if known_locale(language).text_direction == "rtl" else "auto"
    except ReadError:
        return "auto"


@lru_cache(maxsize=64)
def known_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises ReadError for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ReadError(f"{name!r} is no known time zone; give one such as Asia/Jakarta") from error


def language_name(locale: Locale) -> str:
    """The locale in words: ``Indonesian``, ``German (Switzerland)``."""
    return locale.get_display_name("en") or str(locale)


def day_name(number: int, locale: Locale) -> str:
    """A weekday, 0 (Monday) to 6, in the locale's words."""
    return str(locale.days["stand-alone"]["wide"][number])


def zone_name(local: datetime, locale: Locale) -> str:
    """The short name of an aware time's zone in the locale (``WIB``, ``MEZ``), or its offset (``+0700``)."""
    return get_timezone_name(local, "short", locale=locale)


@lru_cache(maxsize=256)
def zone_abbreviations(name: str, timezone: str, year: int) -> dict[str, int]:
    """Folded abbreviations that the locale uses for one time zone, winter and summer of one year → minutes from UTC.

    They decide before all others: CST is Chicago's to a site in Chicago and means nothing elsewhere.
    """
    locale, zone = known_locale(name), known_zone(timezone)
    found: dict[str, int] = {}
    for month in (1, 7):
        local = datetime(year, month, 1, 12, tzinfo=zone)
        offset = local.utcoffset() or timedelta(0)
        for written in (zone_name(local, locale), local.tzname() or ""):
            if written[:1].isalpha():
                found[written.casefold()] = int(offset.total_seconds() // 60)
    return found
