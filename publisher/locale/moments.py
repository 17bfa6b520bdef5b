"""Dates and times of a locale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone

from babel.dates import format_date as babel_date
from babel.dates import format_time as babel_time

from publisher.clock import EARLIEST, EPOCH, LATEST, bounded
from publisher.errors import ReadError
from publisher.locale.characters import one_form
from publisher.locale.iso import read_iso, read_unix
from publisher.locale.lookup import known_locale, known_zone, language_name, plain, zone_name
from publisher.locale.mail import read_mail
from publisher.locale.parts import Said, offset_in_words
from publisher.locale.written import DateOrder, read_written
from publisher.locale.zones import Place, agrees, meaning

MAX_DATE = 120
"""Characters of a date; nothing longer is looked at."""


@dataclass(frozen=True, slots=True)
class ReadDate:
    """A time in UTC, and how sure it is.

    ``warning`` says what in the text was contradictory or missing, None where nothing was. ``zoned``: the text names
    its zone or offset, else it was taken from elsewhere. ``exact``: the text has a time of day, else the day's start is
    taken. Who has a choice of texts prefers the zoned one, then the exact one, and tells the warning of that one alone.
    """

    value: datetime
    warning: str | None = None
    zoned: bool = False
    exact: bool = True


def parse_datetime(
    text: str,
    locale: str,
    timezone: str,
    *,
    order: DateOrder | None = None,
    zones: Mapping[str, int] | None = None,
    assumed: bool = False,
) -> ReadDate:
    """The moment that ``text`` names.

    Read are ISO 8601 and RFC 3339 in all their forms, seconds or milliseconds since 1970 (10 or 13 digits), the dates
    of mail (RFC 822, 850, 2822, 5322), and a date in the locale's words with or without a time. A zone in the text
    counts (``WIB``, ``+07:00``, what ``zones`` gives in minutes, the time zone's own abbreviations), else ``timezone``,
    an IANA name; where that is only ``assumed``, since nobody said it of this source, a time without a zone has a
    warning. A date of three numbers needs ``order``, unless it can be read in one way only. Each word must be known:
    whatever is left over is an error. Warnings are a wrong weekday, a missing time, an hour that a clock change makes
    ambiguous, a zone that means another time elsewhere or contradicts its offset. Raises ReadError, also for ranges.
    """
    if len(text) > MAX_DATE:
        raise ReadError(f"{text[:MAX_DATE]!r}… is too long for a date")
    known_locale(locale), known_zone(timezone)
    place = Place(locale, timezone, zones or {}, assumed)
    try:
        written = one_form(text)
        since = read_unix(written)
        if since is not None:
            return ReadDate(_bounded(since), zoned=True)
        said = read_iso(written) or read_mail(written) or read_written(written, locale, order)
        return _placed(said, place)
    except ReadError as error:
        raise ReadError(f"{text!r}: {error}") from error


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


def _placed(said: Said, place: Place) -> ReadDate:
    """The moment, and everything that is doubtful in it."""
    clock = said.clock
    local = datetime.combine(said.day, clock.time if clock else time())
    if clock and clock.late:
        local = _later(local)
    if not EARLIEST.year <= local.year <= LATEST.year:
        raise ReadError(f"the year {local.year} is outside {EARLIEST.year} to {LATEST.year}")
    zone = _zone(said, local, place)
    value = _in_zone(said, local, place.timezone if zone is None else zone)
    if clock and clock.leap:
        if (value.hour, value.minute) != (23, 59):
            raise ReadError("there is no such time (a leap second ends a day in UTC)")
        value += timedelta(seconds=1)
    if clock is None:
        said.warnings.append(f"no time of day: the start of the day in {place.timezone} is taken")
    elif zone is None and place.assumed:
        said.warnings.append(f"no zone: taken as {place.timezone}; set timezone of the source if it is another")
    if value == EPOCH:
        said.warnings.append("is the beginning of 1970, which most often means that no date was set")
    return ReadDate(_bounded(value), "; ".join(said.warnings) or None, zoned=zone is not None, exact=clock is not None)


def _later(local: datetime) -> datetime:
    try:
        return local + timedelta(days=1)
    except OverflowError as error:
        raise ReadError("the date is out of range") from error


def _bounded(value: datetime) -> datetime:
    if not EARLIEST <= value <= LATEST:
        raise ReadError(f"the year is outside {EARLIEST.year} to {LATEST.year}")
    return value


def _zone(said: Said, local: datetime, place: Place) -> int | str | None:
    """The offset or the time zone that the text names; None where it names none."""
    zone: int | str | None = said.offset
    beside = said.beside
    if zone is None and said.zone is not None:
        found = meaning(said.zone, local, place)
        if found is None:
            raise _no_zone(said.zone, place)
        zone = found.zone
        said.warnings += [found.warning] if found.warning else []
    for name in beside:
        if not _is_zone(name, local, place):
            raise _no_zone(name, place)
        if isinstance(zone, int) and not agrees(name, zone, local, place):
            said.warnings.append(f"{name} is not {offset_in_words(zone)}, which stands beside it and is taken")
    return zone


def _in_zone(said: Said, local: datetime, zone: int | str) -> datetime:
    """A local time in UTC. Raises ReadError for one that does not exist; one that comes twice is the first."""
    try:
        if isinstance(zone, int):
            return local.replace(tzinfo=timezone(timedelta(minutes=zone))).astimezone(UTC)
        there = local.replace(tzinfo=known_zone(zone))
        value = there.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise ReadError("the date is out of range") from error
    if value.astimezone(known_zone(zone)).replace(tzinfo=None) != local:
        if said.clock is None:  # the day begins an hour late
            return there.replace(fold=0).astimezone(UTC)
        raise ReadError(f"that hour does not exist in {zone}: the clocks went forward")
    if said.clock is not None and there.utcoffset() != there.replace(fold=1).utcoffset():
        said.warnings.append(f"that hour came twice in {zone}: the first is taken")
    return value


def _no_zone(name: str, place: Place) -> ReadError:
    return ReadError(f"no date in {language_name(known_locale(place.locale))}: {name!r} is no part of one")


def _is_zone(name: str, local: datetime, place: Place) -> bool:
    try:
        return meaning(name, local, place) is not None
    except ReadError:
        return True
