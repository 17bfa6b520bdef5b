"""Pages that no profile describes, by what they say of themselves.

Each field comes from the first that has it: JSON-LD of schema.org (``NewsArticle`` and its like), OpenGraph, and, where
the extra ``publisher[extract]`` is installed, trafilatura, which guesses. Where a field came from stands beside it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from html import unescape
from itertools import islice
from typing import Any

import orjson
from selectolax.lexbor import LexborHTMLParser

from publisher.content import Cleaned, absolute
from publisher.errors import ReadError
from publisher.locale import known_locale
from publisher.model import Image
from publisher.sources import dom
from publisher.sources.body import escaped, fragment_blocks, sanitised
from publisher.sources.charset import decode
from publisher.sources.html import address_of, base_of
from publisher.sources.profile import HtmlProfile
from publisher.sources.reading import Reading

JSON_LD, OPENGRAPH, TRAFILATURA, PAGE = "json-ld", "opengraph", "trafilatura", "page"

_ARTICLE = re.compile(r"(?:https?://schema\.org/)?(?:\w*Article|BlogPosting|LiveBlogPosting|Report)")
_MAX_NODES = 5000
_MISSING = (
    "no text: it is not in the page's JSON-LD; write a profile for the site, or have the text guessed: "
    'pip install "publisher[extract]"'
)
_UNCLEAR = "no text could be made out; write a profile for the site"

Values = dict[str, Any]


def read_any(
    body: bytes,
    *,
    origin: str,
    url: str,
    language: str,
    timezone: str,
    content_type: str | None = None,
    locale: str | None = None,
    assumed: bool = False,
) -> Reading:
    """The article in a page, and in ``origins`` where each of its fields came from.

    ``language`` holds where the page names none, ``timezone`` for dates without a zone, with a warning where
    it is only ``assumed``. ``locale`` is that of its
    dates, the page's own language where it is not given. Raises ReadError for no page.
    """
    decoded = decode(body, content_type)
    tree = dom.parse(decoded.text)
    spoken = _language(tree) or language
    reading = Reading(origin, conventions(url, locale or spoken, timezone), assumed=assumed)
    if decoded.warning:
        reading.warn(decoded.warning, "charset")
    base = base_of(tree, url)
    sources: list[tuple[str, Callable[[], Values]]] = [
        (JSON_LD, lambda: _json_ld(tree, base, reading)),
        (OPENGRAPH, lambda: _opengraph(tree, base)),
        (TRAFILATURA, lambda: _guessed(decoded.text, url, reading)),
    ]
    fields: Values = {"url": address_of(tree, base, url), "language": spoken}
    origins = {"url": PAGE, "language": PAGE}
    for name, read in sources:
        if name == TRAFILATURA and fields.get("title") and fields.get("body"):
            break  # it takes long, and what it guesses beyond these is worth little
        for field, value in read().items():
            if field in ("published", "updated"):
                value = reading.moment(field, value)  # noqa: PLW2901
            if field in fields:
                continue
            if isinstance(value, Cleaned):
                reading.left_out(value.notes)
                value = value.html  # noqa: PLW2901
            if value:
                fields[field], origins[field] = value, name
    if not fields.get("body"):
        reading.error(_MISSING if _trafilatura() is None else _UNCLEAR, "body")
        return reading
    reading.complete(fields)
    reading.origins = origins
    return reading


def conventions(url: str, language: str, timezone: str) -> HtmlProfile:
    """How the dates of a page are read that names its own language."""
    try:
        known_locale(language)
        locale = language
    except ReadError:
        locale = "en"
    return HtmlProfile(kind="html", base_url=url, locale=locale, timezone=timezone, language=language)


def _language(tree: LexborHTMLParser) -> str | None:
    node = tree.css_first("html[lang]")
    named = (node.attributes.get("lang") or "") if node is not None else ""
    return named if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", named) else None


# --- JSON-LD


def _json_ld(tree: LexborHTMLParser, base: str, reading: Reading) -> Values:
    for script in tree.css('script[type="application/ld+json"]'):
        text = (script.text(deep=True) or "").strip()
        try:
            # Some put the document in a comment, as scripts once were.
            document = orjson.loads(re.sub(r"^(?:<!--|//<!\[CDATA\[)|(?:-->|//\]\]>)$", "", text).strip())
        except orjson.JSONDecodeError as error:
            reading.warn(f"is no JSON: {error}", "JSON-LD")
            continue
        nodes = list(_nodes(document))
        by_id = {str(node["@id"]): node for node in nodes if "@id" in node and len(node) > 1}
        for node in nodes:
            if any(_ARTICLE.fullmatch(str(kind)) for kind in _list(node.get("@type"))):
                return _schema(node, by_id, base)
    return {}


def _nodes(document: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in a document, those further out first: @graph, mainEntity, lists."""
    waiting, seen = deque([document]), 0
    while waiting and seen < _MAX_NODES:
        one = waiting.popleft()
        seen += 1
        if isinstance(one, dict):
            yield one
            waiting += [value for value in islice(one.values(), _MAX_NODES) if isinstance(value, dict | list)]
        elif isinstance(one, list):
            waiting += one[:_MAX_NODES]


def _schema(node: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]], base: str) -> Values:
    def of(name: str) -> list[Any]:
        found = _list(node.get(name))
        return [by_id.get(str(one["@id"]), one) if isinstance(one, dict) and "@id" in one else one for one in found]

    keywords = [part for one in of("keywords") for part in (one.split(",") if isinstance(one, str) else [_name(one)])]
    images = [absolute(_named(one, "url", "contentUrl"), base) for one in of("image")]
    captions = [_text(one.get("caption")) if isinstance(one, dict) else None for one in of("image")]
    body = _text(node.get("articleBody"), lines=True)
    return {
        "title": _text(node.get("headline")) or _text(node.get("name")),
        "summary": _text(node.get("description")),
        "body": escaped([part for part in re.split(r"\n\s*", body or "") if part.strip()]),
        "published": _text(node.get("datePublished")),
        "updated": _text(node.get("dateModified")),
        "authors": _distinct(map(_name, of("author"))),
        "section": next(filter(None, map(_name, of("articleSection"))), None),
        "topics": _distinct(keywords),
        "images": [Image(url=url, caption=said) for url, said in zip(images, captions, strict=True) if url],
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _name(value: Any) -> str | None:
    return _named(value, "name")


def _named(value: Any, *keys: str) -> str | None:
    if isinstance(value, dict):
        return next((text for key in keys if (text := _text(value.get(key)))), None)
    return _text(value)


def _text(value: Any, *, lines: bool = False) -> str | None:
    """Text without the entities that some write into JSON."""
    if not isinstance(value, str):
        return None
    plain = unescape(value)
    return (plain if lines else " ".join(plain.split())).strip() or None


def _distinct(values: Any) -> list[str]:
    return list(dict.fromkeys(text for value in values if value and (text := str(value).strip())))


# --- OpenGraph


def _opengraph(tree: LexborHTMLParser, base: str) -> Values:
    found: dict[str, list[str]] = {}
    for node in tree.css("meta[property][content]"):
        content = (node.attributes.get("content") or "").strip()
        if content:
            found.setdefault((node.attributes.get("property") or "").lower(), []).append(content)

    def first(name: str) -> str | None:
        return next(iter(found.get(name, ())), None)

    pictures = [absolute(one, base) for one in found.get("og:image", ())]
    # Many give the address of a profile page for an author.
    authors = [one for one in found.get("article:author", ()) if absolute(one, None) is None]
    return {
        "title": first("og:title"),
        "summary": first("og:description"),
        "published": first("article:published_time"),
        "updated": first("article:modified_time"),
        "section": first("article:section"),
        "authors": _distinct(authors),
        "topics": _distinct(found.get("article:tag", ())),
        "images": [Image(url=url, caption=first("og:image:alt")) for url in pictures[:1] if url],
    }


# --- trafilatura


def _trafilatura() -> Any:
    try:
        import trafilatura
    except ImportError:
        return None
    return trafilatura


def _guessed(text: str, url: str, reading: Reading) -> Values:
    library = _trafilatura()
    if library is None:
        return {}
    try:
        found = library.bare_extraction(text, url=url, with_metadata=True, include_comments=False)
        html = library.extract(
            text, url=url, output_format="html", include_comments=False, include_formatting=True, include_links=True
        )
    except Exception as error:  # whatever a strange page does to it, the rest of the page stands
        reading.warn(f"trafilatura failed: {type(error).__name__}: {error}", "body")
        return {}
    if found is None or not html:
        return {}
    blocks = fragment_blocks(html)
    if blocks and blocks[0].html.startswith("<h1"):  # it repeats the headline, which stands above the text already
        blocks = blocks[1:]
    return {
        "title": found.title,
        "body": sanitised(blocks, url),
        "published": _day(found.date),
        "authors": _distinct((found.author or "").split(";")),
        "summary": found.description,
    }


def _day(date: str | None) -> str | None:
    """A day that it read off a page; it never gives the hour."""
    try:
        return datetime.fromisoformat(date).date().isoformat() if date else None
    except ValueError:
        return None
