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
        if column != "percent" and _in_percent(text) and not _in_percent(unit):
            _refuse_percent(column, text, cells, unit)
        unknown = column != "value" and is_unknown(text)
        found[column] = parse_decimal(text, locale) if text and not unknown else None
    return found


def doubts(found: Indicator, cells: Mapping[str, str | None], unit: str | None) -> Iterator[str]:
    """What is odd about a row that was taken."""
    odd = doubt(found.value, found.change, found.percent)
    if odd:
        yield odd
    sign = _NO_CURRENCY.sub("", cells.get("value") or "")
    known = re.match(r"[A-Z]{3}\b", unit or "")
    if known and _is_another(sign, known[0]):
        yield f"the value is in {sign}, and the unit of this indicator is {unit}"


def _refuse_percent(column: str, text: str, cells: Mapping[str, str | None], unit: str | None) -> None:
    """Raise ReadError where a per cent sign shows that a column holds another one's number."""
    if unit is not None or (column == "change" and not _in_percent(cells.get("value"))):
        raise ReadError(f"the {column} {text!r} is in per cent" + (f", and the unit is {unit}" if unit else ""))


def _in_percent(text: str | None) -> bool:
    return "%" in (text or "") or (text or "").lower() in ("percent", "per cent", "pct")


def _is_another(sign: str, currency: str) -> bool:
    """Whether a sign beside a number is that of another currency; a bare dollar may be anybody's."""
    if sign == "$":
        return not currency.endswith("D")
    code = _CURRENCIES.get(sign.lower(), sign if re.fullmatch("[A-Z]{3}", sign) else currency)
    return code != currency
