"""Times and numbers as newsrooms and machines write them, each with its right value, or the words of its refusal.

``notations.tsv`` has one a line: ``time`` or ``number``, locale, time zone, the text (``\\uXXXX`` is a character that
one does not see), the right value or ``refused``, and a part of what is told beside it, ``-`` where nothing may be.
"""

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from publisher.errors import ReadError
from publisher.locale import parse_datetime, parse_decimal


class Notation(NamedTuple):
    what: str
    locale: str
    zone: str
    text: str
    right: str
    told: str


def _notations() -> list[Notation]:
    lines = (Path(__file__).parent / "notations.tsv").read_text("utf-8").splitlines()
    shown = [line.split("\t") for line in lines if not line.startswith("#")]
    unseen = re.compile(r"\\u([0-9a-f]{4})")
    return [
        Notation(*cells[:3], unseen.sub(lambda found: chr(int(found[1], 16)), cells[3]), *cells[4:]) for cells in shown
    ]


NOTATIONS = _notations()
TIMES = [one for one in NOTATIONS if one.what == "time"]
NUMBERS = [one for one in NOTATIONS if one.what == "number"]

READABLE_REFUSED = frozenset({
    "9 Feb 24", "9 Février 24", "09.02.24 06:31", "9 ก.พ. 67 06:31", "midnight, February 9, 2024",
    "Updated 9 February 2024 06:31 IST", "9 February 2024 06:31", "20 بهمن 1402", "9 رجب 1445", "1,5 juta",
    "218,2 miliar", "R$ 5,2 bi", "Rp16.199/USD",
})  # fmt: skip
"""What a reader of the language understands, and is refused all the same."""


def _named(notations: list[Notation]) -> list[object]:
    return [pytest.param(one, id=f"{number}-{one.locale}") for number, one in enumerate(notations)]


def test_the_table_is_large_enough_to_say_something() -> None:
    assert len(TIMES) >= 250
    assert len(NUMBERS) >= 150
    assert len({(one.what, one.locale, one.zone, one.text) for one in NOTATIONS}) == len(NOTATIONS)


@pytest.mark.parametrize("one", _named(TIMES))
def test_a_time_is_read_right_or_refused_in_words(one: Notation) -> None:
    if one.right == "refused":
        with pytest.raises(ReadError) as caught:
            parse_datetime(one.text, one.locale, one.zone)
        assert one.told == "-" or one.told in str(caught.value)
        return
    read = parse_datetime(one.text, one.locale, one.zone)
    assert read.value.isoformat() == datetime.fromisoformat(one.right).astimezone(read.value.tzinfo).isoformat()
    assert read.warning is None if one.told == "-" else one.told in (read.warning or "")


@pytest.mark.parametrize("one", _named(NUMBERS))
def test_a_number_is_read_right_or_refused_in_words(one: Notation) -> None:
    if one.right == "refused":
        with pytest.raises(ReadError) as caught:
            parse_decimal(one.text, one.locale)
        assert one.told == "-" or one.told in str(caught.value)
        return
    assert str(parse_decimal(one.text, one.locale)) == str(Decimal(one.right))


def test_of_what_can_be_read_fewer_than_fifteen_are_refused() -> None:
    refused = {one.text for one in NOTATIONS if one.right == "refused"}
    assert refused >= READABLE_REFUSED
    assert len(READABLE_REFUSED) < 15
