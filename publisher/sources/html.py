"""Pages: an article and a ticker as a profile's selectors find them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content import absolute
from publisher.model import Image, IndicatorSpec, Related
from publisher.sources import dom
from publisher.sources.body import Block, body_blocks, sanitised, strip_prefix
from publisher.sources.charset import decode
from publisher.sources.patterns import find
from publisher.sources.profile import COLUMNS, HtmlArticle, HtmlProfile, HtmlTicker
from publisher.sources.reading import Reading, add_row, byline_values, image, is_byline


def read_html(
    body: bytes,
    profile: HtmlProfile,
    *,
    origin: str,
    now: datetime,
    url: str | None = None,
    content_type: str | None = None,
    specs: Mapping[str, IndicatorSpec] | None = None,
) -> Reading:
    """What a page holds. ``url`` is where it was fetched from, null for a file.

    Raises ReadError for what is no page at all: no text, or nested too deeply.
    """
    decoded = decode(body, content_type)
    reading = Reading(origin, profile)
    if decoded.warning:
        reading.warn(decoded.warning, "charset")
    tree = dom.parse(decoded.text)
    base = base_of(tree, url or profile.base_url)
    if profile.ticker:
        _read_ticker(reading, tree, profile.ticker, specs or {}, now)
    if profile.article:
        fields = _article(reading, tree, profile.article, base)
        fields["url"] = address_of(tree, base, url)
        fields["language"] = profile.language
        reading.complete(fields)
    return reading


def base_of(tree: LexborHTMLParser, fetched: str) -> str:
    """What relative links on a page stand on."""
    node = tree.css_first("base[href]")
    return absolute(node.attributes.get("href"), fetched) or fetched if node is not None else fetched


def address_of(tree: LexborHTMLParser, base: str, fetched: str | None) -> str | None:
    """The page's canonical URL: what it says itself, else where it was fetched from."""
    for selector, attribute in (("link[rel~=canonical]", "href"), ('meta[property="og:url"]', "content")):
        node = tree.css_first(selector)
        found = absolute(node.attributes.get(attribute), base) if node is not None else None
        if found:
            return found
    return fetched


def _article(reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle, base: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "title": dom.first(tree, rules.title),
        "summary": dom.first(tree, rules.summary),
        "published": reading.moment("published", dom.first(tree, rules.published)),
        "updated": reading.moment("updated", dom.first(tree, rules.updated)),
        "section": dom.first(tree, rules.section),
        "editor": dom.first(tree, rules.editor),
        "agency": dom.first(tree, rules.agency),
        "authors": _values(tree, rules, "authors"),
        "topics": _values(tree, rules, "topics"),
        "images": _images(tree, rules, base),
        "related": _related(tree, rules, base),
    }
    blocks = []
    for block in body_blocks(tree, rules.body):
        if rules.byline and is_byline(rules.byline, block.text):
            fields |= byline_values(rules.byline, block.text)
        else:
            blocks.append(block)
    fields["dateline"] = _dateline(rules, blocks)
    body = sanitised(blocks, base)
    reading.left_out(body.notes)
    fields["body"] = body.html
    return fields


def _values(tree: LexborHTMLParser, rules: HtmlArticle, name: str) -> list[str]:
    return list(dict.fromkeys(value for _, value in dom.select(tree, getattr(rules, name))))


def _dateline(rules: HtmlArticle, blocks: list[Block]) -> str | None:
    """The place at the start of the first paragraph, which loses it."""
    match = find(rules.dateline, blocks[0].text) if rules.dateline and blocks else None
    if match is None or match.start() != 0:
        return None
    blocks[0] = strip_prefix(blocks[0], match[0])
    return match["dateline"].strip()


def _images(tree: LexborHTMLParser, rules: HtmlArticle, base: str) -> list[Image]:
    if rules.image is None:
        return []
    found = []
    for node in tree.css(rules.image.select):
        address = absolute(dom.first(node, rules.image.url), base)
        one = image(rules.image, address, dom.first(node, rules.image.caption))
        if one:
            found.append(one)
    return found


def _related(tree: LexborHTMLParser, rules: HtmlArticle, base: str) -> list[Related]:
    return [
        Related(title=title, url=absolute(node.attributes.get("href"), base))
        for node, title in dom.select(tree, rules.related)
    ]


def _read_ticker(
    reading: Reading,
    tree: LexborHTMLParser,
    ticker: HtmlTicker,
    specs: Mapping[str, IndicatorSpec],
    now: datetime,
) -> None:
    rows = tree.css(ticker.rows)
    if not rows:
        reading.warn(f"no rows of a ticker at {ticker.rows!r}; has the page changed?", "ticker")
    for row in rows:
        text = dom.text_of(row)
        if text and not _heads(row):
            add_row(reading, ticker, text, _cells(row, text, ticker), specs=specs, now=now)
        elif not text:
            reading.warn("a row without text is left out; what does it show?", "ticker", (row.html or "")[:120])


def _heads(row: LexborNode) -> bool:
    """Whether a row of a table names its columns: it has cells, and all of them are heads."""
    return row.tag == "tr" and row.css_first("th") is not None and row.css_first("td") is None


def _cells(row: LexborNode, text: str, ticker: HtmlTicker) -> dict[str, str | None]:
    match = find(ticker.pattern, text) if ticker.pattern else None
    cells: dict[str, str | None] = dict(match.groupdict()) if match else {}
    for column in COLUMNS:
        rules = getattr(ticker, column)
        if rules:
            cells[column] = dom.first(row, rules)
    return cells
