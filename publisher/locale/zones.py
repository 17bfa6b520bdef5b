"""What the abbreviation of a time zone means, and to whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from publisher.errors import ReadError
from publisher.locale.lookup import known_locale, known_zone, zone_abbreviations
from publisher.locale.parts import an_offset, offset_in_words

ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "ut": 0,
    "wib": 420, "wita": 480, "wit": 540, "ict": 420, "myt": 480, "sgt": 480, "hkt": 480, "pht": 480, "mmt": 390,
    "jst": 540, "kst": 540, "npt": 345, "pkt": 300, "uzt": 300,
    "wet": 0, "west": 60, "cet": 60, "mez": 60, "hnec": 60,
    "cest": 120, "mesz": 120, "haec": 120, "eet": 120, "oez": 120,
    "eest": 180, "oesz": 180, "trt": 180, "idt": 180, "sast": 120, "cat": 120, "eat": 180, "wat": 60,
    "edt": -240, "pdt": -420, "mdt": -360, "akst": -540, "akdt": -480, "hst": -600, "nst": -210, "ndt": -150,
    "brt": -180, "art": -180, "cot": -300, "pet": -300, "uyt": -180, "clst": -180,
    "aest": 600, "aedt": 660, "acst": 570, "acdt": 630, "awst": 480, "nzst": 720, "nzdt": 780, "chst": 600,
}  # fmt: skip
"""Abbreviations that mean one thing wherever they are read, in minutes east of UTC."""

DOUBTFUL = {
    "est": (-300, "in Australia +10:00"),
    "edt": (-240, "in Australia +11:00"),
    "cst": (-360, "in China +08:00, in Australia +09:30"),
    "cdt": (-300, "in Australia +10:30"),
    "mst": (-420, "in Malaysia +08:00"),
    "pst": (-480, "in the Philippines +08:00, in Pakistan +05:00"),
    "ist": (330, "in Ireland +01:00, in Israel +02:00"),
    "bst": (60, "in Bangladesh +06:00"),
    "ast": (-240, "in Arabia +03:00"),
    "adt": (-180, "in Arabia +04:00"),
    "gst": (240, "on South Georgia -02:00"),
    "sst": (-660, "in Singapore +08:00"),
    "clt": (-240, "in summer -03:00"),
}
"""Abbreviations of several places: the usual meaning (RFC 822 has the American ones), and others."""

_AMERICAN = ("est", "edt", "cst", "cdt", "mst", "pst", "ast", "adt")
_AUSTRALIAN = ("est", "edt", "cst", "cdt", "wst")
# What is written there and CLDR does not know.
_THERE = {
    ("Asia/Dhaka", "bst"): 360, ("Asia/Karachi", "pst"): 300, ("Asia/Kuala_Lumpur", "mst"): 480,
    ("Asia/Singapore", "sst"): 480, ("Asia/Dubai", "gst"): 240, ("Asia/Riyadh", "ast"): 180,
    ("Asia/Baghdad", "ast"): 180,
    ("Asia/Kuwait", "ast"): 180, ("Asia/Qatar", "ast"): 180, ("Asia/Shanghai", "cst"): 480, ("Asia/Taipei", "cst"): 480,
    ("Asia/Colombo", "ist"): 330, ("America/Santiago", "clt"): -240,
}  # fmt: skip

SPOKEN = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
    "MSK": "Europe/Moscow",
}
"""Abbreviations that mean whatever the clocks of a place show; in capitals, since some are words, too."""

_SEASONAL = {
    "cet": "Europe/Berlin", "cest": "Europe/Berlin", "mez": "Europe/Berlin", "mesz": "Europe/Berlin",
    "eet": "Europe/Helsinki", "eest": "Europe/Helsinki", "wet": "Europe/Lisbon", "west": "Europe/Lisbon",
    "bst": "Europe/London", "est": "America/New_York", "edt": "America/New_York", "cst": "America/Chicago",
    "cdt": "America/Chicago", "mdt": "America/Denver", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles",
    "nzst": "Pacific/Auckland", "nzdt": "Pacific/Auckland", "aedt": "Australia/Sydney",
}  # fmt: skip
"""Where abbreviations hold in one half of the year only. AEST and MST hold all year in Brisbane and Phoenix."""

NAMED = frozenset({*SPOKEN.values(), *_SEASONAL.values(), "Europe/Paris", "America/Sao_Paulo", "Europe/Istanbul",
                   "Asia/Shanghai", "Asia/Taipei", "Asia/Hong_Kong", "Asia/Tokyo", "Asia/Seoul"})  # fmt: skip
"""Time zones that a text may mean without any setting that names them."""

_OFFSET = re.compile(r"(?:(?:utc|gmt) ?)?([+-]) ?(\d{1,2})(?:[:.]?(\d\d))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text is from: its locale, time zone, and abbreviations of its own in minutes.

    ``assumed``: the time zone is only supposed, so that it settles nothing that is doubtful.
    """

    locale: str
    timezone: str
    zones: Mapping[str, int]
    assumed: bool


@dataclass(frozen=True, slots=True)
class Meaning:
    """An offset in minutes, or the time zone whose clocks count; None where it is not known. And what is doubtful."""

    zone: int | str
    warning: str | None = None


def meaning(name: str, local: datetime, place: Place) -> Meaning | None:
    """What a zone that stands beside a local time means; None where it is not one.

    Raises ReadError for one that may mean several and where nothing tells which.
    """
    folded = name.casefold()
    own = {key.casefold(): minutes for key, minutes in place.zones.items()}
    if match := _OFFSET.fullmatch(name):
        return Meaning(an_offset(*match.groups()))
    if folded in own or folded in ("utc", "gmt", "ut", "z"):
        return Meaning(own.get(folded, 0))
    if "/" in name:
        known_zone(name)
        return Meaning(name)
    there = None if place.assumed and folded in DOUBTFUL else _own(folded, local, place)
    if there is not None:
        return there
    found = _elsewhere(name, folded, place)
    return found and _in_season(found, name, folded, local)


def _elsewhere(name: str, folded: str, place: Place) -> Meaning | None:
    """What it means wherever it is read."""
    if name in SPOKEN:
        return Meaning(SPOKEN[name])
    # The American ones are words in other languages, as "est" is in French.
    if not (name.isupper() or folded in ("wib", "wita", "wit") or known_locale(place.locale).language == "en"):
        return None
    if folded in DOUBTFUL:
        return _doubtful(name, folded, place)
    return Meaning(ZONES[folded]) if folded in ZONES else None


def _in_season(found: Meaning, name: str, folded: str, local: datetime) -> Meaning:
    """The same, with a warning where it is that of the other half of the year: most mean the clocks there."""
    home = _SEASONAL.get(folded)
    if home is None or found.warning or found.zone in _offsets(home, local):
        return found
    year = [offset for month in (1, 7) for offset in _offsets(home, local.replace(month=month, day=1))]
    if found.zone not in year:  # another place's
        return found
    assert isinstance(found.zone, int)
    return Meaning(found.zone, f"{name} does not hold in {home} on that day; {offset_in_words(found.zone)} is taken")


def agrees(name: str, offset: int, local: datetime, place: Place) -> bool:
    """Whether a zone that stands beside an offset may be that offset's."""
    try:
        found = meaning(name, local, place)
    except ReadError:
        return True  # it may mean several, and the offset says which
    if found is None:
        return True
    others = DOUBTFUL.get(name.casefold(), (0, ""))[1]
    return offset in _offsets(found.zone, local) or offset_in_words(offset) in others


def _own(folded: str, local: datetime, place: Place) -> Meaning | None:
    """What it means in the place's own time zone; where it is the other half of the year's, the clocks there count."""
    zone = place.timezone
    if (zone, folded) in _THERE:
        return Meaning(_THERE[zone, folded])
    shown = zone_abbreviations(place.locale, zone, local.year)
    named = shown.get(folded)
    if named is None and zone.startswith("Australia/") and folded in _AUSTRALIAN:
        named = shown.get(f"a{folded}")
    if named is None:
        return None
    if named in _offsets(zone, local):
        return Meaning(named)
    return Meaning(zone, f"{folded.upper()} does not hold in {zone} on that day: its clocks' own time is taken")


def _offsets(zone: int | str, local: datetime) -> set[int]:
    if isinstance(zone, int):
        return {zone}
    there = [local.replace(tzinfo=known_zone(zone), fold=fold).utcoffset() or timedelta() for fold in (0, 1)]
    return {int(offset.total_seconds() // 60) for offset in there}


def _doubtful(name: str, folded: str, place: Place) -> Meaning:
    locale = known_locale(place.locale)
    minutes, others = DOUBTFUL[folded]
    in_america = not place.assumed and place.timezone.startswith(("America/", "US/", "Canada/"))
    if folded in _AMERICAN and (in_america or locale.territory in ("US", "CA")):
        return Meaning(minutes)
    if locale.language != "en" or (locale.territory == "AU" and folded in _AUSTRALIAN):
        raise ReadError(f"{name!r} is the zone of several places; set timezone, or name it in zones of the profile")
    said = offset_in_words(minutes)
    return Meaning(minutes, f"{name} is taken as {said}, but {others}; set timezone of the source if it is another")
