"""Locales and time zones by name, and the names of months, days and zones that newsrooms write."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import get_timezone_name

from publisher.errors import ReadError

_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f\u200b\ufeff]+")

# What newsrooms write beside the names of CLDR.
_MONTHS = {
    "id": {"pebruari": 2, "peb": 2, "agt": 8, "ags": 8, "agust": 8, "sept": 9, "nopember": 11, "nop": 11},
    "en": {"sept": 9},
    "de": {"jänner": 1, "jän": 1, "feber": 2, "mrz": 3, "mär": 3, "jun": 6, "jul": 7, "sep": 9},
    "fr": {"jan": 1, "fev": 2, "fév": 2, "fevrier": 2, "aout": 8, "decembre": 12},
}
_DAYS = {
    "id": {"jum'at": 4, "jumaat": 4, "ahad": 6},
    "en": {"tues": 1, "weds": 2, "thur": 3, "thurs": 3},
    "de": {"sonnabend": 5},
    "fr": {},
}
_CONNECTORS = {
    "id": {"pukul", "jam", "tanggal", "pkl"},
    "en": {"at", "on", "the"},
    "de": {"um", "uhr", "am", "den"},
    "fr": {"à", "a", "le"},
}

ZONES = {
    "utc": 0,
    "gmt": 0,
    "z": 0,
    "wib": 7 * 60,
    "wita": 8 * 60,
    "wit": 9 * 60,
    "cet": 60,
    "mez": 60,
    "cest": 120,
    "mesz": 120,
    "est": -300,
    "edt": -240,
    "pst": -480,
    "pdt": -420,
}
"""Zone abbreviations that mean one thing wherever they are read, in minutes east of UTC."""


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


@lru_cache(maxsize=64)
def month_numbers(name: str) -> dict[str, int]:
    """Folded month names of a locale → 1 to 12."""
    locale = known_locale(name)
    return _folded(locale.months) | _MONTHS.get(locale.language, {})


@lru_cache(maxsize=64)
def day_numbers(name: str) -> dict[str, int]:
    """Folded weekday names of a locale → 0 (Monday) to 6, as ``date.weekday()``."""
    locale = known_locale(name)
    return _folded(locale.days) | _DAYS.get(locale.language, {})


def connectors(name: str) -> set[str]:
    """Words that may stand between a date and its time."""
    return _CONNECTORS.get(known_locale(name).language, set())


def zone_name(local: datetime, locale: Locale) -> str:
    """The short name of an aware time's zone in the locale (``WIB``, ``MEZ``), or its offset (``+0700``)."""
    return get_timezone_name(local, "short", locale=locale)


@lru_cache(maxsize=256)
def zone_abbreviations(name: str, timezone: str, year: int) -> dict[str, int]:
    """Folded abbreviations that the locale uses for one time zone, winter and summer of one year → minutes from UTC.

    They decide before :data:`ZONES`: CST is Chicago's to a site in Chicago and means nothing elsewhere.
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


def _folded(names: object) -> dict[str, int]:
    found: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated", "short"):
            try:
                table = names[context][width]  # type: ignore[index]
            except KeyError:  # months have no short form
                continue
            found |= {text.casefold().rstrip("."): number for number, text in table.items()}
    return found
