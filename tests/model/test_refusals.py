"""What is refused of a source after a reading, by what the reading read again."""

from __future__ import annotations

from publisher.model.observed import Batch, Problem
from publisher.model.refusals import LONGEST_ORIGIN, LONGEST_REASON, MOST_ORIGINS, MOST_REASONS, Refusals, after

NOTHING = Refusals()
BAD = Problem("bad.json", "is no JSON")
CUT = Problem("cut.html", "no body", field="body")


def reasons(found: Refusals) -> list[str]:
    return list(found.reasons)


def test_a_refusal_stands_until_what_it_was_found_in_is_read_again() -> None:
    first = after(NOTHING, Batch(), [BAD, CUT])
    assert reasons(first) == ["bad.json: is no JSON", "cut.html: body: no body"]
    second = after(first, Batch(unread=frozenset({"bad.json", "good.json"})), [])
    assert reasons(second) == ["bad.json: is no JSON"]
    assert after(second, Batch(), []) == NOTHING


def test_a_document_that_has_not_changed_keeps_its_refusals() -> None:
    first = after(NOTHING, Batch(), [BAD, BAD, CUT])
    assert after(first, Batch(unchanged=True), []) == first
    assert first.count == 3


def test_what_is_told_again_stands_once() -> None:
    first = after(NOTHING, Batch(), [BAD])
    assert after(first, Batch(unread=frozenset({"bad.json"})), [BAD]) == first


def test_warnings_refuse_nothing() -> None:
    assert after(NOTHING, Batch(), [Problem("a", "no date", severity="warning")]) == NOTHING


def test_however_much_is_refused_what_is_remembered_is_bounded_and_the_count_is_not() -> None:
    every = [Problem(f"{number}{'x' * 10_000}", "y" * 10_000) for number in range(3 * MOST_ORIGINS)]
    found = after(NOTHING, Batch(), every)
    assert found.count == 3 * MOST_ORIGINS
    assert len(found.reasons) == MOST_REASONS
    assert len(found.model_dump_json()) < MOST_ORIGINS * (LONGEST_ORIGIN + 60) + MOST_REASONS * LONGEST_REASON
    assert after(found, Batch(unchanged=True), []).count == 3 * MOST_ORIGINS


def test_an_origin_that_no_database_can_hold_is_recognised_all_the_same() -> None:
    odd = Problem("a\x00\ud800b" + "c" * 1_000, "is odd\x00")
    first = after(NOTHING, Batch(), [odd])
    assert "\x00" not in first.found[0].origin
    assert after(first, Batch(unread=frozenset({odd.origin})), []) == first
