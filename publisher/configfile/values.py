"""The types of values that configuration files hold besides text: durations, zones, cron lines, networks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator

from publisher import privatenetworks
from publisher.configfile.faults import shown

MAX_SECONDS = 366 * 86_400.0
"""The longest duration; what is added to a time must not leave the calendar."""
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CRON: tuple[tuple[str, int, int, Sequence[str]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("weekday", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


def seconds(value: object) -> float:
    """``"5s"``, ``"5m"``, ``"2h"``, ``"1d"`` (also ``"500ms"``) in seconds; raises ValueError."""
    found = _DURATION.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{shown(value)} is no duration; write it as "5s", "5m", "2h" or "1d"')
    length = float(found[1]) * _SECONDS[found[2]]
    if length > MAX_SECONDS:
        raise ValueError(f'{shown(value)} is too long; "366d" is the most')
    return length


def written_seconds(length: float) -> str:
    """The inverse of :func:`seconds`."""
    return f"{length:.3f}".rstrip("0").removesuffix(".") + "s"


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError(f'"{value}" is no network; write it as "10.0.0.0/8" or "fd00::/8" ({error})') from error


def _private_network(value: str) -> str:
    return str(privatenetworks.parse(value))


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f'"{value}" is no IANA time zone; write it as "Asia/Jakarta"') from error
    return value


def _cron(value: str) -> str:
    fields = value.split()
    if len(fields) != len(_CRON):
        raise ValueError(f'"{value}" has not five fields; write "minute hour day month weekday", as in "30 6 * * 1-5"')
    read = [_cron_field(text, *limits) for text, limits in zip(fields, _CRON, strict=True)]
    day, month = read[2:4]
    if "*" not in (day, month) and int(day.partition(",")[0]) > max(_DAYS[int(one)] for one in month.split(",")):
        # Looking for its next time would also look through every year there is.
        raise ValueError(f'"{value}" never comes: no such month has so many days')
    return " ".join(read)


def _cron_field(text: str, name: str, low: int, high: int, words: Sequence[str]) -> str:
    """One field as a plain list, in which schedulers that count weekdays differently agree."""
    chosen: set[int] = set()
    for part in text.lower().split(","):
        found = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if found is None:
            raise ValueError(f'"{part}" is no {name} of a cron line')
        first = _cron_number(found[1], name, low, high, words) if found[1] else low
        last = _cron_number(found[2], name, low, high, words) if found[2] else first if found[1] else high
        if last < first or found[3] == "0":
            raise ValueError(f'"{part}" is an empty range of {name}s')
        chosen.update(range(first, (high if found[3] and not found[2] else last) + 1, int(found[3] or 1)))
    if chosen >= set(range(low, high + 1)):
        return "*"
    if name == "weekday":
        return ",".join(dict.fromkeys(words[number % 7] for number in sorted(chosen)))
    return ",".join(map(str, sorted(chosen)))


def _cron_number(text: str, name: str, low: int, high: int, words: Sequence[str]) -> int:
    number = (
        words.index(text) + (low if name == "month" else 0) if text in words else int(text) if text.isdecimal() else -1
    )
    if not low <= number <= high:
        raise ValueError(f'"{text}" is no {name}; it goes from {low} to {high}')
    return number


Zone = Annotated[str, AfterValidator(_zone)]
"""An IANA time zone."""

Cron = Annotated[str, AfterValidator(_cron)]
"""Five fields of a cron line; weekdays count from Sunday, 0 or 7. Day and weekday must both hold."""

Duration = Annotated[float, BeforeValidator(seconds)]
"""A length of time, written ``"5s"``, held in seconds."""


def _no_truth(value: object) -> object:
    if isinstance(value, bool):  # Python counts with them
        raise ValueError(f"{shown(value)} should be a valid integer")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth)]
"""A whole number."""

Network = Annotated[str, AfterValidator(_network)]
"""A network in CIDR form; a bare address is a network of one."""

PrivateNetwork = Annotated[str, AfterValidator(_private_network)]
"""A network with the ports that may be reached in it; see ``privatenetworks``."""
