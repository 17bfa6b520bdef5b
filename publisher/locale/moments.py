"""Dates and times of a locale."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Literal

from babel.dates import format_date as babel_date
from babel.dates import format_time as babel_time

from publisher.clock import EARLIEST, LATEST, bounded
from publisher.errors import ReadError
from publisher.locale.names import (
    ZONES,
    connectors,
    day_numbers,
    known_locale,
    known_zone,
    language_name,
    month_numbers,
    plain,
    zone_abbreviations,
    zone_name,
)

DateOrder = Literal["locale", "dmy", "mdy", "ymd"]
"""The order in which a date of three numbers is read; ``locale`` is the order of the locale's short dates."""

MAX_DATE = 120
"""Characters of a date; nothing longer is looked at."""

# RFC 3339 section 5.6, with the zone and the time optional as in ISO 8601.
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_NUMERIC = re.compile(r"(?<!\d)(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?!\d)", re.ASCII)
_DAY_MONTH = re.compile(r"(?<![\d.:])(\d{1,2})(?:\.|er|st|nd|rd|th)?[ -](?:of )?([^\W\d_]+)\.?,?[ -](\d{4})(?!\d)")
_MONTH_DAY = re.compile(r"([^\W\d_]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(?!\d)")
_OFFSET = re.compile(r"(?:(?<![^\W\d])(?:utc|gmt) ?)?(?<![\w:])?([+-])(\d{1,2})(?::?(\d\d))?(?![\d:.])", re.IGNORECASE)
_TIME = re.compile(
    r"(?<![\d:.])(\d{1,2})(?: ?[:.h] ?)(\d\d)(?:[:.](\d\d))?(?![\d:.])(?: ?([ap])\.?m\b\.?)?", re.IGNORECASE | re.ASCII
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_PUNCTUATION = re.compile(r"[\s,/|–—()•·.-]*")


@dataclass(frozen=True, slots=True)
class ReadDate:
    """A time in UTC, and how sure it is.

    ``warning`` says what in the text was contradictory or missing, null where nothing was. ``zoned``: the text names
    its zone or offset, else it was taken from elsewhere. ``exact``: the text has a time of day, else the day's start is
    taken. Who has a choice of texts prefers the zoned one, then the exact one, and tells the warning of that one alone.
    """

    value: datetime
    warning: str | None = None
    zoned: bool = False
    exact: bool = True


@dataclass(slots=True)
class _Reading:
    """What is still unread of a text, and what its parts said."""

    text: str
    rest: str
    locale: str
    timezone: str
    warnings: list[str] = field(default_factory=list)

    def take(self, match: re.Match[str]) -> None:
        self.rest = f"{self.rest[: match.start()]} {self.rest[match.end() :]}"

    def fail(self, why: str) -> ReadError:
        return ReadError(f"{self.text!r}: {why}")


def parse_datetime(
    text: str,
    locale: str,
    timezone: str,
    *,
    order: DateOrder | None = None,
    zones: Mapping[str, int] | None = None,
    assumed: bool = False,
) -> ReadDate:
    """The moment that ``text`` names: ISO 8601, or a date in the locale's words with or without a time.

    A zone in the text counts (``WIB``, ``+07:00``, what ``zones`` gives in minutes, the time zone's own
    abbreviations), else ``timezone``, an IANA name; where that is only ``assumed``, since nobody said it of this
    source, a time without a zone has a warning. A date of three numbers needs ``order``. Each word must be known:
    whatever is left over is an error. A wrong weekday, a missing time and an hour that a clock change makes ambiguous
    are warnings. Raises ReadError.
    """
    if len(text) > MAX_DATE:
        raise ReadError(f"{text[:MAX_DATE]!r}… is too long for a date")
    reading = _Reading(text, plain(text), locale, timezone)
    iso = _ISO.fullmatch(reading.rest)
    if iso:
        day, clock_time, offset = _iso(reading, iso)
    else:
        day = _take_date(reading, order)
        offset = _take_offset(reading)
        clock_time = _take_time(reading)
        offset = _take_words(reading, day, offset, zones or {})
    if clock_time is None:
        reading.warnings.append(f"no time of day: the start of the day in {timezone} is taken")
    elif offset is None and assumed:
        reading.warnings.append(f"no zone: taken as {timezone}; set timezone of the source if it is another")
    value = _moment(reading, datetime.combine(day, clock_time or time()), offset)
    return ReadDate(value, "; ".join(reading.warnings) or None, zoned=offset is not None, exact=clock_time is not None)


def format_datetime(value: datetime, locale: str, timezone: str) -> str:
    """A date and time for people, to the minute: ``Jumat, 09 Februari 2024 06.31 WIB``."""
    known, zone = known_locale(locale), known_zone(timezone)
    local = bounded(value).astimezone(zone)
    return " ".join(
        (
            babel_date(local.date(), "full", known),
            plain(babel_time(local, "short", zone, known)),
            zone_name(local, known),
        )
    )


def format_date(value: datetime, locale: str, timezone: str) -> str:
    """A date for people: ``9 Feb 2024``."""
    return babel_date(bounded(value).astimezone(known_zone(timezone)).date(), "medium", known_locale(locale))


def _iso(reading: _Reading, match: re.Match[str]) -> tuple[date, time | None, int | None]:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    offset = None
    if zone:
        digits = zone.replace(":", "")
        offset = 0 if zone in "Zz" else int(f"{digits[0]}1") * (int(digits[1:3]) * 60 + int(digits[3:]))
    clock_time = None
    if hour:
        clock_time = _time(reading, hour, minute, second).replace(microsecond=int((fraction or "0").ljust(9, "0")[:6]))
    return _date(reading, int(year), int(month), int(day)), clock_time, offset


def _take_date(reading: _Reading, order: DateOrder | None) -> date:
    months = month_numbers(reading.locale)
    for pattern, day_at, month_at in ((_DAY_MONTH, 1, 2), (_MONTH_DAY, 2, 1)):
        for match in pattern.finditer(reading.rest):
            month = months.get(match[month_at].casefold())
            if month is not None:
                reading.take(match)
                return _date(reading, int(match[3]), month, int(match[day_at]))
    numeric = _NUMERIC.search(reading.rest)
    if numeric is None:
        raise reading.fail(f"no date in {language_name(known_locale(reading.locale))}")
    year, month, day = _in_order(reading, numeric, order)
    reading.take(numeric)
    return _date(reading, year, month, day)


def _in_order(reading: _Reading, match: re.Match[str], order: DateOrder | None) -> tuple[int, int, int]:
    parts = (match[1], match[3], match[4])
    if order is None and len(match[1]) == 4:
        order = "ymd"
    if order is None:
        raise reading.fail("which number is the day is not certain; set date_order in the profile")
    letters = _short_order(reading.locale) if order == "locale" else order
    by_letter = dict(zip(letters, parts, strict=True))
    if len(by_letter["y"]) != 4:
        raise reading.fail("the year needs four digits")
    return int(by_letter["y"]), int(by_letter["m"]), int(by_letter["d"])


def _short_order(locale: str) -> str:
    """``dmy``, ``mdy`` or ``ymd``: the order of letters in the locale's short date pattern."""
    pattern = str(known_locale(locale).date_formats["short"].pattern).lower()
    return "".join(sorted("dmy", key=pattern.index))


def _take_offset(reading: _Reading) -> int | None:
    match = _OFFSET.search(reading.rest)
    if match is None:
        return None
    hours, minutes = int(match[2]), int(match[3] or 0)
    if len(match[2] + (match[3] or "")) == 3 or hours > 14 or minutes > 59:
        raise reading.fail(f"{match[0].strip()} is no zone offset")
    reading.take(match)
    return int(f"{match[1]}1") * (hours * 60 + minutes)


def _take_time(reading: _Reading) -> time | None:
    match = _TIME.search(reading.rest)
    if match is None:
        return None
    hour, half = int(match[1]), (match[4] or "").casefold()
    if half:
        if not 1 <= hour <= 12:
            raise reading.fail(f"{match[0].strip()} is no time")
        hour = hour % 12 + (12 if half == "p" else 0)
    reading.take(match)
    return _time(reading, str(hour), match[2], match[3])


def _take_words(reading: _Reading, day: date, offset: int | None, zones: Mapping[str, int]) -> int | None:
    """Read the weekday and the zone; anything else that is left is an error. Returns the offset in minutes."""
    locale = known_locale(reading.locale)
    days, joining = day_numbers(reading.locale), connectors(reading.locale)
    offsets = ZONES | zone_abbreviations(reading.locale, reading.timezone, day.year)
    offsets |= {name.casefold(): minutes for name, minutes in zones.items()}
    for word in _WORD.findall(reading.rest):
        folded = word.casefold()
        if folded in offsets and offset is None:
            offset = offsets[folded]
        elif folded in days:
            if days[folded] != day.weekday():
                right = babel_date(day, "EEEE", locale)
                reading.warnings.append(f"{day.isoformat()} is a {right}, the text says {word}")
        elif folded not in joining:
            raise reading.fail(f"{word!r} is no part of a date in {language_name(locale)}")
    if not _PUNCTUATION.fullmatch(_WORD.sub("", reading.rest)):
        raise reading.fail(f"{_WORD.sub('', reading.rest).strip()!r} is no part of a date")
    return offset


def _date(reading: _Reading, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise reading.fail(f"there is no such day ({error})") from error


def _time(reading: _Reading, hour: str, minute: str, second: str | None) -> time:
    try:
        return time(int(hour), int(minute), int(second or 0))
    except ValueError as error:
        raise reading.fail(f"there is no such time ({error})") from error


def _moment(reading: _Reading, naive: datetime, offset: int | None) -> datetime:
    zone = reading.timezone
    if not EARLIEST.year <= naive.year <= LATEST.year:
        raise reading.fail(f"the year {naive.year} is outside {EARLIEST.year} to {LATEST.year}")
    try:
        if offset is not None:
            return naive.replace(tzinfo=timezone(timedelta(minutes=offset))).astimezone(UTC)
        local = naive.replace(tzinfo=known_zone(zone))
        value = local.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise reading.fail("the date is out of range") from error
    if value.astimezone(known_zone(zone)).replace(tzinfo=None) != naive:
        raise reading.fail(f"that hour does not exist in {zone}: the clocks went forward")
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        reading.warnings.append(f"that hour came twice in {zone}: the first is taken")
    return value
