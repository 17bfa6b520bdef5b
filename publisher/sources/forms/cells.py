"""The cells of a row of a ticker as numbers, and what is odd about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from publisher.errors import ReadError
from publisher.locale import parse_decimal, says_nothing, without_arrow
from publisher.locale.money import PER_CENT, currency_within
from publisher.model import Indicator, IndicatorSpec
from publisher.model.agreement import doubt, misread
from publisher.model.indicator import decimal_text
from publisher.sources.profiles.profile import COLUMNS

# What can be only one country's, beside the codes themselves.
_CURRENCIES = {
    "rp": "IDR", "rupiah": "IDR", "us$": "USD", "s$": "SGD", "sg$": "SGD", "a$": "AUD", "au$": "AUD", "c$": "CAD",
    "ca$": "CAD", "hk$": "HKD", "nz$": "NZD", "nt$": "TWD", "r$": "BRL", "€": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "jp¥": "JPY", "yen": "JPY", "cn¥": "CNY", "rmb": "CNY", "yuan": "CNY", "₩": "KRW", "₹": "INR",
    "₽": "RUB", "₺": "TRY", "₫": "VND", "₱": "PHP", "₪": "ILS", "฿": "THB", "baht": "THB", "rm": "MYR",
    "ringgit": "MYR", "sfr": "CHF",
}  # fmt: skip


def read_cells(cells: Mapping[str, str | None], locale: str, unit: str | None) -> dict[str, Decimal | None]:
    """Value, change and percent as the locale writes numbers; None where a cell is empty or says that it is unknown.

    Raises ReadError for what is no number, for a per cent sign where the unit is another, and for an arrow beside the
    value that points where the change does not.
    """
    found: dict[str, Decimal | None] = {}
    for column in COLUMNS[1:]:
        text = (cells.get(column) or "").strip()
        wrong = misplaced_percent(column, cells, unit)
        if wrong:
            raise ReadError(wrong)
        unknown = not text or (column != "value" and says_nothing(text))
        number = without_arrow(text, locale)[0] if column == "value" else text
        found[column] = None if unknown else parse_decimal(number, locale)
    wrong = other_way(cells.get("value"), locale, found["change"], found["percent"])
    if wrong:
        raise ReadError(wrong)
    return found


def doubts(found: Indicator, cells: Mapping[str, str | None], spec: IndicatorSpec | None) -> Iterator[str]:
    """What is odd about a row that was taken."""
    said = [doubt(found.value, found.change, found.percent)]
    if spec is not None:
        said.append(other_currency(cells.get("value"), spec.unit))
        said.append(misread(found.value, found.change, found.percent, spec.decimals))
    yield from filter(None, said)


def misplaced_percent(column: str, cells: Mapping[str, str | None], unit: str | None) -> str | None:
    """The message where a per cent sign shows that a value or a change is another column's number; None if not."""
    text = cells.get(column) or ""
    if column == "percent" or not _in_percent(text) or _in_percent(unit):
        return None
    if unit is None and (column == "value" or _in_percent(cells.get("value"))):
        return None
    return f"the {column} {text!r} is in per cent" + (f", and the unit is {unit}" if unit else "")


def other_way(value: str | None, locale: str, change: Decimal | None, percent: Decimal | None) -> str | None:
    """The message where the arrow beside a value contradicts its change; None where it does not."""
    down = without_arrow(value or "", locale)[1]
    moved = change or percent
    if down is None or not moved or (moved < 0) == down:
        return None
    return f"the arrow of the value {value!r} points {'down' if down else 'up'}, and {decimal_text(moved)} does not"


def other_currency(text: str | None, unit: str | None) -> str | None:
    """The message where a number has another currency than the unit; None where it has not."""
    sign = currency_within((text or "").strip())
    known = re.match(r"[A-Z]{3}\b", unit or "")
    if sign is None or known is None or not _is_another(sign.rstrip("."), known[0]):
        return None
    return f"the value is in {sign}, and the unit of this indicator is {unit}"


def _in_percent(text: str | None) -> bool:
    said = (text or "").strip()
    return any(sign in said for sign in "%％٪﹪") or PER_CENT.search(f"0 {said}") is not None


def _is_another(sign: str, currency: str) -> bool:
    """Whether a sign beside a number is that of another currency; a bare dollar may be anybody's."""
    if sign == "$":
        return not currency.endswith("D")
    code = _CURRENCIES.get(sign.lower(), sign if re.fullmatch("[A-Z]{3}", sign) else currency)
    return code != currency
