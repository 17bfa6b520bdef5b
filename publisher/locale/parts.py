"""The parts of a date that a text gives, before they are put into a time zone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time

from publisher.errors import ReadError

FURTHEST = 14 * 60
"""Minutes of the furthest offset there is, east and, to keep it simple, west."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. ``late``: it was written as 24:00, the end of its day; ``leap``: as the second 60."""

    time: time
    late: bool = False
    leap: bool = False


@dataclass(slots=True)
class Said:
    """A day, and what else was said. ``offset`` is in minutes east of UTC, ``zone`` an abbreviation or IANA name.

    ``beside`` are zones that stand beside an offset: they have to agree with it.
    """

    day: date
    clock: Clock | None = None
    offset: int | None = None
    zone: str | None = None
    beside: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Unread:
    """What is still unread of a text of a locale."""

    def __init__(self, rest: str, locale: str) -> None:
        self.rest = rest
        self.locale = locale

    def cut(self, start: int, end: int) -> None:
        """Cut a part out; a space is left in its place."""
        self.rest = f"{self.rest[:start]} {self.rest[end:]}"


def a_day(year: int | str, month: int | str, day: int | str) -> date:
    """A day of the calendar. Raises ReadError."""
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        raise ReadError(f"there is no such day ({error})") from error


def a_clock(
    hour: int | str, minute: int | str | None = 0, second: int | str | None = 0, fraction: str | None = None
) -> Clock:
    """A time of day; 24:00 and the second 60 are the two that datetime does not have. Raises ReadError."""
    parts = int(hour), int(minute or 0), int(second or 0)
    micros = int((fraction or "0").ljust(6, "0")[:6])
    if parts == (24, 0, 0) and not micros:
        return Clock(time(), late=True)
    leap = parts[2] == 60
    try:
        return Clock(time(parts[0], parts[1], 59 if leap else parts[2], 0 if leap else micros), leap=leap)
    except ValueError as error:
        raise ReadError(f"there is no such time ({error})") from error


def an_offset(sign: str, hours: str, minutes: str | None = None) -> int:
    """An offset in minutes. Raises ReadError for one beyond ±14:00, or of minutes that no zone has."""
    said = f"{sign}{hours}{':' if minutes else ''}{minutes or ''}"
    value = int(hours) * 60 + int(minutes or 0)
    if value > FURTHEST or int(minutes or 0) > 59 or value % 15:
        raise ReadError(f"{said} is no zone offset; they go in quarters of an hour from -14:00 to +14:00")
    return -value if sign == "-" else value


def offset_in_words(minutes: int) -> str:
    """``+07:00``."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
