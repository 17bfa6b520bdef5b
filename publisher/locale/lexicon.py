"""The words of a language that stand in dates, and a text with one sign for each of them.

Months, weekdays, halves of the day and the words around a clock time become characters of Unicode's private use area,
so that one grammar reads the dates of every language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale

from publisher.locale import words
from publisher.locale.characters import one_form
from publisher.locale.lookup import known_locale

MONTH, DAY, EITHER = 0xE000, 0xE020, 0xE100
AM, PM, HOUR, MINUTE, AT = "\ue040", "\ue041", "\ue042", "\ue043", "\ue045"

# Marks that are part of a letter, in the scripts where \w does not have them.
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0962\u0963\u0981-\u0983"
    "\u09bc-\u09cd\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
)
_LETTERS = r"[^\W\d_\ue000-\ue2ff]"
LETTER = rf"(?:{_LETTERS}|[{_MARKS}])"
"""A letter or a mark of one, in a regular expression."""

# Scripts that set no spaces between words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WIDTHS = ("wide", "abbreviated")
_SQUEEZED = re.compile(r"[.\s]+")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """``signs`` gives the sign of each name in its squeezed form, ``pattern`` finds them, the longest first."""

    pattern: re.Pattern[str]
    signs: Mapping[str, str]

    def signed(self, text: str) -> str:
        """The text with a sign for each name."""
        return self.pattern.sub(lambda match: self.signs.get(_squeezed(match[0]), match[0]), text)


def is_month(sign: str) -> int | None:
    """The month, 1 to 12, that a sign may stand for."""
    code = ord(sign)
    return code - MONTH if MONTH < code <= MONTH + 12 else (code - EITHER) // 8 if code >= EITHER else None


def is_day(sign: str) -> int | None:
    """The weekday, 0 to 6, that a sign may stand for."""
    code = ord(sign)
    return code - DAY if DAY <= code < DAY + 7 else (code - EITHER) % 8 if code >= EITHER else None


@lru_cache(maxsize=64)
def lexicon(name: str) -> Lexicon:
    """The words of a locale. Raises ReadError for one that CLDR lacks."""
    locale = known_locale(name)
    months = dict(_with_plain_forms(_names(locale.months), words.MONTHS, locale))
    days = dict(_with_plain_forms(_names(locale.days), words.DAYS, locale))
    if not re.search("[a-z]", "".join([*months, *days])):  # written in other letters, English can mean nothing else
        english = known_locale("en")
        months |= dict(_with_plain_forms(_names(english.months), words.MONTHS, english))
        days |= dict(_with_plain_forms(_names(english.days), words.DAYS, english))
    signs: dict[str, str] = {}
    for table, sign in ((words.JOINING, " "), (words.MINUTE, MINUTE), (words.HOUR, HOUR), (words.AT, AT)):
        signs |= dict.fromkeys(_split(table.get(locale.language, "")), sign)
    signs |= dict.fromkeys(("h", "hs", "hrs", "hr"), HOUR)
    for zone, names in words.ZONES.get(locale.language, {}).items():
        signs |= dict.fromkeys(_split(names), f" {zone} ")
    signs |= _halves(locale)
    # What is cut short gives way to a word of the language: "den" is no Thursday.
    for text in {*months, *days} - {text for text in signs if len(text) == 3}:
        month, day = months.get(text), days.get(text)
        if month is not None and day is not None:
            signs[text] = chr(EITHER + month * 8 + day)
        else:
            signs[text] = chr(MONTH + month) if month is not None else chr(DAY + (day or 0))
    return Lexicon(_pattern(signs), {_squeezed(text): sign for text, sign in signs.items()})


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Any of the names, the longest first; no letter stands before or after one of a script that sets spaces."""
    kinds: dict[tuple[bool, bool], list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        open_end = bool(_UNSPACED.match(name[-1])) or name[-1] == "'"
        kinds.setdefault((bool(_UNSPACED.match(name[0])), open_end), []).append(_written(name))
    before = {True: "", False: rf"(?<!{_LETTERS})(?<![{_MARKS}])"}
    after = {True: "", False: rf"(?!{LETTER})"}
    return re.compile(
        "|".join(f"{before[begin]}(?:{'|'.join(found)}){after[end]}" for (begin, end), found in kinds.items()),
        re.IGNORECASE,
    )


def _squeezed(text: str) -> str:
    return _SQUEEZED.sub("", text.casefold())


def _split(names: str) -> list[str]:
    return [one_form(name.replace("_", " ").casefold()).rstrip(".") for name in names.split()]


def _written(name: str) -> str:
    """A name as it may be written: points and spaces within it as one likes."""
    return r"[. ]{0,2}".join(map(re.escape, filter(None, re.split(r"[.\s]+", name))))


def _names(table: Mapping[str, Mapping[str, Mapping[int, str]]]) -> Iterator[tuple[str, int]]:
    for context in ("format", "stand-alone"):
        for width in (*_WIDTHS, "short"):
            for number, text in table[context].get(width, {}).items():
                if not re.search(r"\d", text):
                    yield one_form(text.casefold()).rstrip("."), number


def _with_plain_forms(
    names: Iterator[tuple[str, int]], more: Mapping[str, Mapping[int, str]], locale: Locale
) -> Iterator[tuple[str, int]]:
    """Names as CLDR has them, as newsrooms write them, and each without its accents where that means nothing else."""
    found = dict(names)
    for number, written in more.get(locale.language, {}).items():
        found |= dict.fromkeys(_split(written), number)
    yield from found.items()
    yield from _cut_short(found)
    for text, number in list(found.items()):
        for form in _plain_forms(text, locale.language):
            if form not in found:
                yield form, number


def _cut_short(names: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """The first three letters of each name, where one name alone begins with them."""
    begin: dict[str, set[int]] = {}
    for text, number in names.items():
        if len(text) > 3 and text.isalpha() and not _UNSPACED.search(text):
            begin.setdefault(text[:3], set()).add(number)
    for short, numbers in begin.items():
        if len(numbers) == 1 and names.get(short, min(numbers)) in numbers:
            yield short, min(numbers)


def _plain_forms(text: str, language: str) -> Iterator[str]:
    if language == "tr":  # capitals of a dotless i, read by those who do not know them
        yield text.replace("ı", "i")
    if language == "he":
        yield f"ב{text}"
    if language == "ar":
        yield re.sub("[أإآ]", "ا", text)
        yield f"ال{text}"
    if language != "vi":  # where an accent makes another word
        bare = "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))
        if bare != text and not _UNSPACED.search(text):
            yield bare


def _halves(locale: Locale) -> dict[str, str]:
    """Before and after noon, as CLDR has them, as newsrooms do, and in English."""
    found = {"am": AM, "a.m": AM, "pm": PM, "p.m": PM}
    for key, sign, table in (("am", AM, words.AM), ("pm", PM, words.PM)):
        names = [widths.get(width, {}).get(key) for widths in locale.day_periods.values() for width in _WIDTHS]
        found |= dict.fromkeys([one_form(name.casefold()).rstrip(".") for name in names if name], sign)
        found |= dict.fromkeys(_split(table.get(locale.language, "")), sign)
    if locale.language == "de":
        found |= dict.fromkeys(("am", "a.m"), " ")  # "am 9. Februar"
    return found
