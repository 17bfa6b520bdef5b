"""An article by its summary alone."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from publisher.content import summarised, summary_of
from publisher.content import text as content_text
from publisher.content.text import SUMMARY


def test_an_articles_own_summary_is_its_summary() -> None:
    assert summary_of({"summary": "Short.", "body": "<p>Long.</p>"}) == "Short."


def test_without_one_the_first_paragraph_stands_for_it() -> None:
    assert summary_of({"body": f"<h2>Top</h2><p>First one.</p><p>{'more ' * 20}</p>"}) == "First one."


@pytest.mark.parametrize("words", [2, 10, 100, 5_000])
def test_never_more_than_half_of_the_text_or_the_limit_is_shown(words: int) -> None:
    text = " ".join(f"word{n}" for n in range(words))
    summary = summary_of({"summary": None, "body": f"<p>{text}</p>"}) or ""
    assert len(summary.removesuffix("…")) <= min(len(text) // 2, SUMMARY)
    assert text.startswith(summary.removesuffix("…"))


def test_of_a_single_word_nothing_is_shown() -> None:
    assert summarised({"id": "a1", "summary": None, "body": "<p>Word</p>"}) == {
        "id": "a1",
        "summary": None,
        "body": None,
    }


def test_what_has_no_text_stays_as_it_is() -> None:
    assert summarised({"id": "a1", "erased": True}) == {"id": "a1", "erased": True}


def test_of_a_long_text_no_more_than_its_beginning_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []

    def counted(html: str) -> LexborHTMLParser:
        parsed.append(len(html))
        return LexborHTMLParser(html)

    monkeypatch.setattr(content_text, "LexborHTMLParser", counted)
    assert summary_of({"body": f"<p>First one.</p>{'<p>And <b>more</b>.</p>' * 50_000}"}) == "First one."
    assert max(parsed) <= content_text.OPENING_READ + len("<body>")


@pytest.mark.parametrize("end", ["<a hre", "&am", "<p", "</"])
def test_where_it_is_cut_does_not_show(end: str) -> None:
    body = f"<p>First one.</p><p>{'x' * (content_text.OPENING_READ - 20 - len(end))}{end}"
    assert summary_of({"body": body + "f='#'>link</a></p>"}) == "First one."
