"""Decimal numbers of a locale."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import lru_cache

from babel import Locale, numbers

from publisher.errors import ReadError
from publisher.locale.characters import one_form
from publisher.locale.lookup import known_locale, language_name
from publisher.locale.money import CURRENCIES, PER_CENT, currency_within

MAX_NUMBER = 64
"""Characters of a number, its currency and sign included; nothing longer is looked at."""

# babel's own context has 28 digits; a longer number would be rounded while it is written.
_PRECISION = Context(prec=200)

_UP, _DOWN = "▲△▴▵↑⬆🔺⏶", "▼▽▾▿↓⬇🔻⏷"
_ARROW = re.compile(rf"^([{_UP}{_DOWN}])\ufe0f? ?|(?<=[\d%)]) ?([{_UP}{_DOWN}])\ufe0f?$")
# What stands where a price has no cents: "1.533.000,-", "CHF 12.–", "100:-". It is no minus.
_NO_CENTS = re.compile(r"(?<=\d)[.,:] ?(?:-{1,2}|[–—]|=)$")
_BEHIND = re.compile(r"(?<=\d) ?([+-])$")
_DECIMALS_AND_SIGN = re.compile(r"[.,\u066b]\d{1,2}[+-]$")
_IN_FRONT = re.compile(r"^(?:([+-]) ?|(–))(?=\S)")
_NOTHING = re.compile(r"[-–—*.?]*|n ?[./] ?[ad]\.?|null|none|nil|tba|tbd|nihil|k\.? ?a\.?|entfällt|nd", re.IGNORECASE)
_RANGE = re.compile(r"\d[^\d]* ?(?:[-–—~]|s/?d\.?|to|bis|à|hingga|sampai) ?[^\d]*\d", re.IGNORECASE)
# Where CLDR has one decimal sign and the country's press the other, three digits behind either may be thousands.
_TWO_CUSTOMS = {"en_ZA"}


def parse_decimal(text: str, locale: str) -> Decimal:
    """The number that ``text`` is in ``locale``, with its own digits: in Indonesian ``95,00`` is ``Decimal("95.00")``.

    Taken off are white space, one currency (``Rp``, ``US$``, ``€``, ``kr`` …) or one per cent sign or word, the dash
    of a price without cents (``1.533.000,-``), and a sign: plus, hyphen, U+2212 or an en dash before it, a hyphen
    behind its decimals, an arrow, or the parentheses of accountants. Two signs must agree. Grouping must be the
    locale's own, digits may be those of any script. Raises ReadError for all else: ranges, powers of ten, multipliers
    such as "miliar", and for what says that there is no value.
    """
    known = known_locale(locale)
    if len(text) > MAX_NUMBER:
        raise ReadError(f"{text[:MAX_NUMBER]!r}… is too long for a number")
    reading = one_form(text)
    if _NOTHING.fullmatch(reading):
        raise ReadError(f"{text!r} is no number in {language_name(known)}: it says that there is no value")
    negative, digits = _unsigned(text, reading, known.language)
    whole, fraction = _parts(text, digits, known)
    value = Decimal(f"{whole}.{fraction}" if fraction else whole)
    return value.copy_negate() if negative and value else value


def says_nothing(text: str) -> bool:
    """Whether a text in the place of a number says that there is none: a dash, "n/a", nothing at all."""
    return _NOTHING.fullmatch(one_form(text[: MAX_NUMBER + 1])) is not None


def without_arrow(text: str, locale: str) -> tuple[str, bool | None]:
    """A text without the arrow beside its number, and whether that points down; None where there is none.

    Beside a change an arrow is its sign. Beside a value it says which way that went, and the value has its own sign;
    not where one up may be a minus, as in Japanese accounts: there it stays. Raises ReadError as `one_form` does.
    """
    said = one_form(text[: MAX_NUMBER + 1])
    arrow = _ARROW.search(said)
    if arrow is None or _is_minus_in_accounts(said, known_locale(locale).language):
        return text, None
    return f"{said[: arrow.start()]}{said[arrow.end() :]}".strip(), (arrow[1] or arrow[2]) in _DOWN


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


# --- what stands around the digits


@dataclass(slots=True)
class _Signs:
    """What was said of the sign: each True for minus, False for plus."""

    said: list[bool]

    def take(self, pattern: re.Pattern[str], text: str, minus: str) -> str:
        """Note the sign that the pattern finds, which is a minus if it is one of ``minus``; the text without it."""
        match = pattern.search(text)
        if match is None:
            return text
        self.said.append(next(filter(None, match.groups())) in minus)
        return f"{text[: match.start()]}{text[match.end() :]}".strip()


def _unsigned(text: str, reading: str, language: str) -> tuple[bool, str]:
    """Whether it is negative, and its digits and separators without sign, currency and per cent sign."""
    signs = _Signs([])
    rest = signs.take(_ARROW, reading, _DOWN)
    arrow = len(signs.said)
    rest, in_brackets = _out_of_brackets(rest)
    rest = signs.take(_IN_FRONT, rest, "-–")
    rest, unit = _without_unit(rest, signs)
    if not in_brackets and len(signs.said) == arrow:
        rest, in_brackets = _out_of_brackets(rest)
    priced = bool(unit) and unit != "%"
    cents = _NO_CENTS.search(rest)
    if cents or (priced and re.search(r"\d[–-]$", rest) and not _DECIMALS_AND_SIGN.search(rest)):
        rest = rest[: cents.start()] if cents else rest[:-1]
    else:
        rest = _sign_behind(text, signs, rest, priced=priced)
    if in_brackets and len(signs.said) == arrow:
        if unit == "%" and not arrow:
            raise ReadError(f"{text!r} may be minus, or a percentage in brackets; which is not certain")
        signs.said += [] if arrow else [True]
    if arrow and len(signs.said) == arrow and _is_minus_in_accounts(reading, language):
        raise ReadError(f"{text!r}: in accounts an arrow up is a minus there, in tables of prices a plus")
    if len(set(signs.said)) > 1 or len(signs.said) - arrow > 1:
        raise ReadError(f"{text!r} is no number: its signs contradict each other")
    return True in signs.said, rest


def _is_minus_in_accounts(reading: str, language: str) -> bool:
    return language in ("ja", "ko") and reading[:1] in _UP


def _out_of_brackets(rest: str) -> tuple[str, bool]:
    if rest.startswith("(") and rest.endswith(")"):
        return rest[1:-1].strip(), True
    return rest, False


def _without_unit(rest: str, signs: _Signs) -> tuple[str, str]:
    """The text without its currency or per cent sign, and that (``%`` for all that say per cent); one of them alone."""
    stripped = PER_CENT.sub("", rest)
    if stripped != rest:
        return signs.take(_IN_FRONT, stripped.strip(), "-–"), "%"
    for pattern in CURRENCIES:
        match = pattern.search(rest)
        if match:
            left = f"{rest[: match.start()]}{rest[match.end() :]}".strip()
            return signs.take(_IN_FRONT, left, "-–"), match[0].strip()
    return rest, ""


def _sign_behind(text: str, signs: _Signs, rest: str, *, priced: bool) -> str:
    """Books write a minus behind decimals: ``1,32-``. Elsewhere it may be the dash of a price, or "and more"."""
    if _BEHIND.search(rest) and (priced or not _DECIMALS_AND_SIGN.search(rest)):
        raise ReadError(f"{text!r}: the {rest[-1]!r} behind it may be a sign, or something else; which is not certain")
    return signs.take(_BEHIND, rest, "-")


# --- the digits


@lru_cache(maxsize=128)
def _shapes(locale: Locale) -> tuple[re.Pattern[str], ...]:
    """What a whole number and its decimals look like, each with the groups ``whole`` and ``fraction``."""
    group, point = numbers.get_group_symbol(locale), numbers.get_decimal_symbol(locale)
    primary, secondary = locale.decimal_formats[None].grouping
    point = re.escape(point)
    if group.isspace():
        group = " "
    elif group == "’":
        group = "'"

    def shape(separator: str, fraction: str) -> re.Pattern[str]:
        sep = re.escape(separator)
        middle = rf"(?:{sep}\d{{{secondary}}})*{sep}\d{{{primary}}}"
        grouped = rf"[1-9]\d{{0,{secondary - 1}}}{middle}"
        return re.compile(rf"(?P<whole>0|[1-9]\d*|{grouped})(?:{fraction})", re.ASCII)

    found = [shape(group, rf"{point}(?P<fraction>\d+))?(?:")]
    if group == " " and point == ",":
        # Beside decimals, or twice, a point can only group there too.
        found += [
            re.compile(r"(?P<whole>[1-9]\d{0,2}(?:\.\d{3})+),(?P<fraction>\d+)", re.ASCII),
            re.compile(r"(?P<whole>[1-9]\d{0,2}(?:\.\d{3}){2,})(?P<fraction>)", re.ASCII),
        ]
    if locale.default_numbering_system in ("arab", "arabext") or locale.language in ("ar", "fa", "ur", "ps", "ckb"):
        found.append(shape("\u066c", r"\u066b(?P<fraction>\d+))?(?:"))
    return tuple(found)


def _parts(text: str, digits: str, locale: Locale) -> tuple[str, str]:
    """The digits before and behind the decimal sign."""
    for shape in _shapes(locale):
        match = shape.fullmatch(digits)
        if match:
            fraction = match["fraction"] or ""
            if str(locale) in _TWO_CUSTOMS and len(fraction) == 3 and len(match["whole"]) <= 3:
                raise ReadError(f"{text!r} may be thousands there, or decimals; which is not certain")
            return re.sub(r"\D", "", match["whole"]), fraction
    raise ReadError(f"{text!r} is no number in {language_name(locale)}{_why(digits)}")


def _why(digits: str) -> str:
    """What is wrong with the number, as far as it can be told."""
    if _RANGE.search(digits):
        return ": it looks like a range, which has no one value"
    if re.search(r"\d ?[eE][+-]?\d", digits):
        return ": powers of ten are not read"
    letters = re.search(r"[^\W\d_]+", digits)
    if letters and (currency := currency_within(digits)):
        return f": beside {currency} nothing else may stand"
    if letters:
        return f": {letters[0]!r} is a unit or a multiplier; only digits, a sign, a currency or % are read"
    return ": its grouping is wrong" if re.fullmatch(r"\d{1,3}(?:[.,' ]\d{2,3})+", digits) else ""
