"""What is stored of an article and what each format carries of it, whatever markup its body came in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape

from content.markup import is_allowed, markup, unhurried
from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from publisher.content.text import pieces
from publisher.model import article_json
from publisher.model.base import xml_legal
from publisher.render import FORMATS, Head, Options, article_entry
from publisher.sources.html.body import fragment_blocks, sanitised
from publisher.sources.json.pushed import read_article_json

NOW = datetime(2024, 2, 9, tzinfo=UTC)
SITE = "https://berita.example.id"
HEAD = Head("tag:x", "T", "D", "id", NOW, f"{SITE}/f", f"{SITE}/", "T", f"{SITE}/")


def letters(html: str) -> str:
    """Every letter of the text, and no white space."""
    body = LexborHTMLParser(f"<body>{html}").body
    return "" if body is None else "".join("".join(pieces(body)).split())


def carried(body: str) -> dict[str, str]:
    """The body as it is stored, and as each format's own readers find it; nothing where the article is refused."""
    payload = {"title": "T", "body": body, "url": f"{SITE}/a"}
    found, _ = read_article_json(payload, origin="PUT", language="id", article_id="a")
    if found is None:
        return {}
    data = article_json(found.article)
    entry = article_entry(
        data, revision=1, first_seen_at=NOW, changed_at=NOW, options=Options(SITE, "id", "Asia/Jakarta")
    )
    documents = {name: writer.document(HEAD, [writer.fragment(entry)]) for name, writer in FORMATS.items()}
    rss, atom = etree.fromstring(documents["rss"]), etree.fromstring(documents["atom"])
    item = rss.find(".//item")
    assert item is not None
    # What has no text to be summed up stands whole in the description.
    written = item.findtext("{http://purl.org/rss/1.0/modules/content/}encoded") or item.findtext("description")
    return {
        "stored": data["body"],
        "rss": written or "",
        "atom": atom.findtext(".//{http://www.w3.org/2005/Atom}entry/{http://www.w3.org/2005/Atom}content") or "",
        "json": json.loads(documents["json"])["items"][0]["content_html"],
    }


@unhurried
@given(markup())
def test_every_format_carries_what_is_stored_and_nothing_in_it_is_not_allowed(body: str) -> None:
    found = carried(body)
    assert len(set(found.values())) <= 1
    assert all(is_allowed(html) for html in found.values())


@unhurried
@given(markup())
def test_the_text_of_any_markup_is_stored_letter_for_letter(body: str) -> None:
    assume("iframe" not in body and "video" not in body)  # their titles are text that was none before
    stored = sanitised(fragment_blocks(body), SITE).html
    assert letters(stored) == "".join(xml_legal(letters(body)).split())


@unhurried
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "p", "div", "span", "b", "li", "del", "blockquote", "td", "pre", "h1", "font"]),
            st.text("abc <>&\"'=/!-\n", min_size=1),
        ),
        min_size=1,
    )
)
def test_text_is_carried_letter_for_letter_whatever_stands_around_it(parts: list[tuple[str, str]]) -> None:
    body = "".join(f"<{name}>{escape(text)}</{name}>" if name else escape(text) for name, text in parts)
    for html in carried(body).values():
        assert letters(html) == letters(body)
