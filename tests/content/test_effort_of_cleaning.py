"""Whatever a text holds, cleaning it takes time in step with its length."""

from collections.abc import Callable

import pytest
from support.effort import QUADRATIC, growth

from publisher.content import clean, harmless

LONG_ENOUGH = 1 << 16
"""In characters: what takes a nanosecond for each pair of places shows only in a long text."""


@pytest.mark.parametrize("piece", ["&", "& ", "&amp;", "&#38;", "\xa0", "&nbsp;", "a &\xa0", "«", "a°", "&notit;", "<"])
@pytest.mark.parametrize("around", ["<p>{}", '<p><a href="/a?{}">a</a>'])
@pytest.mark.parametrize("work", [lambda html: clean(html, "https://contoh.id/"), harmless], ids=["clean", "harmless"])
def test_the_effort_grows_with_the_length_alone(work: Callable[[str], object], around: str, piece: str) -> None:
    def make(size: int) -> str:
        return around.replace("{}", piece * (size // len(piece)))

    assert growth(make, work, size=LONG_ENOUGH) < QUADRATIC


@pytest.mark.parametrize("number", [*range(0x80, 0xC0), 0x100, 0x180, 0x1BF, 0xFFFD, 0xE000, 0xFDD0, 0x1FFFE])
def test_every_letter_comes_out_as_itself(number: int) -> None:
    letter = chr(number)
    shown = letter.replace("\xa0", "&nbsp;")
    alt = " " if letter.isspace() else letter
    body = f'<p>a{shown}b &amp;amp; <img src="https://contoh.id/1.jpg" alt="x{alt}y &amp; z"></p>'
    assert clean(body, None).html == body
    assert harmless(body) == body
