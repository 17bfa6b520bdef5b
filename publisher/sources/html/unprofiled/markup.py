"""What the markup of a page states: its headline, its times, who wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.content import one_line
from publisher.sources.documents.dom import text_of
from publisher.sources.html.unprofiled.classnames import is_aside, name_words
from publisher.sources.html.unprofiled.evidence import GUESSED, PAGE, Claim, alike, distinct

MAX_FOUND = 20
"""Elements of one kind that are looked at."""

_BYLINE = re.compile(r"byline|author|writer|penulis|auteur|autor|autore|redakteur|verfasser|firma|reporter|journalist")
_DATED = ", ".join(
    f'[class*="{name}"]' for name in ("date", "Date", "time", "Time", "publish", "tanggal", "datum", "fecha", "waktu")
)
_BYLINES = ", ".join(
    f'[class*="{name}"]'
    for name in ("byline", "Byline", "author", "Author", "writer", "penulis", "autor", "auteur", "reporter", "firma")
)
_NO_BYLINE = re.compile(
    r"bio|desc|image|img|photo|avatar|thumb|social|share|follow|twitter|email|mail|more|posts|box|about|card|info"
    r"|comment|date|time|list|archive|title|job|role|position|count|icon|link-all"
)
_PUBLISHED = re.compile(
    r"publish|posted|created|entry-?date|post-?date|article-?date|pubdate|dateline|date-?time|^date$|^time$|timestamp"
    r"|tanggal|waktu|datum|fecha|(?:^|[-_ ])date(?:$|[-_ ])"
)
_ARTICLE = re.compile(r"Article|Posting|Report\b|Review\b")
_PERSON = re.compile(r"Person|Organization|ImageObject")
_PEOPLE = ('a[rel~="author"]', "address.author, .h-card .p-name, .p-author, .vcard.author .fn")
_HEADLINE = "h1, .entry-title, [itemprop~=headline]"
_LEVELS, _TEASER = 6, 500
"""Elements around a time or a name that are looked at, and characters of one that is a teaser."""

_UPDATED = re.compile(r"updat|modif|edited|aktualisiert|diperbarui|mis-a-jour|actualiz")
_EDITED = re.compile(
    r"updated?\b|modified|edited|revised|corrected|aktualisiert|geändert|diperbarui|diubah|dikemas kini|mis[e]? à jour"
    r"|modifié|actualiza|atualiza|aggiorna|modificat|bijgewerkt|gewijzigd|güncelle|uppdatera|oppdater|opdateret"
    r"|zaktualizowan|обновлен|изменен|cập nhật|更新|修改|수정|تحديث|آپدیت|به.?روز|अपडेट|อัปเดต"
)
_LABEL, _LINE = 40, 120
"""Characters before a time that are looked at, and of a line that holds no more than a time and who wrote."""


def headlines(tree: LexborHTMLParser) -> list[str]:
    """The headings of the first rank, those within an article first, and before all that which names itself the
    article's title, where only one does.
    """
    titles = _outside(tree, ".entry-title, .post-title, [itemprop~=headline]:not(meta)")[:2]
    nodes = [node for node in tree.css("h1")[:MAX_FOUND] if not _is_masthead(node)]
    ranked = sorted(nodes, key=_headline_rank)
    return distinct(text for node in (*titles[: len(titles) == 1], *ranked) if len(text := text_of(node)) <= 400)


def _is_masthead(node: LexborNode) -> bool:
    """Whether a heading is the site's name: all of it one link to the home page."""
    link = node.css_first("a[href]")
    if link is None or text_of(link) != text_of(node):
        return False
    address = urlsplit((link.attributes.get("href") or "").strip())
    return address.path in ("", "/") and not address.query and not address.fragment


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
    return [
        *_stated_moments(tree, "datePublished"),
        *_times(tree, lambda node: not _is_update(node) and _is_named(node, _PUBLISHED)),
        *_times(
            tree, lambda node: not (_is_update(node) or _is_named(node, _UPDATED) or _is_told_of(node)), firm=False
        ),
    ]


def updated(tree: LexborHTMLParser) -> list[Claim]:
    """When the page says that it was changed last; some name one time both."""
    return [
        *_stated_moments(tree, "dateModified"),
        *_times(tree, lambda node: _is_update(node) or _is_named(node, _UPDATED)),
    ]


def _stated_moments(tree: LexborHTMLParser, itemprop: str) -> list[Claim]:
    return [Claim(text, PAGE) for node in _stated(tree, itemprop) if (text := _moment(node))]


def _times(tree: LexborHTMLParser, wanted: Callable[[LexborNode], bool], *, firm: bool = True) -> Iterator[Claim]:
    for node in tree.css("time[datetime], relative-time[datetime], abbr.published[title]")[:MAX_FOUND]:
        if wanted(node) and (text := _moment(node)) and not _within_another(node):
            yield Claim(text, PAGE, firm)


def _is_named(node: LexborNode, names: re.Pattern[str]) -> bool:
    return names.search(" ".join(name_words(node))) is not None or (
        names is _PUBLISHED and "pubdate" in node.attributes
    )


def _is_update(node: LexborNode) -> bool:
    """Whether a time is that of an edit: by its name, unless that says both, or by the word before it."""
    named = _is_named(node, _UPDATED) and not _is_named(node, _PUBLISHED)
    return named or _EDITED.search(_label(node)) is not None


def _label(node: LexborNode) -> str:
    """What stands right before an element, or before the one that holds it alone: "Updated:"."""
    for _ in range(2):
        before = node.prev
        while before is not None:
            if any(
                map(
                    str.isalpha, text := before.text(deep=True) if before.is_element_node else before.text_content or ""
                )
            ):
                return text[-_LABEL:].lower()
            before = before.prev
        if node.parent is None or node.parent.tag in ("body", "article", "main"):
            break
        node = node.parent
    return ""


def _is_told_of(node: LexborNode) -> bool:
    """Whether an element stands in a sentence of a text, which tells of some time, not of the article's."""
    around = next((one for one in _ancestors(node) if one.tag in ("p", "li", "td", "blockquote", "figcaption")), None)
    if around is None:
        return False
    text = text_of(around)
    return len(text) > _LINE or text.endswith((".", "!", "?", "…", "。"))


def _moment(node: LexborNode) -> str | None:
    attributes = node.attributes
    for name in ("content", "datetime", "title"):
        if text := one_line(attributes.get(name) or ""):
            return text
    return text_of(node)[:120] or None


def dated_lines(tree: LexborHTMLParser) -> list[str]:
    """Short lines that may hold the article's date: in elements that are named so, and right below the headline."""
    found = []
    for node in (*tree.css(_DATED)[: 4 * MAX_FOUND], *_below_headline(tree)):
        names = " ".join(name_words(node))
        if _UPDATED.search(names) or _within_another(node):
            continue
        text = text_of(node)
        if 6 <= len(text) <= 60 and any(character.isdigit() for character in text):
            found.append(text)
    return distinct(found)[:5]


def _below_headline(tree: LexborHTMLParser) -> list[LexborNode]:
    node = tree.css_first("h1")
    found: list[LexborNode] = []
    while node is not None and len(found) < 4:
        node = node.next
        if node is not None and node.tag in ("div", "p", "span", "small"):
            found.append(node)
    return found


def _stated(tree: LexborHTMLParser, name: str, below: str = "") -> list[LexborNode]:
    """The elements that microdata or RDFa call by that name, ``below`` by a further one in them, of the article."""
    inner = f' [{{0}}~="{below}"]' if below else ""
    found = [
        node
        for kind in ("itemprop", "property")
        for node in tree.css(f'[{kind}~="{name}"]{inner.format(kind)}')[:MAX_FOUND]
    ]
    return [node for node in found if _is_of_article(node)]


def _is_of_article(node: LexborNode) -> bool:
    """Whether what states something states it of the article: it stands in no scope but the article's and a person's,
    or in none and not beside the article; the author of a picture is not the article's.
    """
    for one in _ancestors(node):
        attributes = one.attributes
        kind = attributes.get("itemtype") or attributes.get("typeof") or ""
        if one.tag in ("figure", "figcaption"):
            return False
        if _ARTICLE.search(kind):
            return True
        if kind and not _PERSON.search(kind):
            break
    return not _within_another(node)


def section(tree: LexborHTMLParser) -> str | None:
    """The section that the markup states."""
    found = (
        one_line(node.attributes.get("content") or "") or text_of(node) for node in _stated(tree, "articleSection")
    )
    return next((text for text in found if text and len(text) <= 100), None)


def picture(tree: LexborHTMLParser) -> str | None:
    """The address of the picture that the markup states, as it stands."""
    nodes = tree.css('[itemprop~="image"] [itemprop~="url"], [itemprop~="image"]')[:MAX_FOUND]
    found = (
        (node.attributes.get(name) or "").strip()
        for node in nodes
        for name in ("content", "src", "href")
        if not _within_another(node)
    )
    return next((address for address in found if address), None)


def _within_another(node: LexborNode) -> bool:
    """Whether it stands in a list of other articles, in a comment or beside the article."""
    beside = any(one.tag in ("aside", "nav", "footer") or is_aside(one) for one in _ancestors(node))
    return beside or _is_teasers(node)


def _is_teasers(node: LexborNode) -> bool:
    """Whether what is next around it, without the headline of the page, is an article or as short as a teaser, and has
    a heading or a link as long as one; or it stands in a list that is not in one box with the headline.
    """
    listed = False
    for level, one in enumerate(_ancestors(node)):
        listed = listed or one.tag == "li"
        if one.css_first(_HEADLINE) is not None:
            return listed and one.tag in ("article", "main")
        if level >= _LEVELS:
            break
        if one.tag == "article":
            return True
        if one.css_first("h2, h3, h4, h5") is not None or any(len(text_of(link)) >= 25 for link in one.css("a")[:3]):
            return len(text_of(one)) <= _TEASER
    return listed


def _ancestors(node: LexborNode) -> Iterator[LexborNode]:
    current = node.parent
    while current is not None and current.tag not in ("body", "html"):
        yield current
        current = current.parent


def authors(tree: LexborHTMLParser) -> list[tuple[list[str], str]]:
    """Who wrote it, as the markup says, then as lines that look like bylines do; each with its origin."""
    stated = [
        _people(_stated(tree, "author", "name")),
        _people(_stated(tree, "author")),
        *(_people(_outside(tree, names)) for names in _PEOPLE),
    ]
    guessed = [[line] for line in bylines(tree)]
    return [(found, PAGE) for found in stated if found] + [(found, GUESSED) for found in guessed]


def _outside(tree: LexborHTMLParser, selector: str) -> list[LexborNode]:
    return [node for node in tree.css(selector)[:MAX_FOUND] if not _within_another(node)]


def _people(nodes: list[LexborNode]) -> list[str]:
    texts = (one_line(node.attributes.get("content") or "") or text_of(node) for node in nodes)
    return distinct(text for text in texts if len(text) <= 200)


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
