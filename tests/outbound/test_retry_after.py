from datetime import UTC, datetime

import pytest

from publisher import retryafter

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Mon, 02 Mar 2026 09:05:00 GMT", 300.0),
        ("Monday, 02-Mar-26 09:05:00 GMT", 300.0),
        ("Mon Mar  2 09:05:00 2026", 300.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),  # a moment ago, by another clock
        ("86400", 86_400.0),
        ("86401", 86_400.0),
        ("2592000", 86_400.0),
        ("Mon, 30 Mar 2026 09:00:00 GMT", 86_400.0),
    ],
)
def test_both_forms_are_read_and_none_asks_for_more_than_a_day(value: str, seconds: float) -> None:
    assert retryafter.read(value, NOW) == retryafter.RetryAfter(seconds)


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "-5",
        "1e9",
        "٣",
        "99999999999",
        "9" * 5000,
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 99 Foo 2026 09:05:00 GMT",
    ],
)
def test_what_cannot_be_meant_is_ignored_and_told(value: str) -> None:
    read = retryafter.read(value, NOW)
    assert read.seconds is None
    assert read.ignored is not None
    assert read.ignored.startswith("Retry-After: ")
    assert read.ignored.isascii()
    assert len(read.ignored) < 500


@pytest.mark.parametrize("value", [None, "", "  "])
def test_no_header_is_nothing_to_tell_of(value: str | None) -> None:
    assert retryafter.read(value, NOW) == retryafter.RetryAfter()
