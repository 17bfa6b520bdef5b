"""The items of a JSON Feed (versions 1 and 1.1; https://jsonfeed.org/version/1.1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from publisher.content import absolute
from publisher.errors import FetchError
from publisher.jsonbytes import CUT, halves, load
from publisher.model.base import xml_legal
from publisher.model.observed import Problem
from publisher.sources.documents.limits import MAX_ENTRIES
from publisher.sources.feeds import media, people, texts
from publisher.sources.feeds.document import decoded_feed
from publisher.sources.feeds.entry import Content, Entry, lines
from publisher.sources.urls import with_scheme

_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def is_json(body: bytes) -> bool:
    """Whether a document can be a JSON Feed: it begins as an object of JSON does."""
    return body[:4096].replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def entries(body: bytes, content_type: str | None, url: str) -> tuple[list[Entry], list[str], list[Problem]]:
    """The items, warnings about the whole, and what is no item. Raises FetchError where it is no JSON Feed."""
    document, warnings = _loaded(body, content_type)
    items = document.get("items")
    if not str(document.get("version", "")).startswith("https://jsonfeed.org/version/1") or not isinstance(items, list):
        raise FetchError("is JSON, but no JSON Feed: version and items are missing")
    if len(items) > MAX_ENTRIES:
        raise FetchError(f"has {len(items):,} entries, the limit is {MAX_ENTRIES:,}")
    found, problems = [], []
    for number, item in enumerate(items):
        if isinstance(item, dict):
            found.append(_Item(item, document, url).entry())
        else:
            problems.append(Problem(url, "must be an object", field=f"items[{number}]", text=repr(item)[:200]))
    return found, warnings, problems


def _loaded(body: bytes, content_type: str | None) -> tuple[dict[str, Any], list[str]]:
    """A JSON document; one that strict JSON refuses for a character or a number of one item is read all the same."""
    warnings: list[str] = []
    try:
        document = load(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        decoded = decoded_feed(body, content_type)
        warnings += [decoded.warning] if decoded.warning else []
        try:
            document = json.loads(decoded.text.lstrip("\ufeff"), strict=False)
        except (ValueError, RecursionError):
            raise FetchError(f"is no JSON Feed: {error}") from error
    if not isinstance(document, dict):
        raise FetchError("is JSON, but no JSON Feed: version and items are missing")
    return document, warnings


class _Item:
    """One item: each value is looked at by itself, so that one of the wrong kind costs no more than itself."""

    def __init__(self, item: Mapping[str, Any], document: Mapping[str, Any], url: str) -> None:
        self._item = item
        self._document = document
        self._entry = Entry(base=absolute(_string(document.get("home_page_url")), url) or url)

    def entry(self) -> Entry:
        entry = self._entry
        for at in halves(self._item):
            name = {"content_html": "body", "content_text": "body", "date_published": "published"}.get(str(at[0]))
            entry.note(name or str(at[0]), f"{CUT}; that is left out")
        self._identify()
        heading = self._text("title", numbers=True)
        entry.title = texts.title(Content(heading, html=False, stated=True) if heading else None, entry)
        self._write()
        site = _string(self._document.get("title"))
        people.take(self._authors(self._item), entry, site)
        if not (entry.authors or entry.editor):
            people.inherit(self._authors(self._document), entry, site)
        entry.topics = lines(self._list("tags", "topics"), entry, "topics")
        entry.language = self._text("language") or _string(self._document.get("language"))
        entry.published = list(filter(None, (self._text("date_published", "published"),)))
        entry.updated = list(filter(None, (self._text("date_modified", "updated"),)))
        media.fill(entry, self._pictures(), self._files())
        return entry

    def _identify(self) -> None:
        # Version 1: an id that is a number is to be read as text.
        self._entry.id = self._text("id", numbers=True, told=False)
        written = self._text("url")
        meant = with_scheme(written or "", self._entry.base)
        self._entry.link = absolute(meant, self._entry.base)
        if meant != (written or ""):
            self._entry.note("url", "has no scheme; that of the feed is taken", written)
        if written and self._entry.link is None:
            self._entry.note("url", "is no address that can be kept; left out", written)
        home = absolute(_string(self._document.get("home_page_url")), None)
        self._entry.is_home = home is not None and home.rstrip("/") == (self._entry.link or "").rstrip("/")

    def _write(self) -> None:
        html, text = self._text("content_html", "body"), self._text("content_text", "body")
        summary = self._text("summary")
        contents = [Content(html, html=True)] if html else []
        contents += [Content(text, html=False)] if text else []
        self._entry.contents = contents + ([Content(summary, html=False)] if summary else [])
        if summary and contents:
            self._entry.summary = texts.summary([Content(summary, html=texts.is_markup(summary))])

    def _authors(self, holder: Mapping[str, Any]) -> list[str]:
        given = holder.get("authors")
        if given is not None and not isinstance(given, list) and holder is self._item:
            self._entry.note("authors", "must be a list; it is taken for one person", repr(given)[:200])
        several = given if isinstance(given, list) else [given]
        names = [self._name(one) for one in (several if given else [holder.get("author")])]
        return [found for name in names if name and (found := people.name_in(name, self._entry))]

    def _name(self, person: object) -> str | None:
        name = person.get("name") if isinstance(person, dict) else person
        if name is not None and not isinstance(name, str):
            self._wrong("authors", name)
        return name if isinstance(name, str) else None

    def _pictures(self) -> Iterator[media.Medium]:
        for name in ("image", "banner_image"):
            value = self._text(name, "images")
            address = absolute(value, self._entry.base)
            if address:
                yield media.Medium(address, medium="image")
            elif value:
                self._entry.note("images", "has no address that can be kept; left out", value)
        yield from (one for one in self._attached() if one.is_picture)

    def _files(self) -> Iterator[media.Medium]:
        yield from (one for one in self._attached(told=True) if not one.is_picture)

    def _attached(self, *, told: bool = False) -> Iterator[media.Medium]:
        given = self._item.get("attachments")
        if given is not None and not isinstance(given, list) and told:
            self._wrong("attachments", given)
        for one in given if isinstance(given, list) else ():
            values = one if isinstance(one, dict) else {}
            address = absolute(_string(values.get("url")), self._entry.base)
            if address is None:
                if told:
                    self._entry.note("attachments", "has no address that can be kept; left out", repr(one)[:200])
                continue
            length, duration = values.get("size_in_bytes"), values.get("duration_in_seconds")
            yield media.Medium(
                address, type=_string(values.get("mime_type")), length=_number(length), duration=_number(duration)
            )

    def _list(self, key: str, name: str) -> list[str]:
        value = self._item.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(name, value)
            return []
        for one in value:
            if not isinstance(one, str):
                self._wrong(name, one)
        return [one for one in value if isinstance(one, str)]

    def _text(self, key: str, name: str | None = None, *, numbers: bool = False, told: bool = True) -> str | None:
        """A text; None for another type, except a number, which is read as its digits with a note."""
        value = self._item.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            if xml_legal(value) != value:
                self._entry.note(name or key, "has characters that no document can carry; they are left out")
            return xml_legal(value).strip() or None
        if numbers and isinstance(value, int | float) and not isinstance(value, bool):
            if told:
                self._entry.note(name or key, "must be text, but is a number; its digits are taken", str(value))
            return str(value)
        self._wrong(name or key, value)
        return None

    def _wrong(self, name: str, value: object) -> None:
        kind = _KINDS.get(type(value), type(value).__name__)
        self._entry.note(name, f"is {kind}, not what a JSON Feed has there; left out", repr(value)[:200])


def _string(value: object) -> str | None:
    return xml_legal(value).strip() or None if isinstance(value, str) else None


def _number(value: object) -> str | None:
    """A number as text, since some feeds write numbers as text."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))[:50]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:50]
    return _string(value) or (None if value is None else repr(value)[:50])
