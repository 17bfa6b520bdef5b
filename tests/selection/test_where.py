"""Narrowing: one grammar, its canonical form, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.model.facets import item_facets
from publisher.model.narrowing import Narrowing
from publisher.selection import NotANarrowing, parse
from publisher.selection.condition import item_words
from publisher.selection.where import KEYS, of

ARTICLE = {
    "title": "Harga Emas Antam naik",
    "summary": "Café di Jakarta",
    "body": "<p>Kurs <b>rup</b>iah; tak berubah.</p>",
    "topics": ["Emas", "Rusia"],
    "section": "Investasi",
    "authors": ["Ana Wijaya"],
    "editor": "B. Editor",
    "agency": "Reuters",
    "language": "id-ID",
}


def takes(where: Mapping[str, list[str]], item: Mapping[str, Any] = ARTICLE, source: str = "desk") -> bool:
    return parse(where).takes(item_facets(item, source), lambda: item_words(item))


@pytest.mark.parametrize(
    ("where", "taken"),
    [
        ({}, True),
        ({"topic": ["RUSIA"]}, True),
        ({"topic": ["dolar", " emas "]}, True),
        ({"topic": ["dolar"]}, False),
        ({"topic": ["-olahraga"]}, True),
        ({"topic": ["emas", "-rusia"]}, False),
        ({"topic": ["emas"], "section": ["nasional"]}, False),
        ({"topic": ["emas"], "section": ["investasi"]}, True),
        ({"author": ["ana  wijaya"]}, True),
        ({"editor": ["b. editor"], "agency": ["reuters"]}, True),
        ({"source": ["desk"]}, True),
        ({"source": ["-desk"]}, False),
        ({"language": ["id"]}, True),
        ({"lang": ["id"]}, True),
        ({"language": ["-id"]}, False),
        ({"symbol": ["EMAS"]}, False),
        ({"symbol": ["-EMAS"]}, True),
        ({"q": ["emas"]}, True),
        ({"q": ["ema"]}, False),
        ({"q": ["ema*"]}, True),
        ({"q": ["RUPIAH"]}, True),
        ({"q": ["cafe"]}, True),
        ({"q": ["cafés"]}, False),
        ({"q": ["kurs emas"]}, True),
        ({"q": ["kurs perak"]}, False),
        ({"q": ["perak", "kurs"]}, True),
        ({"q": ["-perak"]}, True),
        ({"q": ["emas", "-kurs rupiah"]}, False),
        ({"q": ["emas", "-kurs perak"]}, True),
        ({"q": ["b"]}, True),
        ({"q": ["p"]}, False),
    ],
)
def test_an_item_is_taken_if_it_meets_every_key(where: Mapping[str, list[str]], taken: bool) -> None:
    assert takes(where) is taken


def test_words_with_marks_for_vowels_are_whole() -> None:
    hindi = {"title": "सोने की कीमत"}
    assert takes({"q": ["सोने"]}, hindi)
    assert not takes({"q": ["स"]}, hindi)
    assert takes({"q": ["कीम*"]}, hindi)


def test_an_indicator_is_found_by_its_symbol_and_the_words_of_its_name() -> None:
    gold = {"symbol": "EMAS/GRAM", "name": "Emas Antam"}
    assert takes({"symbol": ["emas/gram"], "q": ["antam gram"]}, gold)


def test_one_narrowing_has_one_canonical_form() -> None:
    asked = [
        {"topic": ["Rusia", "-Olahraga"], "q": ["Emas  Kurs"]},
        {"q": ["kurs EMAS", "kurs emas"], "topic": ["-olahraga", "rusia", "RUSIA"]},
    ]
    assert {parse(one).pairs for one in asked} == {(("q", ("emas kurs",)), ("topic", ("-olahraga", "rusia")))}
    assert {parse(one).text for one in asked} == {"q=emas+kurs&topic=-olahraga&topic=rusia"}
    assert parse({"lang": ["EN"], "language": ["en"]}).pairs == (("language", ("en",)),)


def test_what_addresses_narrow_by_already_has_the_same_form() -> None:
    wanted = {"topic": ["Emas", "Dolar AS"], "section": ["Nasional"], "language": ["en-gb"]}
    assert Narrowing.of(wanted).text == parse(wanted).text


VALUES = st.text(min_size=1, max_size=20)


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.lists(VALUES, min_size=1, max_size=4), max_size=4))
def test_the_canonical_form_is_read_as_itself_and_takes_the_same(given: dict[str, list[str]]) -> None:
    try:
        first = parse(given)
    except NotANarrowing:
        return
    again = parse({key: list(values) for key, values in first.pairs})
    assert again.pairs == first.pairs
    assert of(first.pairs).text == first.text


@pytest.mark.parametrize(
    ("where", "path", "says"),
    [
        ({"topik": ["rusia"]}, "topik", "did you mean 'topic'?"),
        ({"until": ["2026"]}, "until", "known: "),
        ({"topic": []}, "topic", "has no value"),
        ({"topic": ["rusia", " "]}, "topic[1]", "must not be empty"),
        ({"topic": ["-"]}, "topic[0]", "after '-'"),
        ({"topic": ["x" * 201]}, "topic[0]", "200 characters, not 201"),
        ({"q": ["!!"]}, "q[0]", "no letter or digit"),
        ({"q": ["kopi -gula"]}, "q[0]", "value of its own"),
        ({"q": [" ".join(map(str, range(11)))]}, "q[0]", "10 words, not 11"),
        ({"topic": [str(n) for n in range(101)]}, "", "100 values in all, not 101"),
    ],
)
def test_what_is_no_narrowing_is_told_with_its_place(where: dict[str, list[str]], path: str, says: str) -> None:
    with pytest.raises(NotANarrowing) as refused:
        parse(where)
    (fault,) = refused.value.faults
    assert fault.path == path
    assert says in fault.said


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(NotANarrowing) as refused:
        parse({"topik": ["a"], "section": [""], "q": ["?"]})
    assert [fault.path for fault in refused.value.faults] == ["topik", "section[0]", "q[0]"]
