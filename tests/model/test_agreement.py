"""Whether value, change and percent can be true of one market."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from publisher.model.agreement import contradiction, doubt


def row(text: str) -> tuple[Decimal, Decimal | None, Decimal | None]:
    value, change, percent = (None if part == "?" else Decimal(part) for part in text.split())
    assert value is not None
    return value, change, percent


@pytest.mark.parametrize(
    "numbers",
    [
        "16199 95.00 0.58",  # cut off: it was 0.5899
        "16199 95.00 0.59",
        "16199 95 0.6",
        "16199 95 0",
        "1533000 0 0.00",
        "1040 -1.32 -0.12",
        "1040 -1.32 -0.13",
        "119 -0.13 -0.11",
        "6.25 0.25 4.17",
        "6.25 0.25 4",
        "-37.63 -55.90 -305.97",
        "10.01 47.64 126.60",  # up from −37.63: some give the sign of the change
        "10.01 47.64 -126.60",
        "5 5 0",  # a first day of trade
        "3 1.50 100.00",
        "16199 ? 0.58",
        "16199 95 ?",
        "0 -5 -100",
        "0.10 0.10 -2600.00",  # up from −0.004
    ],
)
def test_numbers_that_may_be_true_of_one_market_pass(numbers: str) -> None:
    assert contradiction(*row(numbers)) is None


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ("1040 1.32 -0.13", "the change 1.32 and the percent -0.13 have opposite signs"),
        ("1040 0.10 -0.01", "opposite signs"),
        ("16.199 95.00 0.58", "value 16.199 and change 95.00 give a previous close of -78.801 and -120.56 per cent"),
        ("16199 95.00 0.0058", "a previous close of 16104.00 and +0.59 per cent, not 0.0058"),
        ("16199 9500 0.58", "a previous close of 6699 and +141.81 per cent, not 0.58"),
        ("16199 0.095 0.58", "+0.00 per cent, not 0.58"),
        ("16199 0.58 95.00", "not 95.00"),
        ("95.00 16199 0.58", "a previous close of -16104.00"),
        ("95.00 95.00 0.58", "a previous close of 0.00 and no number of per cent, not 0.58"),
        ("1533000 0 0.58", "+0.00 per cent, not 0.58"),
        ("16199 95.00 58", "not 58"),
        ("16199 95.00 1.58", "not 1.58"),
        ("16199 95.00 0", None),  # no digit behind the point: it says no more than "under one per cent"
    ],
)
def test_numbers_that_contradict_each_other_are_named_with_what_they_give(numbers: str, said: str | None) -> None:
    found = contradiction(*row(numbers))
    assert found is None if said is None else said in str(found)


@pytest.mark.parametrize("numbers", ["16.199 95.00 ?", "-5 -20 ?", "16.199 -95.00 ?", "6.25 -25 ?", "-5 20 ?"])
def test_a_change_that_is_larger_than_the_value_is_odd_where_no_percent_confirms_it(numbers: str) -> None:
    assert "give a previous close of" in str(doubt(*row(numbers)))


@pytest.mark.parametrize(
    "numbers", ["16199 95.00 ?", "10.01 47.64 126.60", "5 5 ?", "0 -5 ?", "16199 ? 0.58", "5 ? ?", "5 -5 ?"]
)
def test_nothing_is_odd_about_other_rows(numbers: str) -> None:
    assert doubt(*row(numbers)) is None


MODES = st.sampled_from([ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_FLOOR])
PLACES = st.integers(0, 4)


def written(number: Decimal, places: int, mode: str) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), mode)


@given(
    previous=st.decimals("0.0001", "99999999", places=6, allow_nan=False),
    part=st.decimals("-0.99", "9", places=6, allow_nan=False),
    places=st.tuples(PLACES, PLACES, PLACES),
    modes=st.tuples(MODES, MODES, MODES),
)
def test_an_honest_row_passes_however_its_numbers_are_rounded(
    previous: Decimal, part: Decimal, places: tuple[int, int, int], modes: tuple[str, str, str]
) -> None:
    change = previous * part
    true = (previous + change, change, part * 100)
    value, change, percent = map(written, true, places, modes)
    assert contradiction(value, change, percent) is None


@given(
    previous=st.decimals("100", "9999999", places=2, allow_nan=False),
    percent=st.decimals("-30", "30", places=2, allow_nan=False).filter(lambda one: abs(one) >= Decimal("0.2")),
    fault=st.sampled_from(["sign", "value / 1000", "value * 1000", "change / 1000", "change * 1000", "percent / 100"]),
)
def test_a_row_with_a_sign_turned_or_a_point_misplaced_is_refused(
    previous: Decimal, percent: Decimal, fault: str
) -> None:
    change = written(previous * percent / 100, 2, ROUND_HALF_EVEN)
    value = previous + change
    match fault.split():
        case ["sign"]:
            percent = -percent
        case ["value", by, factor]:
            value = value / int(factor) if by == "/" else value * int(factor)
        case ["change", by, factor]:
            change = change / int(factor) if by == "/" else change * int(factor)
        case _:
            percent /= 100
    assert contradiction(value, change, percent) is not None


@given(
    previous=st.decimals("100", "9999999", places=2, allow_nan=False),
    percent=st.decimals("-30", "30", places=2, allow_nan=False).filter(lambda one: abs(one) >= Decimal("0.2")),
    swapped=st.sampled_from([(1, 0, 2), (0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1)]),
)
def test_a_row_with_columns_swapped_is_refused_unless_it_would_be_true_as_well(
    previous: Decimal, percent: Decimal, swapped: tuple[int, int, int]
) -> None:
    change = written(previous * percent / 100, 2, ROUND_HALF_EVEN)
    numbers = (previous + change, change, percent)
    value, change, percent = (numbers[place] for place in swapped)
    before = value - change
    assume(abs(before) > Decimal("0.02"))  # of next to nothing, any part may be true
    rounding = (4 + abs(percent) / 25) / abs(before)  # and of little, one that is near
    assume(abs(abs(100 * change / before) - abs(percent)) > Decimal("0.1") + rounding)
    assert contradiction(value, change, percent) is not None
