"""Numbers of a locale."""

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from publisher.errors import ReadError
from publisher.locale import format_decimal, parse_decimal

LOCALES = ("id", "en", "en_US", "en_IN", "de", "de_CH", "de_AT", "fr", "fr_CA", "fr_CH")
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**20), max_value=10**20)


@pytest.mark.parametrize(
    ("text", "locale", "digits"),
    [
        ("16.199", "id", "16199"),
        ("1.533.000", "id", "1533000"),
        ("1533000", "id", "1533000"),
        ("0", "id", "0"),
        ("0,00%", "id", "0.00"),
        ("95,00", "id", "95.00"),
        ("0,58 %", "id", "0.58"),
        ("\u00a00,58\u00a0%", "id", "0.58"),
        ("\u22121,32", "id", "-1.32"),
        ("-1,32", "id", "-1.32"),
        ("+95,00", "id", "95.00"),
        ("1,32-", "id", "-1.32"),
        ("1,32+", "id", "1.32"),
        ("Rp16.199", "id", "16199"),
        ("Rp. 16.199,50", "id", "16199.50"),
        ("-Rp 500", "id", "-500"),
        ("Rp -500", "id", "-500"),
        ("US$ 218,2", "id", "218.2"),
        ("1,234.50", "en_US", "1234.50"),
        ("$1,234.50", "en_US", "1234.50"),
        ("12,34,567.5", "en_IN", "1234567.5"),
        ("1.234,50 €", "de", "1234.50"),
        ("1’234.50", "de_CH", "1234.50"),
        ("CHF 1'234.50", "de_CH", "1234.50"),
        ("16 199,50", "fr", "16199.50"),
        ("16\u202f199,50\u00a0€", "fr", "16199.50"),
        ("1\u00a0234,5", "fr_CA", "1234.5"),
        ("–1,32", "id", "-1.32"),
        ("٣", "en", "3"),
        ("１２", "id", "12"),
        ("(1,32)", "id", "-1.32"),
    ],
)
def test_a_number_is_read_as_its_locale_means_it_with_its_own_digits(text: str, locale: str, digits: str) -> None:
    assert str(parse_decimal(text, locale)) == digits


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("1.5.3", "id"),
        ("16.19", "id"),
        ("95.00", "id"),
        ("0.123", "id"),
        ("1,23", "en"),
        ("12,34,567", "en_US"),
        ("1 234", "id"),
        ("1'234", "de"),
        ("", "id"),
        (" ", "id"),
        ("-", "id"),
        ("%", "id"),
        ("Rp", "id"),
        ("--1", "id"),
        ("-1-", "id"),
        ("+-1", "id"),
        ("n/a", "id"),
        ("nan", "en"),
        ("Infinity", "en"),
        ("1e5", "en"),
        ("1_000", "en"),
        ("0x10", "en"),
        ("007", "en"),
        ("½", "en"),
        ("218,2 miliar", "id"),
        ("1,", "id"),
        (",5", "id"),
        ("1\n2", "id"),
        ("1٢", "id"),
        ("(0,58%)", "id"),
        ("▲ -1,32", "id"),
        ("▲1.32", "ja"),
        ("1.533.000-", "id"),
        ("1.000–2.000", "id"),
        ("Rp 5%", "id"),
        ("5%%", "id"),
        ("1" * 65, "id"),
    ],
)
def test_what_is_not_plainly_a_number_of_the_locale_is_an_error_that_names_it(text: str, locale: str) -> None:
    with pytest.raises(ReadError) as caught:
        parse_decimal(text, locale)
    assert repr(text)[1:20].rstrip("'\"") in str(caught.value)


@settings(deadline=None)
@given(decimals, st.sampled_from(LOCALES))
def test_a_number_written_in_a_locale_reads_back_equal_digit_for_digit(value: Decimal, locale: str) -> None:
    assert str(parse_decimal(format_decimal(value, locale), locale)) == str(value if value else abs(value))


@settings(deadline=None)
@given(st.text(max_size=12), st.sampled_from(LOCALES))
def test_noise_never_reads_as_a_number(text: str, locale: str) -> None:
    assume(not any(character.isdecimal() for character in text))
    with pytest.raises(ReadError):
        parse_decimal(text, locale)


@settings(deadline=None)
@given(st.text(alphabet="0123456789.,' -+%\u00a0\u202f’", max_size=14), st.sampled_from(LOCALES))
def test_whatever_reads_as_a_number_has_the_digits_that_stood_there(text: str, locale: str) -> None:
    try:
        value = parse_decimal(text, locale)
    except ReadError:
        return
    assert "".join(filter(str.isdigit, format(value, "f"))) == "".join(filter(str.isdigit, text))


@pytest.mark.parametrize("text", ["Rp 1.533.000,-", "Rp1.533.000,–", "1.533.000,-", "1.533.000,--", "Rp 1.533.000-"])
def test_a_price_with_a_dash_is_positive(text: str) -> None:
    assert str(parse_decimal(text, "id")) == "1533000"


def test_an_unknown_locale_is_an_error_that_says_what_to_give() -> None:
    with pytest.raises(ReadError, match=r"'xx_YY' is no known locale; give one such as id"):
        parse_decimal("1", "xx_YY")


@pytest.mark.parametrize(
    ("value", "locale", "text"),
    [
        ("16199", "id", "16.199"),
        ("95.00", "id", "95,00"),
        ("-1.32", "id", "-1,32"),
        ("1234567.50", "en_IN", "12,34,567.50"),
        ("1234.5", "de_CH", "1’234.5"),
        ("1234.5", "fr", "1\u202f234,5"),
    ],
)
def test_a_number_is_written_with_all_its_digits(value: str, locale: str, text: str) -> None:
    assert format_decimal(Decimal(value), locale) == text
