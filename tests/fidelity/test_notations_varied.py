"""Notations of the table with slips in them, and dates as each locale writes them: read right, or refused."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date, format_time
from fidelity.test_notations import NUMBERS, TIMES, Notation
from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import QUADRATIC, growth

from publisher.errors import ReadError
from publisher.locale import parse_datetime, parse_decimal

PLACES = {
    "af": "Africa/Johannesburg", "ar": "Asia/Riyadh", "ar_EG": "Africa/Cairo", "bg": "Europe/Sofia", "bn": "Asia/Dhaka",
    "ca": "Europe/Madrid", "cs": "Europe/Prague", "da": "Europe/Copenhagen", "de": "Europe/Berlin",
    "el": "Europe/Athens", "en_AU": "Australia/Sydney", "en_GB": "Europe/London", "en_IN": "Asia/Kolkata",
    "en_US": "America/Chicago", "en_ZA": "Africa/Johannesburg", "es": "Europe/Madrid", "es_MX": "America/Mexico_City",
    "et": "Europe/Tallinn", "fa": "Asia/Tehran", "fi": "Europe/Helsinki", "fil": "Asia/Manila", "fr": "Europe/Paris",
    "fr_CA": "America/Toronto", "he": "Asia/Jerusalem", "hi": "Asia/Kolkata", "hr": "Europe/Zagreb",
    "hu": "Europe/Budapest", "id": "Asia/Jakarta", "it": "Europe/Rome", "ja": "Asia/Tokyo", "ko": "Asia/Seoul",
    "lt": "Europe/Vilnius", "lv": "Europe/Riga", "ms": "Asia/Kuala_Lumpur", "nb": "Europe/Oslo",
    "nl": "Europe/Amsterdam", "pl": "Europe/Warsaw", "pt": "America/Sao_Paulo", "pt_PT": "Europe/Lisbon",
    "ro": "Europe/Bucharest", "ru": "Europe/Moscow", "sk": "Europe/Bratislava", "sl": "Europe/Ljubljana",
    "sr": "Europe/Belgrade", "sv": "Europe/Stockholm", "th": "Asia/Bangkok", "tr": "Europe/Istanbul",
    "uk": "Europe/Kyiv", "vi": "Asia/Ho_Chi_Minh", "zh": "Asia/Shanghai", "zh_Hant": "Asia/Taipei",
}  # fmt: skip
# Bounds of hypothesis are naive by its contract.
moments = st.datetimes(datetime(1990, 1, 2), datetime(2037, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@settings(deadline=None, max_examples=300)
@given(
    moments, st.sampled_from(sorted(PLACES)), st.sampled_from(("full", "long")), st.sampled_from(("medium", "short"))
)
def test_a_date_that_a_locale_writes_in_words_reads_back(moment: datetime, locale: str, day: str, clock: str) -> None:
    zone = ZoneInfo(PLACES[locale])
    moment = moment.replace(second=0, microsecond=0)
    local = moment.astimezone(zone)
    written = f"{format_date(local.date(), day, locale)} {format_time(local, clock, zone, locale)}"
    read = parse_datetime(written, locale, PLACES[locale])
    if read.warning is None:
        assert read.value == moment
    else:
        assert "came twice" in read.warning
        assert read.value in (moment, moment - timedelta(hours=1))


@settings(deadline=None, max_examples=300)
@given(moments, st.sampled_from(sorted(PLACES)), st.sampled_from(("medium", "short")))
def test_a_date_that_a_locale_writes_in_numbers_is_never_another_day(moment: datetime, locale: str, day: str) -> None:
    local = moment.astimezone(ZoneInfo(PLACES[locale]))
    try:
        read = parse_datetime(format_date(local.date(), day, locale), locale, PLACES[locale])
    except ReadError:
        return
    assert read.value.astimezone(ZoneInfo(PLACES[locale])).date() == local.date()
    assert not read.exact


slips = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from([*"0123456789:.,-–+/ ()hTZaApPmM'日月年", ""])), max_size=3
)


def slipped(text: str, changes: list[tuple[int, str]]) -> str:
    """The text with one character put in, or taken out, at each of these places."""
    for at, put in changes:
        at %= len(text) + 1
        text = text[:at] + put + text[at + (not put) :]
    return text


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(TIMES), slips)
def test_a_time_with_slips_is_a_time_in_bounds_or_refused(one: Notation, changes: list[tuple[int, str]]) -> None:
    text = slipped(one.text, changes)
    try:
        read = parse_datetime(text, one.locale, one.zone)
    except ReadError:
        return
    assert read.value.utcoffset() == timedelta(0)
    assert 1900 <= read.value.year <= 2100


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(NUMBERS), slips)
def test_a_number_with_slips_has_all_its_digits_or_is_refused(one: Notation, changes: list[tuple[int, str]]) -> None:
    text = slipped(one.text, changes)
    try:
        value = parse_decimal(text, one.locale)
    except ReadError:
        return
    digits = [str(int(character)) for character in text if character.isdecimal()]
    assert "".join(filter(str.isdigit, format(value, "f"))) == "".join(digits)


@pytest.mark.parametrize(
    "piece", ["1 ", "a ", "mar ", "9", "1:1:", "+07", "(", "(a", ") ", "1.2.", "GMT+7 ", "Feb ", "日", ". ", "\u0660 "]
)
def test_the_effort_of_reading_a_time_grows_with_its_length_alone(piece: str) -> None:
    def read(text: str) -> None:
        for _ in range(40):
            with pytest.raises(ReadError):
                parse_datetime(text, "es", "UTC")

    assert growth(lambda size: (piece * size)[:size], read, size=55) < QUADRATIC
