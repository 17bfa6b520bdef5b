"""What plain text says of HTML."""

from __future__ import annotations

import pytest

from publisher.content import opening, text_of
from publisher.sources.html.body import plain


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>The price is <del>10</del> <ins>12</ins> dollars</p>", "The price is 12 dollars"),
        ("<p>It is <s>10</s>12 dollars</p>", "It is 12 dollars"),
        ("<p><strike>10</strike></p><p>12</p>", "12"),
        ("<p>2.500<sup>1</sup> of 10<sup>−3</sup> m<sup>2</sup></p>", "2.500¹ of 10⁻³ m²"),
        ("<p>the 1<sup>st</sup>, the 2<sup>nd</sup></p>", "the 1st, the 2nd"),
        ("<p>log<sub>2</sub>8, CO<sub>2</sub></p>", "log₂8, CO₂"),
        ("<p>He says <q>I lie</q>.</p>", "He says “I lie”."),
        ("<p>10<img src='https://example.com/i.png'>12</p>", "10 12"),
        ("<p><ruby>10<rp>(</rp><rt>12</rt><rp>)</rp></ruby></p>", "10"),
    ],
)
def test_no_number_of_a_text_without_marks_is_another_than_people_see(html: str, text: str) -> None:
    assert opening(html) == plain(html) == text_of(html) == text
