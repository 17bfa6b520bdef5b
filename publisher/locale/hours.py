"""The time of day in a text whose names are signs, and the offset behind it."""

from __future__ import annotations

import re

from publisher.errors import ReadError
from publisher.locale.lexicon import AM, AT, HOUR, MINUTE, PM
from publisher.locale.parts import Clock, Unread, a_clock, an_offset

_HALF = f"[{AM}{PM}]"
_BEFORE = rf"(?<![\d:.,])(?:(?P<pre>{_HALF})\.? ?)?"
_AFTER = rf"(?: ?(?P<post>{_HALF})\.?)?(?: ?{HOUR})?(?!\d|[:.,]\d)"
_CLOCKS = tuple(
    re.compile(_BEFORE + written + _AFTER, re.ASCII)
    for written in (
        r"(?P<h>\d{1,2}) ?: ?(?P<m>\d\d)(?:[:.](?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?)?",
        r"(?P<h>\d{1,2})\.(?P<m>\d\d)(?:[.:](?P<s>\d\d))?",
        rf"(?P<h>\d{{1,2}}) ?{HOUR}\.? ?(?P<m>\d\d)(?: ?{MINUTE}\.?(?: ?(?P<s>\d\d) ?s)?)?",
        rf"(?P<h>\d{{1,2}}) ?{HOUR}\.?",
        rf"(?P<h>\d{{1,2}})(?= ?{_HALF})",
        rf"(?:(?<=[{AM}{PM}]) ?|(?<=[{AM}{PM}] ))(?P<h>\d{{1,2}})(?={HOUR})",
        rf"{AT}\.? ?(?P<h>\d{{1,2}})(?![./-])",
    )
)
# "0631 GMT", where there is no other time: it is not the year before a zone.
_BARE_CLOCK = re.compile(
    rf"(?<![\d:.,/-])(?P<h>[01]\d|2[0-3])(?P<m>[0-5]\d)(?:(?= ?(?:gmt|utc)\b)| ?{HOUR})(?P<pre>)(?P<post>)",
    re.IGNORECASE,
)
_GMT = re.compile(r"\b(?:utc|gmt) ?([+-]) ?(\d{1,2})(?:[:.]?(\d\d))?(?![\d:]|\.\d)", re.IGNORECASE | re.ASCII)
_OFFSET_BEHIND = re.compile(r" ?(?P<sign>[+-])(?P<h>\d\d)(?P<m>:?\d\d)?(?![\d:]|\.\d)", re.ASCII)
_OFFSET_APART = re.compile(r"(?<=\d{4}) ([+-])(\d\d):?(\d\d)$|\(([+-])(\d\d):?(\d\d)\)", re.ASCII)


def take_clock(unread: Unread) -> tuple[Clock | None, int | None]:
    """The time of day and the offset, each None where there is none. Raises ReadError for two."""
    offset = _gmt(unread)
    match = _first_clock(unread.rest) or _BARE_CLOCK.search(unread.rest)
    if match is None:
        return None, offset
    end = match.end()
    behind = _OFFSET_BEHIND.match(unread.rest, end) if offset is None else None
    if behind is not None and _is_offset(behind, match):
        offset, end = an_offset(behind["sign"], behind["h"], (behind["m"] or "").lstrip(":") or None), behind.end()
    clock = _of(match)
    unread.cut(match.start(), end)
    apart = _OFFSET_APART.search(unread.rest)
    if apart is not None:
        also = an_offset(*[one for one in apart.groups() if one])
        if offset not in (None, also):
            raise ReadError("names two offsets that differ")
        offset = also
        unread.cut(*apart.span())
    if _first_clock(unread.rest) is not None:
        raise ReadError("names two times of day; a range has no one moment")
    return clock, offset


def _first_clock(rest: str) -> re.Match[str] | None:
    return next((match for pattern in _CLOCKS if (match := pattern.search(rest))), None)


def _gmt(unread: Unread) -> int | None:
    offset = None
    while match := _GMT.search(unread.rest):
        found = an_offset(*match.groups())
        if offset not in (None, found):
            raise ReadError("names two offsets that differ")
        offset = found
        unread.cut(*match.span())
    return offset


def _is_offset(behind: re.Match[str], clock: re.Match[str]) -> bool:
    """Whether a sign and digits behind a time are an offset. Raises ReadError where they may be the end of a range."""
    exact = clock.groupdict().get("s") is not None
    if behind["m"] is None:
        return behind["sign"] == "+" or exact
    start, end = (clock["h"] + (clock.groupdict().get("m") or "00")).zfill(4), behind["h"] + behind["m"].lstrip(":")
    spaced = behind[0].startswith(" ")
    later = behind["m"].startswith(":") or (not spaced and end > start)
    if behind["sign"] == "-" and not exact and later:
        raise ReadError("may be a range of times, which has no one moment, or a zone offset")
    return True


def _of(match: re.Match[str]) -> Clock:
    parts = match.groupdict()
    hour, halves = int(match["h"]), {half for half in (match["pre"], match["post"]) if half}
    if len(halves) > 1:
        raise ReadError("is before noon and after noon at once")
    if halves and hour > 12 and PM not in halves:
        raise ReadError(f"there is no such time ({hour} before noon)")
    if halves and hour <= 12:
        if hour == 0 and PM in halves:
            raise ReadError("there is no such time (0 after noon)")
        hour = hour % 12 + (12 if PM in halves else 0)
    return a_clock(hour, parts.get("m"), parts.get("s"), parts.get("f"))
