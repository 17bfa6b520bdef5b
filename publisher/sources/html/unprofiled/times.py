"""When an article appeared and was changed: which of the times that a page gives, and what is doubtful about it.

What is said of a time is said of the one that is taken, and of no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from publisher.errors import ReadError
from publisher.locale import known_zone, parse_datetime
from publisher.sources.html.unprofiled.evidence import JSONLD, OPENGRAPH, Claim
from publisher.sources.reading.draft import Reading

MAX_CLAIMS = 12
SAME = timedelta(minutes=1)
"""Times that differ by more contradict each other: some builds round, some cut the seconds off."""

_IN_URL = re.compile(r"/((?:19|20)\d\d)[/-](0?[1-9]|1[0-2])[/-](0?[1-9]|[12]\d|3[01])(?=[/_-])")
_NAMES = {JSONLD: "JSON-LD", OPENGRAPH: "OpenGraph"}

_ZONES, _STEP = timedelta(hours=14), timedelta(minutes=15)
"""What zones differ by at most from UTC, and at least from each other."""


@dataclass(frozen=True, slots=True)
class _Read:
    claim: Claim
    value: datetime
    locale: str
    zoned: bool
    timed: bool


def moment(
    name: str, claims: Iterable[Claim], reading: Reading, besides: Iterable[Claim] = ()
) -> tuple[datetime, str] | None:
    """The time and its origin, of ``claims`` with the most trusted first; None where there is none that can be read.

    ``besides`` are what the page says of another time, which some of the claims may mean.
    """
    given = list(dict.fromkeys(one for one in claims if one.value))[:MAX_CLAIMS]
    read = [found for one in given if (found := _read(one, reading))]
    if not read:
        if given:
            reading.moment(name, given[0].value)  # which tells why it cannot be read
        return None
    taken = _taken(read)
    if read[0].claim != given[0]:
        said = f"{given[0].value!r} cannot be read; {taken.claim.value} ({taken.claim.origin}) is taken"
        reading.warn(said, name, given[0].value)
    others = [found.value for one in list(besides)[:MAX_CLAIMS] if (found := _read(one, reading))]
    if told := _contradiction(read, taken, others, assumed=reading.assumed):
        reading.warn(told, name, taken.claim.value)
    value = _told(name, taken, reading)
    return (value, taken.claim.origin) if value else None


def day_in(url: str) -> str | None:
    """The day that an address names (``/2026/11/27/``); None where it names none that there is."""
    match = _IN_URL.search(url)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])).isoformat() if match else None
    except ValueError:
        return None


def is_far(taken: datetime, day: str) -> bool:
    """Whether a time is on another day than ``day``, whatever the zone, and not just written the evening before."""
    return abs(taken.date() - date.fromisoformat(day)) > timedelta(days=2)


def day_of(text: str, reading: Reading) -> str | None:
    """The day that a line on the page is, None where it is more or less than a date."""
    profile = reading.profile
    try:
        found = parse_datetime(
            text, profile.locale, profile.timezone, order=profile.date_order, zones=profile.zone_minutes
        )
    except ReadError:
        return None
    return found.value.astimezone(known_zone(profile.timezone)).date().isoformat()


def shown_otherwise(taken: datetime, updated: datetime | None, lines: Iterable[str], reading: Reading) -> str | None:
    """The line of the page that shows another time than the one that was taken, a zone's difference or whole days apart
    from it, as where the clock of the site was written down as UTC, or any other hour than midnight; None where none
    does, or one shows the same.
    """
    profile = reading.profile
    other: str | None = None
    for line in lines:
        try:
            found = parse_datetime(
                line, profile.locale, profile.timezone, order=profile.date_order, zones=profile.zone_minutes
            )
        except ReadError:
            continue
        apart = abs(found.value - taken)
        if not (found.zoned and found.exact) or found.value == updated:
            continue
        if apart <= SAME:
            return None
        if (
            _is_zones(apart)
            or _is_days(apart)
            or (_is_midnight(taken, profile.timezone) and apart <= timedelta(days=1))
        ):
            other = other or line
    return other


def _read(claim: Claim, reading: Reading) -> _Read | None:
    profile = reading.profile
    for locale in dict.fromkeys((profile.locale, "en")):
        with suppress(ReadError):
            found = parse_datetime(
                claim.value, locale, profile.timezone, order=profile.date_order, zones=profile.zone_minutes
            )
            return _Read(claim, found.value, locale, found.zoned, found.exact)
    return None


def _taken(read: Sequence[_Read]) -> _Read:
    """The first time, unless it lacks a zone or an hour that another of about the same time has."""
    first = read[0]
    if not first.timed:
        first = next((one for one in read[1:] if one.timed and _completes(one, first)), first)
    if not first.zoned:
        first = next((one for one in read[1:] if one.zoned and _completes(one, first)), first)
    return first


def _completes(one: _Read, first: _Read) -> bool:
    if _names(one) and _names(first):
        return True
    if not first.timed:
        return abs(one.value - first.value) <= timedelta(hours=26)
    return _clock(one) == _clock(first)


def _clock(one: _Read) -> str:
    return one.claim.value[:16].replace("T", " ")


def _names(one: _Read) -> str | None:
    return _NAMES.get(one.claim.origin)


def _contradiction(read: Sequence[_Read], taken: _Read, others: Sequence[datetime], *, assumed: bool) -> str | None:
    """What the page says besides, where that does not mean the time that is taken; ``others`` are of another event."""
    firm = [one for one in read if one.claim.firm]
    unlike = (one for one in firm if one is not taken and not _agree(one, taken, assumed=assumed))
    other = next((one for one in unlike if _names(one) or not any(_same(one.value, at) for at in others)), None)
    if other is None or not taken.claim.firm:
        return None
    both = " and ".join(
        f"{_names(each) or 'the markup'} says {each.claim.value}" for each in sorted((taken, other), key=firm.index)
    )
    why = ", which names its zone" if taken.zoned and not other.zoned else ""
    return f"{both}: {taken.claim.value}{why} is taken"


def _agree(one: _Read, other: _Read, *, assumed: bool) -> bool:
    """Whether two may mean one time. A clock without a zone is nothing against one with, where it is the page's own
    and nobody said in which zone the page writes.
    """
    apart = abs(one.value - other.value)
    if not (one.timed and other.timed):
        return apart <= timedelta(hours=26)
    if _same(one.value, other.value):
        return True
    of_page = not (_names(one) and _names(other))
    return of_page and assumed and one.zoned != other.zoned and _is_zones(apart)


def _same(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= SAME


def _is_midnight(value: datetime, timezone: str) -> bool:
    """Whether a time is the beginning of a day, which often means that only the day was known."""
    local = value.astimezone(known_zone(timezone))
    return not (value.minute or value.second) and 0 in (value.hour, local.hour)


def _is_days(apart: timedelta) -> bool:
    """Whether two times are the same hour of different days."""
    return apart % timedelta(days=1) <= SAME


def _is_zones(apart: timedelta) -> bool:
    """Whether two times are apart by what zones are."""
    return apart <= _ZONES and apart % _STEP < timedelta(minutes=1)


def _told(name: str, taken: _Read, reading: Reading) -> datetime | None:
    """The time as the reading takes it, with what it has to say of it."""
    if taken.locale == reading.profile.locale:
        return reading.moment(name, taken.claim.value)
    english = replace(reading, profile=reading.profile.model_copy(update={"locale": taken.locale}), problems=[])
    value = english.moment(name, taken.claim.value)
    reading.problems += english.problems
    return value
