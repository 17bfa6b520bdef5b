"""Decimal numbers of a locale."""

from __future__ import annotations

import re
from decimal import Context, Decimal, localcontext

from babel import Locale, numbers

from publisher.errors import ReadError
from publisher.locale.names import known_locale, language_name, plain

MAX_NUMBER = 64
"""Characters of a number, its currency and sign included; nothing longer is looked at."""

_CURRENCIES = r"(?:Rp\.?|IDR|US\$|USD|\$|EUR|€|CHF|Fr\.|GBP|£)"
_PREFIX = re.compile(rf"^([+-]?) ?{_CURRENCIES} ?(?=[\d+-])", re.ASCII)
_SUFFIX = re.compile(rf"(?<=[\d+-]) ?(?:%|{_CURRENCIES})$", re.ASCII)
# babel's own context has 28 digits; a longer number would be rounded while it is checked or written.
_PRECISION = Context(prec=200)


def parse_decimal(text: str, locale: str) -> Decimal:
    """The number that ``text`` is in ``locale``, with its own digits: in Indonesian ``95,00`` is ``Decimal("95.00")``.

    White space around it, one currency (``Rp``, ``US$``, ``€`` …) or one per cent sign, and one sign before or after
    it (hyphen, U+2212 or plus) are taken off; grouping must be the locale's own. Raises ReadError for all else.
    """
    known = known_locale(locale)
    reading = plain(text)
    if len(reading) > MAX_NUMBER:
        raise ReadError(f"{text[:MAX_NUMBER]!r}… is too long for a number")
    negative, digits = _unsigned(reading)
    group, point = numbers.get_group_symbol(known), numbers.get_decimal_symbol(known)
    digits = _own_group(digits, group)
    shape = rf"(?:0|[1-9]\d*|[1-9]\d{{0,2}}(?:{re.escape(group)}\d{{2,3}})+)(?:{re.escape(point)}\d+)?"
    if not re.fullmatch(shape, digits, re.ASCII):
        raise ReadError(f"{text!r} is no number in {language_name(known)}")
    try:
        with localcontext(_PRECISION):
            value = numbers.parse_decimal(digits, locale=known, strict=True)
    except numbers.NumberFormatError as error:
        raise ReadError(f"{text!r} is no number in {language_name(known)}: its grouping is wrong") from error
    return value.copy_negate() if negative else value


def format_decimal(value: Decimal, locale: str) -> str:
    """The number as the locale writes it, with all its own digits: ``16.199``, ``95,00``."""
    known = known_locale(locale)
    exponent = value.as_tuple().exponent
    places = max(0, -exponent) if isinstance(exponent, int) else 0
    with localcontext(_PRECISION):
        return numbers.format_decimal(value, format=_pattern(known, places), locale=known)


def _pattern(locale: Locale, places: int) -> str:
    whole = str(locale.decimal_formats[None].pattern).partition(".")[0]
    return f"{whole}.{'0' * places}" if places else whole


def _own_group(digits: str, group: str) -> str:
    """Typewriter forms of a grouping symbol as the symbol itself: a plain space in French, an apostrophe in Swiss."""
    if group.isspace():
        return digits.replace(" ", group)
    return digits.replace("'", group) if group == "’" else digits


def _unsigned(text: str) -> tuple[bool, str]:
    """Whether it is negative, and its digits without sign, currency and per cent sign."""
    rest = _SUFFIX.sub("", text)
    if rest == text:
        rest = _PREFIX.sub(r"\1", text)
    signs = re.fullmatch(r"([+-]?) ?([^+-]*)([+-]?)", rest)
    if signs is None or (signs[1] and signs[3]):
        raise ReadError(f"{text!r} is no number")
    return "-" in (signs[1], signs[3]), signs[2]
