"""Cutting HTML to a length leaves HTML."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup import markup, unhurried

from publisher.content import clean, cut, cutting, harmless, text_of


def in_json(text: str) -> int:
    return len(orjson.dumps(text)) - 2


@unhurried
@given(markup(), st.integers(0, 200))
def test_what_is_left_has_room_and_is_html_that_cleaning_leaves_as_it_is(html: str, room: int) -> None:
    html = clean(html, "https://example.org/").html
    left = cut(html, room, in_json)
    assert in_json(left) <= room
    assert harmless(left) == left


@unhurried
@given(markup(), st.integers(0, 200))
def test_what_is_left_is_how_the_text_begins(html: str, room: int) -> None:
    html = clean(html, "https://example.org/").html
    left = text_of(cut(html, room)).replace("…", "").strip(" ”")
    assert text_of(html).replace("…", "").startswith(left)


@pytest.mark.parametrize(
    ("html", "room", "left"),
    [
        ("<p>One two</p>", 14, "<p>One two</p>"),
        ("<p>One two three</p>", 16, "<p>One two…</p>"),
        ("<p>One <b>two three</b> four</p>", 22, "<p>One <b>two…</b></p>"),
        ("<p>At 10000 now</p>", 14, "<p>At…</p>"),
        ("<p>One</p><p>two three</p>", 20, "<p>One</p>"),
        ("<ul><li>One</li><li>two</li></ul>", 24, "<ul><li>One</li></ul>"),
        ("<p>a &amp; b and more</p>", 18, "<p>a &amp; b…</p>"),
        ("<p>a &amp;&amp;&amp; b</p>", 17, "<p>a…</p>"),
        ('<p>One <a href="https://example.org/">two</a></p>', 20, "<p>One </p>"),
        ("<p>一二三四五六七八九十</p>", 12, "<p>一二三四…</p>"),
        ("<p>One</p>", 4, ""),
    ],
)
def test_it_is_cut_behind_a_word_and_never_within_a_tag_or_a_reference(html: str, room: int, left: str) -> None:
    assert cut(html, room) == left


@unhurried
@given(markup(), st.integers(0, 200))
def test_what_stands_further_down_is_not_read_and_changes_nothing(html: str, room: int) -> None:
    html = clean(html, "https://example.org/").html
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "LONGEST_REFERENCE", len(html))
        whole = cut(html, room, in_json)
    assert cut(html, room, in_json) == whole


def test_nesting_as_deep_as_the_text_is_long_is_cut_too() -> None:
    html = "<blockquote>" * 20_000 + "deep" + "</blockquote>" * 20_000
    assert len(cut(html, 10_000)) <= 10_000
