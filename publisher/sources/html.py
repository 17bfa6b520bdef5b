"""Pages: an article and a ticker as a profile's selectors find them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content import absolute
from publisher.model import Image, IndicatorSpec, Related
from publisher.sources import dom
from publisher.sources.attribution import authors, bylines, image, place
from publisher.sources.body import Block, body_blocks, sanitised, strip_prefix
from publisher.sources.charset import decode
from publisher.sources.patterns import find
from publisher.sources.profile import COLUMNS, HtmlArticle, HtmlBody, HtmlProfile, HtmlTicker
from publisher.sources.reading import Reading, add_row
from publisher.sources.soundness import is_closed, tell_doubts


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
        whole = "</body" in decoded.text or "</html" in decoded.text or "</BODY" in decoded.text
        fields = _article(reading, tree, profile.article, base, whole=whole)
        if fields is not None:
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


def _article(
    reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle, base: str, *, whole: bool
) -> dict[str, Any] | None:
    fields: dict[str, Any] = {
        "title": dom.first(tree, rules.title),
        "summary": dom.first(tree, rules.summary),
        "published": reading.moment("published", _own_date(reading, tree, rules)),
        "updated": reading.moment("updated", dom.first(tree, rules.updated)),
        "section": dom.first(tree, rules.section),
        "editor": dom.first(tree, rules.editor),
        "agency": dom.first(tree, rules.agency),
        "authors": _authors(reading, tree, rules),
        "topics": _values(tree, rules, "topics"),
        "images": _images(reading, tree, rules, base),
        "related": _related(tree, rules, base),
    }
    blocks = _text_blocks(reading, tree, rules, fields, whole=whole)
    if blocks is None:
        return None
    body = sanitised(blocks, base)
    reading.left_out(body.notes)
    fields["body"] = body.html
    return fields


def _values(tree: LexborHTMLParser, rules: HtmlArticle, name: str) -> list[str]:
    return list(dict.fromkeys(value for _, value in dom.select(tree, getattr(rules, name))))


def _authors(reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle) -> list[str]:
    """The people that the rule's elements name, each once."""
    return list(dict.fromkeys(name for text in _values(tree, rules, "authors") for name in authors(reading, text)))


def _own_date(reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle) -> str | None:
    """The date of the article: where several elements show one, the first behind the headline, and it is told."""
    found = dom.select(tree, rules.published)
    texts = list(dict.fromkeys(text for _, text in found))
    if len(texts) < 2:
        return texts[0] if texts else None
    titles = dom.select(tree, rules.title)
    title = titles[0][0].mem_id if titles else None
    own, behind = texts[0], False
    dates = {node.mem_id: text for node, text in reversed(found)}
    root = tree.root
    for node in dom.descendants(root) if root is not None else ():
        behind = behind or node.mem_id == title
        if behind and node.mem_id in dates:
            own = dates[node.mem_id]
            break
    other = next(text for text in texts if text != own)
    reading.warn(f"the page shows {other!r}, too; the first behind the headline is taken", "published", own)
    return own


def _text_blocks(
    reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle, fields: dict[str, Any], *, whole: bool
) -> list[Block] | None:
    """The blocks of the text, without bylines and the dateline, which go to their fields; null where it breaks off."""
    ended = rules.body.end_comment is None or _has_comment(tree, rules.body)
    found = body_blocks(tree, rules.body)
    credits = bylines(reading, rules.byline, [block.text for block in found])
    fields |= credits.values
    blocks = [block for number, block in enumerate(found) if number not in credits.lines]
    if not ended and _breaks_off(reading, blocks, whole=whole):
        return None
    tell_doubts(reading, [block.text for block in blocks if _is_paragraph(block)], fields["title"])
    if blocks:
        where = place(reading, rules.dateline, blocks[0].text)
        fields["dateline"] = where.place
        if where.prefix:
            blocks[0] = strip_prefix(blocks[0], where.prefix)
    return blocks


def _has_comment(tree: LexborHTMLParser, rules: HtmlBody) -> bool:
    body = next((node for selector in rules.select if (node := tree.css_first(selector)) is not None), None)
    return body is None or any(
        node.is_comment_node and (node.comment_content or "").strip() == rules.end_comment
        for node in dom.descendants(body)
    )


def _breaks_off(reading: Reading, blocks: list[Block], *, whole: bool) -> bool:
    """Whether a page whose end mark is missing ends within a sentence and without its last tags: it is refused."""
    last = blocks[-1].text if blocks else ""
    if blocks and not whole and not is_closed(last):
        told = "breaks off: the comment that ends it is missing, and its last block ends in no sentence"
        reading.error(f"{told}; the article is refused", "body", last[-160:])
        return True
    reading.warn(
        "the comment that ends it is missing: what follows it may be no part of it", "body", last[-160:] or None
    )
    return False


def _is_paragraph(block: Block) -> bool:
    """Whether a block is plain text; a bold line is a heading by another name, unless it is a link."""
    if not block.html.startswith("<p") or not block.text:
        return False
    node = dom.parse(block.html).css_first("p")
    bold = "".join(dom.text_of(one) for one in node.css("b, strong")) if node is not None else ""
    linked = node is not None and node.css_first("a") is not None
    return linked or "".join(bold.split()) != "".join(block.text.split())


def _images(reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle, base: str) -> list[Image]:
    if rules.image is None:
        return []
    found = []
    for node in tree.css(rules.image.select):
        address = absolute(dom.first(node, rules.image.url), base)
        one = image(reading, rules.image, address, dom.first(node, rules.image.caption))
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
