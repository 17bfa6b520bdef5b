"""Dates as machines write them: ISO 8601 and RFC 3339, their compact forms, and seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from publisher.errors import ReadError
from publisher.locale.parts import Clock, Said, a_clock, a_day, an_offset

_DAY = (
    r"(?P<y>\d{4})(?:-(?P<m>\d\d)-(?P<d>\d\d)|(?P<cm>\d\d)(?P<cd>\d\d)|-(?P<o>\d{3})|-W(?P<w>\d\d)-(?P<n>\d)"
    r"|W(?P<cw>\d\d)(?P<cn>\d))"
)
_CLOCK = r"(?P<h>\d\d)(?::?(?P<mi>\d\d)(?::?(?P<s>\d\d)(?:[.,](?P<f>\d{1,12}))?)?)?"
_ZONE = r"(?P<z>Z|(?P<sign>[+-])(?P<zh>\d\d)(?::?(?P<zm>\d\d))?)"
_NAMED = r"(?:\[(?P<name>[A-Za-z]+(?:/[A-Za-z0-9_+-]+)*)\])"

# RFC 3339 section 5.6 with any part of ISO 8601 that leaves a day, a zone's name as in RFC 9557.
_FULL = re.compile(rf"{_DAY}T{_CLOCK} ?{_ZONE}?{_NAMED}?", re.ASCII | re.IGNORECASE)
# With a space, as RFC 3339 allows and databases write, hours and minutes stand with a colon.
_SPACED = re.compile(
    rf"{_DAY},? (?P<h>\d\d):(?P<mi>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<f>\d{{1,12}}))?)?(?P<gap> ?){_ZONE}?{_NAMED}?",
    re.ASCII | re.IGNORECASE,
)
# XML Schema has a zone behind a day.
_BARE = re.compile(rf"{_DAY}(?P<z>Z|(?P<sign>[+-])(?P<zh>\d\d):(?P<zm>\d\d))?", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(rf"(?P<y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d)(?P<h>\d\d)(?P<mi>\d\d)(?P<s>\d\d)? ?{_ZONE}?", re.ASCII)
# From 2001 to 2033: ten digits that begin otherwise are more likely something else, such as a date without separators.
_UNIX = re.compile(r"(?P<s>1\d{9})(?P<ms>\d{3})?|/Date\((?P<js>1\d{12})(?:[+-]\d{4})?\)/", re.ASCII)
_HOURLY = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])", re.ASCII)


def read_iso(text: str) -> Said | None:
    """What a date of ISO 8601 says; None where the text is none. Raises ReadError for one that cannot be."""
    for pattern in (_FULL, _SPACED, _BARE, _DIGITS):
        match = pattern.fullmatch(text)
        if match:
            parts = match.groupdict()
            said = Said(_day(parts), _clock(parts))
            if parts["z"]:
                said.offset = 0 if parts["z"] in "Zz" else an_offset(parts["sign"], parts["zh"], parts["zm"])
                said.beside = [parts["name"]] if parts.get("name") else []
                _refuse_range(parts, text)
            else:
                said.zone = parts.get("name")
            return said
    return None


def read_unix(text: str) -> datetime | None:
    """The moment of 10 digits, seconds since 1970, or 13, milliseconds; None where the text is neither.

    Raises ReadError where ten digits may as well be a date with its hour.
    """
    match = _UNIX.fullmatch(text)
    if match is None:
        return None
    if _HOURLY.fullmatch(text):
        raise ReadError("may be seconds since 1970, or a date with its hour; which is not certain")
    milliseconds = int(match["js"] or match["s"] + (match["ms"] or "000"))
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def _day(parts: dict[str, str | None]) -> date:
    year = int(parts["y"] or 0)
    week, number = parts.get("w") or parts.get("cw"), parts.get("n") or parts.get("cn")
    try:
        if week:
            return date.fromisocalendar(year, int(week), int(number or 0))
        if ordinal := parts.get("o"):
            found = date(year, 1, 1) + timedelta(days=int(ordinal) - 1)
            if int(ordinal) < 1 or found.year != year:
                raise ValueError(f"day {ordinal} is out of range for {year}")
            return found
    except (ValueError, OverflowError) as error:
        raise ReadError(f"there is no such day ({error})") from error
    return a_day(year, parts.get("m") or parts.get("cm") or 0, parts.get("d") or parts.get("cd") or 0)


def _clock(parts: dict[str, str | None]) -> Clock | None:
    hour = parts.get("h")
    return None if hour is None else a_clock(hour, parts["mi"], parts["s"], parts.get("f"))


def _refuse_range(parts: dict[str, str | None], text: str) -> None:
    """``08:00-09:30`` after a space is more likely until half past nine than an offset of the Marquesas."""
    if parts.get("gap") != "" or parts.get("s") or parts["sign"] != "-":
        return
    if not parts["zm"] or (f"{parts['h']}{parts['mi']}" < f"{parts['zh']}{parts['zm']}" and text.count(":") == 2):
        raise ReadError("may be a range of times, which has no one moment, or a zone offset")
