"""Pages: an article and a ticker as a profile's selectors find them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content import absolute
from publisher.model import Image, IndicatorSpec, Related
from publisher.sources.documents import dom
from publisher.sources.documents.charset import decode
from publisher.sources.html.body import Block, body_blocks, sanitised, strip_prefix
from publisher.sources.html.direction import contradicted
from publisher.sources.profiles.patterns import find, matches_any
from publisher.sources.profiles.profile import COLUMNS, HtmlArticle, HtmlBody, HtmlProfile, HtmlTicker
from publisher.sources.reading.attribution import authors, bylines, image, place
from publisher.sources.reading.draft import Reading, add_row
from publisher.sources.reading.soundness import is_closed, leads_elsewhere, tell_doubts

PART = 25
"""Characters of a further part of a text; what is shorter is a label."""

_HIDDEN = '[hidden], [style*="display:none"], [style*="display: none"]'
# Whether a page came whole is told from its text: a parser closes every element, whether its end tag came or not.
_END = re.compile(r"</(?:body|html)\b", re.IGNORECASE)

MAX_RELATED = 20
"""Related headlines that a paragraph is compared with."""

BETWEEN = 160
"""Characters between a date and a headline that belong together; a date's own are among them."""


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
    """What a page holds. ``url`` is where it was fetched from, None for a file.

    Raises ReadError for what is no page at all: no text, or nested too deeply.
    """
    decoded = decode(body, content_type)
    reading = Reading(origin, profile)
    if decoded.warning:
        reading.warn(decoded.warning, "charset")
    tree = dom.parse(decoded.text)
    base = base_of(tree, url or profile.base_url)
    whole = is_whole(decoded.text)
    if profile.ticker:
        _read_ticker(reading, tree, profile.ticker, specs or {}, now)
    if profile.article:
        fields = _article(reading, tree, profile.article, base, whole=whole)
        if fields is not None:
            fields["url"] = address_of(tree, base, url)
            fields["language"] = profile.language
            reading.complete(fields)
    if profile.ticker and not whole and reading.fields is None:
        reading.warn("the page has no end: are rows cut off?", "ticker")
    return reading


def is_whole(text: str) -> bool:
    """Whether a page has its end."""
    return _END.search(text) is not None


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
        "title": _title(reading, tree, rules),
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


def _title(reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle) -> str | None:
    found = list(dict.fromkeys(text for _, text in dom.select(tree, rules.title)))
    if len(found) > 1:
        reading.warn(f"the page has another headline, {found[1]!r}; the first is taken", "title", found[0])
    return found[0] if found else None


def _authors(reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle) -> list[str]:
    """The people that the rule's elements name, each once."""
    return list(dict.fromkeys(name for text in _values(tree, rules, "authors") for name in authors(reading, text)))


def _own_date(reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle) -> str | None:
    """The date of the article: the first behind the headline; what stands further above may be the page's clock."""
    found = dom.select(tree, rules.published)
    if not found:
        return None
    above, behind, apart = _around(tree, found, dom.select(tree, rules.title))
    own = (behind or above)[0]
    others = [text for text in dict.fromkeys((*behind, *above)) if text != own]
    if others:
        reading.warn(f"the page shows {others[0]!r}, too; {own!r} is taken", "published", own)
    elif apart:
        reading.warn("stands far above the headline: is it the page's clock and not the article's?", "published", own)
    return own


def _around(
    tree: LexborHTMLParser, dates: list[tuple[LexborNode, str]], titles: list[tuple[LexborNode, str]]
) -> tuple[list[str], list[str], bool]:
    """The dates above the first headline and those behind it, and whether more than a line stands between them."""
    texts = {node.mem_id: text for node, text in dates}
    title = titles[0][0].mem_id if titles else None
    above: list[str] = []
    behind: list[str] = []
    passed, between = title is None, 0
    for node in dom.descendants(tree.root) if tree.root is not None else ():
        if node.mem_id == title:
            passed, apart = True, between > BETWEEN
        if node.mem_id in texts:
            (behind if passed else above).append(texts[node.mem_id])
            between = 0
        elif node.is_text_node and not passed:
            between += len((node.text_content or "").strip())
    return above, behind, bool(above) and not behind and title is not None and apart


def _text_blocks(
    reading: Reading, tree: LexborHTMLParser, rules: HtmlArticle, fields: dict[str, Any], *, whole: bool
) -> list[Block] | None:
    """The blocks of the text, without bylines and the dateline, which go to their fields; None where it breaks off."""
    ended = rules.body.end_comment is None or _has_comment(tree, rules.body)
    _tell_parts(reading, tree, rules.body)
    found = _without_junk(reading, body_blocks(tree, rules.body.model_copy(update={"junk_text": ()})), rules, fields)
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


def _tell_parts(reading: Reading, tree: LexborHTMLParser, rules: HtmlBody) -> None:
    """Warn of a text in several elements, of which the first is taken, and of what the page hides in it."""
    parts = next((nodes for selector in rules.select if (nodes := tree.css(selector))), [])
    for part in parts[1:]:
        text = dom.text_of(part)
        if len(text) >= PART and text not in dom.text_of(parts[0]):
            reading.warn("stands in several elements; the first is taken", "body", text[:160])
            break
    junk = {node.mem_id for selector in rules.junk for part in parts[:1] for node in part.css(selector)}
    for node in parts[0].css(_HIDDEN)[:MAX_RELATED] if parts else ():
        if node.mem_id not in junk and (text := dom.text_of(node)):
            reading.warn("the page hides a part of it, which is taken", "body", text[:160])
            break


def _without_junk(reading: Reading, blocks: list[Block], rules: HtmlArticle, fields: dict[str, Any]) -> list[Block]:
    """The blocks that are text; one that leads to an article which no rule found is told."""
    known = [one.title for one in fields["related"][:MAX_RELATED]]
    kept = []
    for block in blocks:
        if not matches_any(rules.body.junk_text, block.text):
            kept.append(block)
        elif rules.related and leads_elsewhere(block.text) and not any(title in block.text for title in known):
            reading.warn("leads to another article, and no rule for related ones finds it", "related", block.text)
    return kept


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
    after = "what follows it may be no part of it" if whole else "is something cut off?"
    reading.warn(f"the comment that ends it is missing: {after}", "body", last[-160:] or None)
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
        text = dom.first(node, rules.image.caption)
        if text is None and rules.image.caption and (shown := dom.text_of(node)):
            reading.warn("a text beside the illustration that no rule takes; it is left out", "images", shown)
        one = image(reading, rules.image, address, text)
        if one:
            found.append(one)
    return found


def _related(tree: LexborHTMLParser, rules: HtmlArticle, base: str) -> list[Related]:
    """Headlines of related articles, each once."""
    found: dict[str, Related] = {}
    for node, title in dom.select(tree, rules.related):
        found.setdefault(title, Related(title=title, url=absolute(node.attributes.get("href"), base)))
    return list(found.values())


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
            cells, taken = _cells(row, text, ticker), len(reading.indicators)
            if wrong := contradicted(row, cells, ticker, reading.profile.locale):
                reading.error(f"{wrong}; the row is left out", f"ticker {cells.get('symbol') or ''}".rstrip(), text)
                continue
            add_row(reading, ticker, text, cells, specs=specs, now=now)
            for one in reading.indicators[taken:]:
                for odd in _joined(row, ticker, cells):
                    reading.warn(odd, f"ticker {one.symbol}", text)
        elif not text:
            reading.warn("a row without text is left out; what does it show?", "ticker", (row.html or "")[:120])


def _heads(row: LexborNode) -> bool:
    """Whether a row of a table names its columns: it has cells, and all of them are heads."""
    return row.tag == "tr" and row.css_first("th") is not None and row.css_first("td") is None


def _joined(row: LexborNode, ticker: HtmlTicker, cells: Mapping[str, str | None]) -> Iterator[str]:
    """Numbers that have digits which stand raised, as fractions do and footnotes, or hidden."""
    others = _cells(row, dom.text_of(row, apart=True), ticker, apart=True)
    for column in COLUMNS[1:]:
        if cells.get(column) != others.get(column):
            yield f"the {column} {cells[column]!r} is {others.get(column)!r} where all raised or hidden text is apart"


def _cells(row: LexborNode, text: str, ticker: HtmlTicker, *, apart: bool = False) -> dict[str, str | None]:
    match = find(ticker.pattern, text) if ticker.pattern else None
    cells: dict[str, str | None] = dict(match.groupdict()) if match else {}
    for column in COLUMNS:
        rules = getattr(ticker, column)
        if rules:
            cells[column] = dom.first(row, rules, apart=apart)
    return cells
