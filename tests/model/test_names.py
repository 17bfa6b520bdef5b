"""Names: one line each, each once, and something to see in each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from publisher.model import Article
from publisher.model.base import STORED, is_blank
from publisher.model.names import named, no_name

INVISIBLE = ["", " ", "\t\n", "\u00a0", "\u200b\u200d", "\ufeff", "\u2028", "\u2800", "\u3164", "\u00ad", "\u202e"]


@given(st.lists(st.text(max_size=12), max_size=6))
def test_names_are_lines_with_something_to_see_and_none_stands_twice(names: list[str]) -> None:
    found = named(names)
    assert named(found) == found
    assert all(name == " ".join(name.split()) and not is_blank(name) for name in found)
    assert len({name.casefold() for name in found}) == len(found)


@pytest.mark.parametrize("name", ["Nadia", "K2", "山田太郎", "محمد", "ナディア", "N. N.", "Null", "nones", "a" * 200])
def test_a_name_is_kept_as_it_is(name: str) -> None:
    assert named([name]) == (name,)


@pytest.mark.parametrize("text", ["N/A", "n/a", " NULL ", "undefined", "None", "[object Object]", "b" * 201])
def test_what_is_no_name_is_told(text: str) -> None:
    assert no_name(text)


@pytest.mark.parametrize("text", INVISIBLE)
def test_a_title_in_which_there_is_nothing_to_see_is_none(text: str) -> None:
    assert is_blank(text)
    with pytest.raises(ValidationError):
        Article(id="a", title=text, body="<p>x</p>")


def test_what_was_stored_by_an_earlier_release_can_still_be_read() -> None:
    stored = {"id": "a", "title": "\u200b", "body": "<p>x</p>", "language": "xx", "authors": ["", "A", "a"]}
    article = Article.model_validate(stored, context=STORED)
    assert (article.language, article.authors) == (None, ("A",))
