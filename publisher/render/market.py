"""How an indicator reads: a headline for people, lines of detail, and the elements of a statistic for machines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, localcontext
from typing import Any

from publisher.render.words import date_and_time, number, words

_EXACT = Context(prec=100)
_PAIR = re.compile(r"([A-Z]{3})/([A-Z]{3})")


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
    say = words(language)
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


def _decimal(data: Mapping[str, Any], key: str) -> Decimal | None:
    return None if data.get(key) is None else Decimal(data[key])


def _when(data: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(data.get("as_of") or data["observed_at"])


def _time(text: str, language: str, timezone: str) -> str:
    return date_and_time(datetime.fromisoformat(text), language, timezone)
