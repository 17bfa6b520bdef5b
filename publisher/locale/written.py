"""Dates as people write them, in the words and the order of a locale."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Literal

from publisher.errors import ReadError
from publisher.locale.hours import take_clock
from publisher.locale.lexicon import AM, AT, HOUR, LETTER, MINUTE, PM, is_day, is_month, lexicon
from publisher.locale.lookup import day_name, known_locale, language_name
from publisher.locale.parts import Said, Unread, a_day

DateOrder = Literal["locale", "dmy", "mdy", "ymd"]
"""The order in which a date of three numbers is read; ``locale`` is the order of the locale's short dates."""

# --- what is made plain first

_ORDINAL = re.compile(
    rf"(?<![\d:.,])(\d{{1,2}})(?:st|nd|rd|th|ère|er|re|ème|e|de|ste|[ºª°]|-?го|-?е|ος|η|-?(?:jén|ján|én|án|i|a))(?!{LETTER})",
    re.IGNORECASE,
)
_EASTERN_DAY = re.compile(r"(\d{4}) ?[年년] ?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日일号號]")
_EASTERN_TIME = re.compile(r"(\d{1,2}) ?[時时點点시](?: ?(\d{1,2}) ?[分분](?: ?(\d{1,2}) ?[秒초])?)?")
# Eight in the evening is certain; noon is at twelve; what else they may be said of is not.
_EASTERN_EVENING = re.compile(r"晚上 ?(?=(?:[6-9]|1[01])[:点點时時])|中午 ?(?=12[:点點时時])")
_ERA = re.compile(r"(令和|平成|昭和|民國|民国) ?(\d{1,3}|元) ?年")
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
_VIETNAMESE_MONTH = re.compile(r"\b(?:tháng|thg|th) ?(\d{1,2})\b", re.IGNORECASE)
_VIETNAMESE_DAY = re.compile(r"\bth(?:ứ)? ?([2-7])\b(?! ?[:h])", re.IGNORECASE)
_CAMERA_DAY = re.compile(r"^(\d{4}):(\d\d):(\d\d)(?= )")
_MIDDAY = re.compile(r"\b12(:00)? ?noon\b", re.IGNORECASE)
_LETTER_T = re.compile(r"(?<=\d)T(?=\d{1,2}:?\d\d)")

# --- the grammar, once every name is one sign

_MONTH, _DAY_OF_WEEK, _NAME = "[\ue001-\ue00c]", "[\ue020-\ue026]", "[\ue001-\ue00c\ue020-\ue026\ue100-\ue1ff]"
_NUMERIC = re.compile(r"(?<![\d./:-])(\d{1,4})( ?[./-] ?)(\d{1,2})\2(\d{1,4})\.?(?![\d:]|[./-]\d)", re.ASCII)
_SIGNS = re.compile("[\ue000-\uf8ff]")
_PLACE = re.compile(r"\[?\b([A-Z][A-Za-z_]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?)\b\]?")
_WORD = re.compile(rf"{LETTER}+(?:'{LETTER}+)*")
_BRACKETS = re.compile(r"\(([^()]*)\)")
_PUNCTUATION = re.compile(r"[\s,،、/|–—()\[\]•·:;@.-]*")


def read_written(text: str, locale: str, order: DateOrder | None) -> Said:
    """What a date in the words of the locale says. Raises ReadError where it is no date, or words are left over."""
    language = known_locale(locale).language
    if _SIGNS.search(text):
        raise ReadError("has characters of no script")
    unread = Unread(lexicon(locale).signed(_made_plain(text, language)), locale)
    place = _PLACE.search(unread.rest)
    if place:
        unread.cut(*place.span())
    day = None if re.search(_NAME, unread.rest) and _months(unread.rest) else _numeric(unread, order, language)
    clock, offset = take_clock(unread)
    if day is None:
        day = _worded(unread, language)
    said = Said(day, clock, offset)
    _weekdays(unread, said)
    zones = [*([place[1]] if place else []), *_words(unread, apart=offset is not None)]
    if offset is None and zones:
        said.zone, zones = zones[0], zones[1:]
    said.beside = zones
    return said


def _made_plain(text: str, language: str) -> str:
    text = _ORDINAL.sub(r"\1", _LETTER_T.sub(" ", _CAMERA_DAY.sub(r"\1-\2-\3", _MIDDAY.sub("12:00 pm", text))))
    if language in ("tr", "az"):
        text = text.replace("İ", "i")
    if language in ("ja", "zh", "ko"):
        text = _ERA.sub(lambda found: f"{_ERAS[found[1]] + (1 if found[2] == '元' else int(found[2]))}年", text)
        text = _EASTERN_EVENING.sub("下午", text)
        text = _EASTERN_DAY.sub(r" \1-\2-\3 ", text)
        text = _EASTERN_TIME.sub(
            lambda found: ":".join((found[1], *((x or "00").zfill(2) for x in found.groups()[1:]))), text
        )
    if language == "vi":
        text = _VIETNAMESE_DAY.sub(lambda found: chr(0xE020 + int(found[1]) - 2), text)
        text = _VIETNAMESE_MONTH.sub(
            lambda found: chr(0xE000 + int(found[1])) if int(found[1]) < 13 else found[0], text
        )
    if language == "de" and re.search(r"\b12[:.]\d\d ?am\b", text, re.IGNORECASE):
        raise ReadError("12 am may be midnight in English or a date in German; which is not certain")
    return text


# --- the day


def _numeric(unread: Unread, order: DateOrder | None, language: str) -> date | None:
    match = _NUMERIC.search(unread.rest)
    if match is None or 4 not in (len(match[1]), len(match[4])):
        if match is not None and len(match[1]) <= 2 and len(match[4]) == 2:
            raise ReadError("the year needs four digits")
        raise ReadError(f"no date in {language_name(known_locale(unread.locale))}")
    numbers = match[1], match[3], match[4]
    order = order or _evident_order(numbers, match[2].strip(), unread.locale)
    year, month, day = _in_order(numbers, order, unread.locale)
    unread.cut(*match.span())
    return a_day(_gregorian(int(year), language), month, day)


def _in_order(numbers: tuple[str, str, str], order: DateOrder, locale: str) -> tuple[str, str, str]:
    """Year, month and day."""
    by_letter = dict(zip(short_order(locale) if order == "locale" else order, numbers, strict=True))
    if len(by_letter["y"]) != 4:
        raise ReadError("the year needs four digits")
    return by_letter["y"], by_letter["m"], by_letter["d"]


def _evident_order(numbers: tuple[str, str, str], separator: str, locale: str) -> DateOrder:
    """The order of which there is no doubt. Raises ReadError where there is."""
    if len(numbers[0]) == 4:
        return "ymd"
    one, two = int(numbers[0]), int(numbers[1])
    if two > 12 >= one:
        return "mdy"
    if one > 12 >= two or one == two or (separator == "." and _is_dotted(locale)):
        return "dmy"
    raise ReadError(
        "which number is the day is not certain; date_order says it, in a profile or in a feed or json source"
    )


def short_order(locale: str) -> str:
    """``dmy``, ``mdy`` or ``ymd``: the order of letters in the locale's short date pattern."""
    pattern = str(known_locale(locale).date_formats["short"].pattern).lower()
    return "".join(sorted("dmy", key=pattern.index))


def _is_dotted(locale: str) -> bool:
    """Whether the locale's own short dates are 9.2.2024: with points, the day is never second."""
    pattern = str(known_locale(locale).date_formats["short"].pattern)
    return pattern.replace(" ", "").startswith(("d.M.", "dd.MM.", "d.MM.", "dd.M."))


def _months(rest: str) -> list[int]:
    return [at for at, sign in enumerate(rest) if "\ue000" <= sign <= "\ue2ff" and is_month(sign) is not None]


def _worded(unread: Unread, language: str) -> date:
    """A day whose month is a word: beside it there is one number of four digits and one of one or two."""
    found = _months(unread.rest)
    sure = [at for at in found if is_day(unread.rest[at]) is None] or found[-1:]
    if len(sure) != 1:
        raise ReadError("names two months; a range has no one moment")
    month = is_month(unread.rest[sure[0]])
    numbers = re.findall(r"\d+", unread.rest)
    years, days = [one for one in numbers if len(one) == 4], [one for one in numbers if len(one) < 3]
    if not years or not days:
        raise ReadError(
            f"no date in {language_name(known_locale(unread.locale))}: the {'day' if years else 'year'} is missing"
        )
    if len(numbers) > 2:
        extra = next(one for one in reversed(numbers) if one not in (years[0], days[0]) or numbers.count(one) > 1)
        raise ReadError(f"{extra!r} is no part of a date; a range has no one moment")
    at = unread.rest
    unread.rest = re.sub(r"\d+", " ", f"{at[: sure[0]]} {at[sure[0] + 1 :]}")
    return a_day(_gregorian(int(years[0]), language), month or 0, days[0])


def _gregorian(year: int, language: str) -> int:
    """Thailand counts its years from 543 BC."""
    return year - 543 if language == "th" and year >= 2400 else year


def _weekdays(unread: Unread, said: Said) -> None:
    signs = [sign for sign in unread.rest if "\ue000" <= sign <= "\ue2ff" and is_day(sign) is not None]
    named = {is_day(sign) for sign in signs}
    if len(named) > 1:
        raise ReadError("names two weekdays; a range has no one moment")
    for day in named - {said.day.weekday(), None}:
        locale = known_locale(unread.locale)
        told = [day_name(number, locale) for number in (said.day.weekday(), day or 0)]
        said.warnings.append(f"{said.day.isoformat()} is a {told[0]}, the text says {told[1]}")
    for sign in signs:
        unread.rest = unread.rest.replace(sign, " ")


# --- what is left


def _words(unread: Unread, *, apart: bool) -> Iterator[str]:
    """The words that are left, which may name a zone. In brackets beside an offset others may stand, as in mail."""
    rest = re.sub(f"[{AM}{PM}{HOUR}{MINUTE}]", "?", unread.rest).replace(AT, " ")
    found: list[str] = []
    for said in _BRACKETS.findall(rest) if apart else ():
        if re.fullmatch(r"[A-Z]{2,5}", said):
            found.append(said)
        elif re.search(r"[\d?]", said):
            continue
        rest = rest.replace(f"({said})", " ")
    found += _WORD.findall(rest)
    left = _WORD.sub("", rest)
    if not _PUNCTUATION.fullmatch(left):
        raise ReadError(f"{left.strip()!r} is no part of a date")
    return iter(found)
