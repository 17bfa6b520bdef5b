"""How an indicator reads: a headline for people, lines of detail, and the elements of a statistic for machines.

Numbers, times and the few words that feeds say themselves are in the language of the feed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import Any

from babel.dates import format_time

from publisher.clock import bounded
from publisher.errors import ReadError
from publisher.locale import format_date, format_decimal, known_locale, known_zone
from publisher.locale.lookup import zone_name

_EXACT = Context(prec=100)
_PAIR = re.compile(r"([A-Z]{3})/([A-Z]{3})")


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of an indicator's details."""

    previous_close: str
    as_of: str
    observed: str


_LABELS = {
    "id": Labels("Penutupan sebelumnya", "Per", "Diamati"),
    "en": Labels("Previous close", "As of", "Observed"),
    "de": Labels("Vortagesschluss", "Stand", "Beobachtet"),
    "fr": Labels("Clôture précédente", "Au", "Observé"),
}


@dataclass(frozen=True, slots=True)
class Statistic:
    """An observation as RSS-CB 1.2 has it; ``base`` and ``target`` are set for an exchange rate.

    One ``base`` buys ``value`` of ``target``.
    """

    value: str
    decimals: int
    unit: str | None
    topic: str
    coverage: str
    period: str
    base: str | None = None
    target: str | None = None


def title(data: Mapping[str, Any], *, language: str, timezone: str) -> str:
    """``USD/IDR 16.199,00 ▲ 0,58% (+95,00) – 22 Nov 2026 15.00 WIB``; what is not known is left out."""
    change, percent = _decimal(data, "change"), _decimal(data, "percent")
    parts = [data["symbol"], number(Decimal(data["value"]), language)]
    moved = change if change is not None else percent
    if moved is not None:
        parts.append("▲" if moved > 0 else "▼" if moved < 0 else "▬")
    if percent is not None:
        parts.append(f"{number(percent.copy_abs(), language)}%")
    if change is not None:
        parts.append(f"({number(change, language, signed=True)})")
    return f"{' '.join(parts)} – {date_and_time(_when(data), language, timezone)}"


def lines(data: Mapping[str, Any], *, language: str, timezone: str) -> list[str]:
    """What there is to say besides the headline, one fact a line."""
    say = _labels(language)
    value, change = Decimal(data["value"]), _decimal(data, "change")
    unit = f" {data['unit']}" if data.get("unit") else ""
    said = [f"{data['name'].strip() or data['symbol']}: {number(value, language)}{unit}"]
    if change is not None:
        with localcontext(_EXACT):
            close = value - change
        said.append(f"{say.previous_close}: {number(close, language)}{unit}")
    if data.get("as_of"):
        said.append(f"{say.as_of}: {_time(data['as_of'], language, timezone)}")
    said.append(f"{say.observed}: {_time(data['observed_at'], language, timezone)}")
    return said


def statistic(data: Mapping[str, Any], period: str) -> Statistic:
    """The observation of a trading day; a symbol of two currency codes is an exchange rate."""
    exponent = Decimal(data["value"]).as_tuple().exponent
    pair = _PAIR.fullmatch(data["symbol"])
    return Statistic(
        value=data["value"],
        decimals=max(0, -exponent) if isinstance(exponent, int) else 0,
        unit=pair[2] if pair else data.get("unit"),
        topic=data["name"].strip() or data["symbol"],
        coverage=data["symbol"],
        period=period,
        base=pair[1] if pair else None,
        target=pair[2] if pair else None,
    )


def _labels(language: str) -> Labels:
    """The labels in this language, in English where it is none of ours."""
    return _LABELS.get(language.partition("-")[0].lower(), _LABELS["en"])


def number(value: Decimal, language: str, *, signed: bool = False) -> str:
    """The number as the language writes it, with its own digits; ``signed`` shows a plus."""
    written = format_decimal(value, known(language))
    return f"+{written}" if signed and value > 0 else written


def date_and_time(moment: datetime, language: str, timezone: str) -> str:
    """``22 Nov 2026 15.00 WIB``: to the minute, with the zone's own abbreviation."""
    name = known(language)
    locale, local = known_locale(name), bounded(moment).astimezone(known_zone(timezone))
    time = " ".join(format_time(local, "short", local.tzinfo, locale).split())
    return f"{format_date(moment, name, timezone)} {time} {zone_name(local, locale)}"


def _decimal(data: Mapping[str, Any], key: str) -> Decimal | None:
    return None if data.get(key) is None else Decimal(data[key])


def _when(data: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(data.get("as_of") or data["observed_at"])


def _time(text: str, language: str, timezone: str) -> str:
    return date_and_time(datetime.fromisoformat(text), language, timezone)


@lru_cache(maxsize=64)
def known(language: str) -> str:
    """The language, or English where it is none that numbers and dates can be written in."""
    try:
        known_locale(language)
    except ReadError:
        return "en"
    return language
