"""What the markup of a page states: its headline, its times, who wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content import one_line
from publisher.sources.dom import text_of
from publisher.sources.unprofiled.evidence import GUESSED, PAGE, Claim, alike, distinct
from publisher.sources.unprofiled.names import is_aside, name_words

MAX_FOUND = 20
"""Elements of one kind that are looked at."""

_BYLINE = re.compile(r"byline|author|writer|penulis|auteur|autor|autore|redakteur|verfasser|reporter|journalist")
_DATED = ", ".join(
    f'[class*="{name}"]' for name in ("date", "Date", "time", "Time", "publish", "tanggal", "datum", "fecha", "waktu")
)
_BYLINES = ", ".join(
    f'[class*="{name}"]'
    for name in ("byline", "Byline", "author", "Author", "writer", "penulis", "autor", "auteur", "reporter")
)
_NO_BYLINE = re.compile(
    r"bio|desc|image|img|photo|avatar|thumb|social|share|follow|twitter|email|mail|more|posts|box|about|card|info"
    r"|comment|date|time|list|archive|title|job|role|position|count|icon|link-all"
)
_PUBLISHED = re.compile(
    r"publish|posted|created|entry-?date|post-?date|article-?date|pubdate|dateline|date-?time|^date$|^time$|timestamp"
    r"|tanggal|waktu|datum|fecha|(?:^|[-_ ])date(?:$|[-_ ])"
)
_UPDATED = re.compile(r"updat|modif|edited|aktualisiert|diperbarui|mis-a-jour|actualiz")


def headlines(tree: LexborHTMLParser) -> list[str]:
    """The headings of the first rank, those within an article first."""
    nodes = tree.css("h1")[:MAX_FOUND]
    found = [(text_of(node), node) for node in nodes]
    ranked = sorted(found, key=lambda one: _headline_rank(one[1]))
    return distinct(text for text, _ in ranked if len(text) <= 400)


def _headline_rank(node: LexborNode) -> int:
    if "headline" in (node.attributes.get("itemprop") or ""):
        return 0
    above = {one.tag for one in _ancestors(node)}
    if "nav" in above or "aside" in above or any("logo" in word for word in name_words(node)):
        return 3
    return 1 if "article" in above or "main" in above else 2


def title(tree: LexborHTMLParser) -> str | None:
    """The title of the document, which often names the site too."""
    node = tree.css_first("head > title") or tree.css_first("title")
    return one_line(node.text(deep=True)) or None if node is not None else None


def published(tree: LexborHTMLParser) -> list[Claim]:
    """When the page says that it appeared: microdata, then ``time`` beside the headline."""
    return list(_moments(tree, "datePublished", _PUBLISHED, _UPDATED))


def updated(tree: LexborHTMLParser) -> list[Claim]:
    """When the page says that it was changed last."""
    return list(_moments(tree, "dateModified", _UPDATED, None))


def _moments(
    tree: LexborHTMLParser, itemprop: str, wanted: re.Pattern[str], other: re.Pattern[str] | None
) -> Iterator[Claim]:
    for node in tree.css(f'[itemprop~="{itemprop}"]')[:MAX_FOUND]:
        if (text := _moment(node)) and not _within_another(node):
            yield Claim(text, PAGE)
    times = tree.css("time[datetime], relative-time[datetime], abbr.published[title]")[:MAX_FOUND]
    named = [node for node in times if wanted.search(" ".join(name_words(node))) or "pubdate" in node.attributes]
    if other is not None:
        named += [node for node in times if node not in named and not other.search(" ".join(name_words(node)))]
    for node in named:
        if (text := _moment(node)) and not _within_another(node):
            yield Claim(text, PAGE)


def _moment(node: LexborNode) -> str | None:
    attributes = node.attributes
    for name in ("content", "datetime", "title"):
        if text := one_line(attributes.get(name) or ""):
            return text
    return text_of(node)[:120] or None


def dated_lines(tree: LexborHTMLParser) -> list[str]:
    """Short lines in elements that are named as those are that hold a date, beside the article's own."""
    found = []
    for node in tree.css(_DATED)[: 4 * MAX_FOUND]:
        names = " ".join(name_words(node))
        if _UPDATED.search(names) or _within_another(node):
            continue
        text = text_of(node)
        if 6 <= len(text) <= 60 and any(character.isdigit() for character in text):
            found.append(text)
    return distinct(found)[:5]


def _within_another(node: LexborNode) -> bool:
    """Whether it stands in a list of other articles, in a comment or beside the article."""
    return any(one.tag in ("aside", "nav", "footer", "li") or is_aside(one) for one in _ancestors(node))


def _ancestors(node: LexborNode) -> Iterator[LexborNode]:
    current = node.parent
    while current is not None and current.tag not in ("body", "html"):
        yield current
        current = current.parent


def authors(tree: LexborHTMLParser) -> list[tuple[list[str], str]]:
    """Who wrote it, as the markup says, then as lines that look like bylines do; each with its origin."""
    stated = [
        _people(tree, '[itemprop~="author"] [itemprop~="name"]'),
        _people(tree, '[itemprop~="author"]'),
        _people(tree, 'a[rel~="author"]'),
        _people(tree, "address.author, .h-card .p-name, .vcard.author .fn"),
    ]
    guessed = [[line] for line in bylines(tree)]
    return [(found, PAGE) for found in stated if found] + [(found, GUESSED) for found in guessed]


def _people(tree: LexborHTMLParser, selector: str) -> list[str]:
    found = []
    for node in tree.css(selector)[:MAX_FOUND]:
        text = one_line(node.attributes.get("content") or "") or text_of(node)
        if text and len(text) <= 200 and not _within_another(node):
            found.append(text)
    return distinct(found)


def bylines(tree: LexborHTMLParser) -> list[str]:
    """Lines in elements that are named as bylines are, the innermost."""
    found: list[str] = []
    for node in tree.css(_BYLINES)[: 4 * MAX_FOUND]:
        names = " ".join(name_words(node))
        if node.tag in ("body", "html", "script", "img", "article", "main") or not _BYLINE.search(names):
            continue
        text = text_of(node)
        if text and len(text) <= 160 and not _NO_BYLINE.search(names) and not _within_another(node):
            found.append(text)
    return distinct(found)[:5]


def matching(lines: list[str], wanted: str | None) -> str | None:
    """The first of the lines that is alike to a headline."""
    return next((line for line in lines if alike(line, wanted)), None)
