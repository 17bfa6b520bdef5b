"""The cells of a row of a ticker as numbers, and what is odd about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from publisher.errors import ReadError
from publisher.locale import parse_decimal
from publisher.model import Indicator
from publisher.model.agreement import doubt
from publisher.sources.profile import COLUMNS

_UNKNOWN = re.compile(r"[-‐-―−*.…/]{1,3}|n\.?/?a\.?|nil|null|none", re.IGNORECASE)
"""What stands in a cell of which nothing is known: a dash, "n/a". A zero is written as one."""

_CURRENCIES = {"rp": "IDR", "us$": "USD", "s$": "SGD", "a$": "AUD", "hk$": "HKD", "€": "EUR", "£": "GBP", "fr": "CHF"}
_NO_CURRENCY = re.compile(r"[\d\s.,'’+\-−%]+")


def is_unknown(text: str) -> bool:
    """Whether a cell says that nothing is known."""
    return _UNKNOWN.fullmatch(text.strip()) is not None


def read_cells(cells: Mapping[str, str | None], locale: str, unit: str | None) -> dict[str, Decimal | None]:
    """Value, change and percent as the locale writes numbers; null where a cell is empty or says that it is unknown.

    Raises ReadError for what is no number, and for a per cent sign where the unit is another.
    """
    found: dict[str, Decimal | None] = {}
    for column in COLUMNS[1:]:
        text = (cells.get(column) or "").strip()
        wrong = misplaced_percent(column, cells, unit)
        if wrong:
            raise ReadError(wrong)
        unknown = column != "value" and is_unknown(text)
        found[column] = parse_decimal(text, locale) if text and not unknown else None
    return found


def doubts(found: Indicator, cells: Mapping[str, str | None], unit: str | None) -> Iterator[str]:
    """What is odd about a row that was taken."""
    odd = doubt(found.value, found.change, found.percent)
    if odd:
        yield odd
    other = other_currency(cells.get("value"), unit)
    if other:
        yield other


def misplaced_percent(column: str, cells: Mapping[str, str | None], unit: str | None) -> str | None:
    """What a per cent sign shows, in words: that a value or a change is another column's number; null if none does."""
    text = cells.get(column) or ""
    if column == "percent" or not _in_percent(text) or _in_percent(unit):
        return None
    if unit is None and (column == "value" or _in_percent(cells.get("value"))):
        return None
    return f"the {column} {text!r} is in per cent" + (f", and the unit is {unit}" if unit else "")


def other_currency(text: str | None, unit: str | None) -> str | None:
    """That a number stands in another currency than that of the unit, in words; null where it does not."""
    sign = _NO_CURRENCY.sub("", text or "")
    known = re.match(r"[A-Z]{3}\b", unit or "")
    if known is None or not _is_another(sign, known[0]):
        return None
    return f"the value is in {sign}, and the unit of this indicator is {unit}"


def _in_percent(text: str | None) -> bool:
    text = (text or "").strip().lower()
    return any(sign in text for sign in "%％٪﹪") or text in ("percent", "per cent", "persen", "prozent", "pct")


def _is_another(sign: str, currency: str) -> bool:
    """Whether a sign beside a number is that of another currency; a bare dollar may be anybody's."""
    if sign == "$":
        return not currency.endswith("D")
    code = _CURRENCIES.get(sign.lower(), sign if re.fullmatch("[A-Z]{3}", sign) else currency)
    return code != currency
