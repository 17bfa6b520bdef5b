"""Judges documents by the rules that validators enforce: RSS 2.0 with its profile, RFC 4287, RFC 6721, Media RSS 1.5.1,
JSON Feed 1.1. Each fault is one sentence; a document without any passes.

The W3C's own validator cannot be installed; what it calls an error is one here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import html5lib
from babel import Locale
from babel.core import get_global
from lxml import etree
from support.strings import strings

from publisher.render import FORMATS

ATOM = "{http://www.w3.org/2005/Atom}"
DC = "{http://purl.org/dc/elements/1.1/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
CB = "{http://www.cbwiki.net/wiki/index.php/Specification_1.2/}"
TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# RFC 2396 as the W3C's validator has it, with RFC 3986's brackets of an IPv6 host.
_URI = re.compile(
    r"[a-zA-Z][0-9a-zA-Z+.-]*:(//(\[[0-9A-Fa-f:.]+\])?)?([0-9a-zA-Z;/?:@&=+$.\-_!~*'(),#]|%[0-9A-Fa-f]{2})+"
)
_WEB = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d+)?(/|$)")
_TAG = re.compile(r"tag:[a-z0-9.-]+,\d{4}(-\d\d(-\d\d)?)?:([0-9a-zA-Z;/?:@&=+$.\-_!~*'(),]|%[0-9A-Fa-f]{2})*")
_MIME = re.compile(r"[^\s()<>,;:\\\"/\[\]?=]+/[^\s()<>,;:\\\"/\[\]?=]+")
_RFC822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d \+0000"
)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_LANGUAGES = frozenset({*Locale("en").languages, *get_global("likely_subtags")})
_MEDIA_ATTRIBUTES = {"url", "type", "medium", "width", "height", "fileSize", "duration"}

Fault = Iterator[str]


def faults(format: str, document: bytes) -> list[str]:
    """What is wrong with a document; of a format that has no rules here, whether it is well formed."""
    return list({"rss": _rss, "atom": _atom, "json": _json}.get(format, _well_formed(format))(document))


def _well_formed(format: str) -> Callable[[bytes], Fault]:
    def judge(document: bytes) -> Fault:
        try:
            strings(FORMATS[format].media_type, document)
        except (ValueError, SyntaxError) as error:
            yield f"it is not well formed: {error}"

    return judge


def _rss(document: bytes) -> Fault:
    root = _parsed(document)
    [channel] = root
    yield from _known(channel, {*_CHANNEL_NAMES, f"{ATOM}link", "item"})
    yield from _once(channel, "title", "link", "description", "language", "lastBuildDate", "generator", "ttl")
    yield from _filled(channel, "title", "link", "description")
    yield from _each(channel, "link", _uri)
    yield from _each(channel, "language", _language)
    yield from _each(channel, "lastBuildDate", _rfc822)
    selves = [link for link in channel.findall(f"{ATOM}link") if link.get("rel") == "self"]
    if len(selves) != 1:
        yield f"{len(selves)} links to itself"
    items = channel.findall("item")
    yield from _distinct((item.findtext("guid") or "" for item in items), "guid")
    for item in items:
        yield from _rss_item(item)


_CHANNEL_NAMES = ("title", "link", "description", "language", "lastBuildDate", "generator", "ttl")


def _rss_item(item: etree._Element) -> Fault:
    known = {"title", "link", "description", "guid", "category", "pubDate", "enclosure", f"{CONTENT}encoded"}
    known |= {f"{ATOM}updated", f"{CB}statistics", *_common_names()}
    yield from _known(item, known)
    yield from _once(item, "title", "link", "description", "guid", "pubDate", "enclosure", f"{CONTENT}encoded")
    yield from _once(item, f"{DC}creator", f"{DC}source", f"{DC}language", f"{ATOM}updated")
    yield from _filled(item, "title", "link", "guid", "category", f"{DC}creator")
    if item.find("title") is None and item.find("description") is None:
        yield "an item with neither title nor description"
    yield from _each(item, "link", _uri)
    yield from _each(item, "pubDate", _rfc822)
    yield from _each(item, f"{ATOM}updated", _rfc3339)
    for encoded in item.findall(f"{CONTENT}encoded"):
        yield from _content(encoded.text or "")
    for guid in item.findall("guid"):
        if guid.get("isPermaLink") != "false":
            yield f"guid {guid.text} counts as a permanent link"
        yield from _tag(guid.text or "")
    for one in item.findall("enclosure"):
        yield from _lacks(one, "url", "type", "length")
        yield from _uri(one.get("url", ""))
        if not _WEB.match(one.get("url", "")):
            yield f"enclosure {one.get('url')} is no web address with a path"
        yield from _mime(one.get("type", ""))
        yield from _number(one, "length", least=0)
    yield from _common(item)


def _atom(document: bytes) -> Fault:
    root = _parsed(document)
    entries = root.findall(f"{ATOM}entry")
    yield from _known(root, {f"{ATOM}{name}" for name in _FEED_NAMES} | {f"{TOMBSTONES}deleted-entry"})
    yield from _language(root.get(XML_LANG, ""))
    yield from _exactly_once(root, "id", "title", "updated")
    yield from _each(root, f"{ATOM}id", _tag)
    yield from _each(root, f"{ATOM}updated", _rfc3339)
    yield from _links(root)
    if sum(link.get("rel") == "self" for link in root.findall(f"{ATOM}link")) != 1:
        yield "not one link to itself"
    if root.find(f"{ATOM}author") is None:
        yield "a feed without an author, whose entries may have none"
    yield from _people(root)
    yield from _distinct((entry.findtext(f"{ATOM}id") or "" for entry in entries), "id")
    for entry in entries:
        yield from _atom_entry(entry)
    living = {entry.findtext(f"{ATOM}id") for entry in entries}
    for grave in root.findall(f"{TOMBSTONES}deleted-entry"):
        if grave.get("ref") in living:
            yield f"{grave.get('ref')} is there and deleted"
        yield from _tag(grave.get("ref", ""))
        yield from _rfc3339(grave.get("when", ""))


_FEED_NAMES = ("id", "title", "subtitle", "updated", "author", "link", "generator", "entry")
_ENTRY_NAMES = (
    "id",
    "title",
    "updated",
    "published",
    "author",
    "contributor",
    "link",
    "category",
    "summary",
    "content",
)


def _atom_entry(entry: etree._Element) -> Fault:
    yield from _known(entry, {*(f"{ATOM}{name}" for name in _ENTRY_NAMES), *_common_names()})
    yield from _exactly_once(entry, "id", "title", "updated")
    yield from _once(entry, *(f"{ATOM}{name}" for name in ("published", "summary", "content")))
    for content in entry.findall(f"{ATOM}content[@type='html']"):
        yield from _content(content.text or "")
    yield from _filled(entry, f"{ATOM}title", f"{ATOM}summary", f"{ATOM}content")
    yield from _each(entry, f"{ATOM}id", _tag)
    yield from _each(entry, f"{ATOM}updated", _rfc3339)
    yield from _each(entry, f"{ATOM}published", _rfc3339)
    if entry.get(XML_LANG) is not None:
        yield from _language(entry.get(XML_LANG, ""))
    yield from _links(entry)
    if sum(link.get("rel") == "alternate" for link in entry.findall(f"{ATOM}link")) != 1:
        yield "not one alternate link"
    for category in entry.findall(f"{ATOM}category"):
        yield from _lacks(category, "term")
    yield from _people(entry)
    yield from _common(entry)


def _links(parent: etree._Element) -> Fault:
    for link in parent.findall(f"{ATOM}link"):
        yield from _lacks(link, "href", "rel")
        yield from _uri(link.get("href", ""))
        if link.get("rel") not in ("self", "alternate", "related", "enclosure"):
            yield f"a link of the relation {link.get('rel')}"
        if "type" in link.attrib:
            yield from _mime(link.get("type", ""))
        if "title" in link.attrib and not link.get("title", "").strip():
            yield "a link with a blank title"
        yield from _number(link, "length", least=1)


def _people(parent: etree._Element) -> Fault:
    for person in (*parent.findall(f"{ATOM}author"), *parent.findall(f"{ATOM}contributor")):
        if not (person.findtext(f"{ATOM}name") or "").strip():
            yield "a person without a name"
        yield from _each(person, f"{ATOM}uri", _uri)


def _common_names() -> set[str]:
    return {
        *(f"{DC}{name}" for name in ("creator", "contributor", "source", "coverage", "language")),
        f"{MEDIA}content",
    }


def _common(item: etree._Element) -> Fault:
    """Dublin Core and Media RSS."""
    yield from _once(item, f"{DC}source", f"{DC}language")
    yield from _each(item, f"{DC}language", _language)
    for name in ("contributor", "source", "coverage"):
        yield from _filled(item, f"{DC}{name}")
    for media in item.findall(f"{MEDIA}content"):
        yield from _known(media, {f"{MEDIA}description", f"{MEDIA}credit"})
        yield from _once(media, f"{MEDIA}description")
        yield from _filled(media, f"{MEDIA}description", f"{MEDIA}credit")
        yield from _lacks(media, "url", "medium")
        yield from (f"media:content has {name}" for name in media.attrib if name not in _MEDIA_ATTRIBUTES)
        yield from _uri(media.get("url", ""))
        if media.get("medium") not in ("image", "audio", "video", "document", "executable"):
            yield f"a medium of the kind {media.get('medium')}"
        if "type" in media.attrib:
            yield from _mime(media.get("type", ""))
        for name in ("width", "height", "fileSize", "duration"):
            yield from _number(media, name, least=1)


def _json(document: bytes) -> Fault:
    feed = json.loads(document)
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield "no version"
    yield from _strings(feed, "title", "home_page_url", "feed_url", "description", "language")
    for name in ("home_page_url", "feed_url"):
        yield from _uri(feed[name])
    yield from _distinct((item["id"] for item in feed["items"]), "id")
    for one in feed.get("_publisher", {}).get("deleted", []):
        if one["id"] in {item["id"] for item in feed["items"]}:
            yield f"{one['id']} is there and deleted"
    for item in feed["items"]:
        yield from _json_item(item)


def _json_item(item: dict[str, Any]) -> Fault:
    yield from _strings(item, "id", "url", "title", "content_html", "content_text", "summary", "image", "language")
    yield from _tag(item["id"])
    for name in ("url", "image"):
        if name in item:
            yield from _uri(item[name])
    for name in ("date_published", "date_modified"):
        if name in item:
            yield from _rfc3339(item[name])
    yield from _content(item.get("content_html", ""))
    if "content_html" not in item and "content_text" not in item:
        yield "an item without content"
    if "language" in item:
        yield from _language(item["language"])
    for author in item.get("authors", []):
        yield from _strings(author, "name")
    for tag in item.get("tags", []):
        if not tag.strip():
            yield "a blank tag"
    for one in item.get("attachments", []):
        yield from _uri(one["url"])
        yield from _mime(one["mime_type"])
        for name in ("size_in_bytes", "duration_in_seconds"):
            if name in one and not (isinstance(one[name], int | float) and one[name] >= 0):
                yield f"{name} is {one[name]!r}"


def _content(html: str) -> Fault:
    """What validators warn of in the text of an item: what readers drop, and what leads nowhere from a reader."""
    for one in html5lib.parseFragment(html, namespaceHTMLElements=False).iter():
        if one.tag in ("script", "iframe", "object", "embed", "style", "meta", "base", "form"):
            yield f"<{one.tag}> in the text"
        for name, value in one.attrib.items():
            if str(name).startswith("on") or name == "style":
                yield f"{name} in the text"
            if name in ("href", "src", "cite") and not value.startswith(("https://", "http://", "mailto:", "tel:")):
                yield f"{value!r} in the text is relative"


def _parsed(document: bytes) -> etree._Element:
    return etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))


def _known(parent: etree._Element, names: set[str]) -> Fault:
    yield from (f"<{child.tag!s}> in <{parent.tag!s}>" for child in parent if child.tag not in names)


def _once(parent: etree._Element, *names: str) -> Fault:
    yield from (f"more than one <{name}>" for name in names if len(parent.findall(name)) > 1)


def _exactly_once(parent: etree._Element, *names: str) -> Fault:
    yield from (f"not one <{name}>" for name in names if len(parent.findall(f"{ATOM}{name}")) != 1)


def _filled(parent: etree._Element, *names: str) -> Fault:
    yield from (f"<{name}> is blank" for name in names for one in parent.findall(name) if not (one.text or "").strip())


def _each(parent: etree._Element, name: str, rule: Callable[[str], Fault]) -> Fault:
    for one in parent.findall(name):
        yield from rule(one.text or "")


def _lacks(element: etree._Element, *names: str) -> Fault:
    yield from (f"<{element.tag!s}> lacks {name}" for name in names if not element.get(name))


def _distinct(values: Iterable[str], what: str) -> Fault:
    yield from (f"{what} {value} twice" for value, count in Counter(values).items() if count > 1)


def _strings(holder: dict[str, Any], *names: str) -> Fault:
    for name in names:
        if name in holder and not (isinstance(holder[name], str) and holder[name].strip()):
            yield f"{name} is {holder[name]!r}"


def _uri(text: str) -> Fault:
    if not _URI.fullmatch(text):
        yield f"{text!r} is no URI"


def _tag(text: str) -> Fault:
    if not _TAG.fullmatch(text):
        yield f"{text!r} is no tag URI"


def _mime(text: str) -> Fault:
    if not _MIME.fullmatch(text):
        yield f"{text!r} is no media type"


def _language(text: str) -> Fault:
    primary = re.match(r"([A-Za-z]{2,3})(-[A-Za-z0-9]{1,8})*\Z", text)
    if primary is None or primary[1].lower() not in _LANGUAGES:
        yield f"{text!r} is no language"


def _rfc822(text: str) -> Fault:
    if not _RFC822.fullmatch(text) or parsedate_to_datetime(text).strftime("%a") != text[:3]:
        yield f"{text!r} is no date of RFC 822"


def _rfc3339(text: str) -> Fault:
    if not _RFC3339.fullmatch(text) or datetime.fromisoformat(text).tzinfo is None:
        yield f"{text!r} is no date of RFC 3339"


def _number(element: etree._Element, name: str, *, least: int) -> Fault:
    text = element.get(name)
    if text is not None and not (text.isdecimal() and text.isascii() and int(text) >= least):
        yield f"{name} is {text!r}"
