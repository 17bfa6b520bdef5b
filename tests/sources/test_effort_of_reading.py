"""Whatever a page or a feed repeats, reading it takes time in step with its length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from support.effort import QUADRATIC, growth
from support.unprofiled import URL, json_ld, page, paragraphs, read

from publisher.sources.parsing import JOBS

ARTICLE = {"@type": "NewsArticle", "headline": "Panen padi naik", "datePublished": "2025-01-01T00:00:00Z"}
GIVEN: Mapping[str, Any] = {
    "url": URL, "language": "id", "timezone": "Asia/Jakarta", "content_type": "", "now": "2026-01-01T00:00:00Z",
    "options": {"url": URL},
}  # fmt: skip


@pytest.mark.parametrize("piece", [
    "<p>Oleh: Ratih Dewi</p>", "<a rel=author href=/a{0}>Ratih Dewi{0}</a>", "<h2>Judul {0}</h2><p>Satu.</p>",
    '<div itemscope itemtype="https://schema.org/NewsArticle"><p itemprop=headline>Lain {0}</p></div>',
    '<figure><img src=/{0}.jpg><figcaption>Sawah. Foto: Ratih/ANTARA</figcaption></figure>',
    "<time datetime=2025-01-01T00:00:00Z>1 Januari 2025</time>", "<tr><td>USD<td>16.200,00<td>+0,3%",
    "<a href=/{0}>Baca juga: judul {0}</a> ", "Satu baris dari banyak.<br><br>", "<article><h2>Lain {0}</h2></article>",
])  # fmt: skip
def test_the_effort_of_a_page_grows_with_its_length_alone(piece: str) -> None:
    def make(size: int) -> str:
        told = "".join(piece.format(number) for number in range(size // len(piece)))
        return page(body=f"<article><h1>Panen padi naik</h1>{paragraphs()}{told}</article>")

    assert growth(make, read) < QUADRATIC


@pytest.mark.parametrize(("key", "value"), [
    ("author", {"@type": "Person", "name": "Ratih {0}"}), ("image", {"url": "/{0}.jpg"}), ("keywords", "kata {0}"),
])  # fmt: skip
def test_so_does_that_of_what_a_page_states(key: str, value: Any) -> None:
    def numbered(number: int) -> Any:
        if isinstance(value, str):
            return value.format(number)
        return {name: said.format(number) for name, said in value.items()}

    def make(size: int) -> str:
        return page(json_ld({**ARTICLE, key: [numbered(number) for number in range(size // 30)]}), body=paragraphs())

    assert growth(make, read) < QUADRATIC


@pytest.mark.parametrize("piece", [
    "<dc:creator>Ratih Dewi {0}</dc:creator>", "<category>kata {0}</category>", "<b>",
    "<link>https://a.example/{0}</link>",
    '<media:content url="https://a.example/{0}.jpg" type="image/jpeg"/>', "</item><item><title>Judul {0}</titel>",
    "</item><item><title>Judul {0}</title><guid>{0}</guid><description>Satu kalimat.</description>",
    "<description>&lt;p&gt;Satu kalimat.&lt;/p&gt;</description>", "a & b < c ",
])  # fmt: skip
def test_the_effort_of_a_feed_grows_with_its_length_alone(piece: str) -> None:
    def make(size: int) -> bytes:
        told = "".join(piece.format(number) for number in range(size // len(piece)))
        spaces = 'xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        item = f"<item><title>Judul</title><guid>g</guid>{told}</item>"
        return f'<rss version="2.0" {spaces}><channel><title>T</title>{item}</channel></rss>'.encode()

    assert growth(make, lambda body: list(JOBS["feed"](body, GIVEN))) < QUADRATIC
