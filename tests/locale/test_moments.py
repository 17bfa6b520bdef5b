"""Dates of a locale."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.errors import ReadError
from publisher.locale import format_date, format_datetime, parse_datetime

JAKARTA = "Asia/Jakarta"
MORNING = "2024-02-08T23:31:00+00:00"
PLACES = [
    ("id", JAKARTA),
    ("id", "Asia/Jayapura"),
    ("id", "America/New_York"),
    ("en", JAKARTA),
    ("en_US", "America/Chicago"),
    ("en_GB", "Europe/London"),
    ("en_CA", "America/Toronto"),
    ("en_IN", "Asia/Kolkata"),
    ("en_AU", "Australia/Sydney"),
    ("de", "Europe/Berlin"),
    ("de_CH", "Europe/Zurich"),
    ("de_AT", "Europe/Vienna"),
    ("fr", "Europe/Paris"),
    ("fr_CA", "America/Toronto"),
    ("fr_CH", "Europe/Zurich"),
]
# Bounds of hypothesis are naive by its contract.
moments = st.datetimes(datetime(1975, 1, 2), datetime(2037, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "locale", "expected"),
    [
        ("Jumat, 09 Februari 2024 / 06:31 WIB", "id", MORNING),
        ("Jumat,\u00a009\u00a0Februari 2024\u00a0/ 06:31 WIB", "id", MORNING),
        ("Jum'at, 09 Feb 2024 06.31 WIB", "id", MORNING),
        ("Jum’at 9 Pebruari 2024 pukul 06.31 WIB", "id", MORNING),
        ("Jumat, 9 Agt 2024 06:31 WIB", "id", "2024-08-08T23:31:00+00:00"),
        ("9 Agustus 2024 06:31", "id", "2024-08-08T23:31:00+00:00"),
        ("9 Sep 2024 06:31 WITA", "id", "2024-09-08T22:31:00+00:00"),
        ("9 Sept 2024 06:31 WIT", "id", "2024-09-08T21:31:00+00:00"),
        ("JUMAT, 09 FEBRUARI 2024 | 06:31 wib", "id", MORNING),
        ("February 9, 2024 6:31 AM", "en_US", MORNING),
        ("Friday, 9th of February 2024 at 06:31", "en_GB", MORNING),
        ("Feb. 8, 2024 6:31 p.m. EST", "en_US", MORNING),
        ("Fri, 09 Feb 2024 06:31:00 +0700", "en", MORNING),
        ("9 February 2024 12:05 AM UTC", "en", "2024-02-09T00:05:00+00:00"),
        ("Fr., 9. Februar 2024, 06:31 Uhr", "de", MORNING),
        ("9. Mrz 2024 um 06:31 Uhr", "de", "2024-03-08T23:31:00+00:00"),
        ("9. Jänner 2024, 00:31 MEZ", "de_AT", "2024-01-08T23:31:00+00:00"),
        ("9. August 2024, 00:31 MESZ", "de", "2024-08-08T22:31:00+00:00"),
        ("vendredi 9 février 2024 à 6h31", "fr", MORNING),
        ("le 1er févr. 2024 à 06:31", "fr", "2024-01-31T23:31:00+00:00"),
        ("2024-02-09T06:31:00+07:00", "id", MORNING),
        ("2024-02-08T23:31:00Z", "id", MORNING),
        ("2024-02-09 06:31", "id", MORNING),
        ("2024-02-09 06:31 GMT+7", "id", MORNING),
        ("2024-02-08T23:31:00.250Z", "id", "2024-02-08T23:31:00.250000+00:00"),
    ],
)
def test_a_date_is_read_in_the_words_of_its_locale(text: str, locale: str, expected: str) -> None:
    read = parse_datetime(text, locale, JAKARTA)
    assert (read.value.isoformat(), read.warning) == (expected, None)


@pytest.mark.parametrize(
    ("text", "locale", "why"),
    [
        ("8/2/2024", "id", "which number is the day is not certain"),
        ("9.2.2024", "id", "which number is the day is not certain"),
        ("31 Februari 2024", "id", "no such day"),
        ("39 Februari 2024 / 06:31 WIB", "id", "no such day"),
        ("9 Februari 2024 25:00", "id", "no such time"),
        ("9 Februari 2024 24:01", "id", "no such time"),
        ("9 Februari 2024 13:00 am", "id", "no such time"),
        ("9 February 2024 06:31", "id", "no date in Indonesian"),
        ("9 Février 24", "fr", "no date in French"),
        ("9 Februari 2024 06:31 CST", "id", "'CST'"),
        ("9 Februari 2024 06:31 +0799", "id", "no zone offset"),
        ("9 Februari 2024 06:31 WIB diperbarui", "id", "'diperbarui'"),
        ("9 Februari 2024 06:31 WIB 7", "id", "'7'"),
        ("9 Februari 2024 9 Maret 2024", "id", "two months"),
        ("2 jam 3 menit lalu", "id", "no date"),
        ("kemarin", "id", "no date"),
        ("", "id", "no date"),
        ("9 Februari " * 40, "id", "too long"),
        ("0000-01-01", "id", "no such day"),
    ],
)
def test_what_is_not_plainly_a_date_is_an_error_that_says_why(text: str, locale: str, why: str) -> None:
    with pytest.raises(ReadError, match=why):
        parse_datetime(text, locale, JAKARTA)


@pytest.mark.parametrize(
    ("locale", "order", "expected"),
    [
        ("id", "locale", "2024-02-08"),
        ("en_US", "locale", "2024-08-02"),
        ("en_GB", "locale", "2024-02-08"),
        ("en_US", "dmy", "2024-02-08"),
        ("id", "mdy", "2024-08-02"),
    ],
)
def test_a_date_of_three_numbers_is_read_in_the_order_that_the_profile_gives(
    locale: str, order: str, expected: str
) -> None:
    read = parse_datetime("8/2/2024 12:00", locale, JAKARTA, order=order)
    assert read.value.date().isoformat() == expected


def test_a_year_of_two_digits_is_refused_whatever_the_order() -> None:
    with pytest.raises(ReadError, match="four digits"):
        parse_datetime("8/2/24", "id", JAKARTA, order="dmy")


def test_a_weekday_that_disagrees_is_a_warning() -> None:
    read = parse_datetime("Sabtu, 09 Februari 2024 / 06:31 WIB", "id", JAKARTA)
    assert read.value.isoformat() == MORNING
    assert read.warning == "2024-02-09 is a Jumat, the text says Sabtu"


def test_a_date_without_a_time_is_the_start_of_that_day_with_a_warning() -> None:
    read = parse_datetime("9 Februari 2024", "id", JAKARTA)
    assert read.value.isoformat() == "2024-02-08T17:00:00+00:00"
    assert read.warning is not None
    assert "no time of day" in read.warning


def test_an_hour_that_the_clocks_skip_is_an_error() -> None:
    with pytest.raises(ReadError, match="does not exist in Europe/Berlin"):
        parse_datetime("31. März 2024, 02:30 Uhr", "de", "Europe/Berlin")


def test_an_hour_that_comes_twice_is_the_first_with_a_warning_unless_its_zone_is_named() -> None:
    bare = parse_datetime("27. Oktober 2024, 02:30 Uhr", "de", "Europe/Berlin")
    named = parse_datetime("27. Oktober 2024, 02:30 MEZ", "de", "Europe/Berlin")
    assert (bare.value.hour, named.value.hour) == (0, 1)
    assert "came twice" in (bare.warning or "")
    assert named.warning is None


def test_an_ambiguous_abbreviation_means_what_it_means_in_the_profiles_own_zone() -> None:
    read = parse_datetime("February 9, 2024 6:31 AM CST", "en_US", "America/Chicago")
    assert read.value.isoformat() == "2024-02-09T12:31:00+00:00"


def test_a_profile_can_name_its_own_zone_abbreviations() -> None:
    read = parse_datetime("9 Februari 2024 06:31 WKT", "id", "UTC", zones={"WKT": 420})
    assert read.value.isoformat() == MORNING


@settings(deadline=None)
@given(moments, st.sampled_from(PLACES))
def test_a_time_written_in_a_locale_reads_back_equal_to_the_minute(moment: datetime, place: tuple[str, str]) -> None:
    locale, zone = place
    moment = moment.replace(second=0, microsecond=0)
    assert parse_datetime(format_datetime(moment, locale, zone), locale, zone).value == moment


@settings(deadline=None)
@given(st.text(max_size=40), st.sampled_from(PLACES))
def test_noise_is_a_date_or_a_read_error_and_nothing_else(text: str, place: tuple[str, str]) -> None:
    try:
        parse_datetime(text, *place)
    except ReadError:
        return
    assert any(character.isdigit() for character in text)


@settings(deadline=None)
@given(st.text(alphabet="0123456789 :./-+JanuariFebWITPMh,", max_size=40))
def test_near_dates_never_fail_otherwise_than_by_a_read_error(text: str) -> None:
    try:
        read = parse_datetime(text, "id", JAKARTA, order="dmy")
    except ReadError:
        return
    assert read.value.utcoffset() == timedelta(0)


def test_dates_are_written_for_people_in_the_locale() -> None:
    moment = datetime(2024, 2, 8, 23, 31, tzinfo=UTC)
    assert format_datetime(moment, "id", JAKARTA) == "Jumat, 09 Februari 2024 06.31 WIB"
    assert format_datetime(moment, "de", "Europe/Berlin") == "Freitag, 9. Februar 2024 00:31 MEZ"
    assert format_date(moment, "id", JAKARTA) == "9 Feb 2024"


@pytest.mark.parametrize(
    ("text", "locale", "told_of"),
    [
        ("9 Juli 2024 18:31 CET", "id", True),
        ("9 Juli 2024 18:31 CEST", "id", False),
        ("9 Januari 2024 18:31 CET", "id", False),
        ("9. Juli 2024 18:31 MEZ", "de", True),
        ("9 Jul 2024 6:31 PM EST", "en_US", True),
        ("9 Jan 2024 6:31 PM PDT", "en_US", True),
        ("9 Jan 2024 18:31 AEST", "en", False),
        ("9 Jul 2024 18:31 GMT", "en", False),
    ],
)
def test_an_abbreviation_of_the_other_half_of_the_year_is_told(text: str, locale: str, told_of: bool) -> None:
    warning = parse_datetime(text, locale, "Asia/Jakarta").warning
    assert ("does not hold in" in (warning or "")) == told_of
