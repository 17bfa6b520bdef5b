"""The kind ``feed``: somebody else's RSS, Atom or JSON Feed, asked for only when it has changed.

Entries are known by their own ids and compared with what is stored, never by a date: a feed may go back and change an
entry, or add an old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from itertools import islice, pairwise
from typing import Any, ClassVar, Literal
from xml.sax import SAXException

import orjson
from pydantic import ValidationError, field_validator

from publisher.configfile import Zone, in_words
from publisher.content import absolute, one_line
from publisher.errors import FetchError, ReadError
from publisher.locale import DateOrder, known_locale, parse_datetime
from publisher.model import Article, Image, identity_id
from publisher.model.base import Frozen
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.sources.base import PAGE_LIMIT, Limit, Response, Source
from publisher.sources.body import escaped, fragment_blocks, plain, sanitised
from publisher.sources.limits import MAX_CATEGORIES, MAX_ELEMENTS, MAX_ENTRIES, MAX_VALUES
from publisher.sources.page import get, header, moved, unreadable, validators, web_address
from publisher.sources.parsed import Parsed
from publisher.sources.urls import canonical


class FeedOptions(Frozen):
    """The keys of an upstream feed. ``limit`` is in bytes.

    ``locale`` is that of its dates where they are not those of the standards; ``timezone`` holds where a date names
    none. ``identity``: what an entry is known by, ``url`` its link, else its id, or ``id`` its id, else its link.
    """

    url: str
    limit: Limit = PAGE_LIMIT
    locale: str = "en"
    timezone: Zone | None = None
    date_order: DateOrder | None = None
    language: str | None = None
    agency: str | None = None
    identity: Literal["url", "id"] = "url"

    _web = field_validator("url")(web_address)

    @field_validator("locale")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            known_locale(value)
        except ReadError as error:
            raise ValueError(str(error)) from error
        return value


class FeedSource(Source):
    """Reads one feed. The bookmark keeps ``etag``, ``last_modified`` and a digest of the document."""

    kind: ClassVar[str] = "feed"
    Options = FeedOptions
    options: FeedOptions

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        """Every entry; nothing where the document is the one read last. An empty feed is none of anybody's errors."""
        response = await get(self, self.options.url, bookmark, self.options.limit)
        digest = sha256(response.body).hexdigest()[:32]
        if response.status == 304:
            return Batch(bookmark=bookmark, unchanged=True)
        remembered = {**validators(response), "digest": digest}
        if bookmark.get("digest") == digest:
            return Batch(bookmark=remembered, unchanged=True)
        try:
            found = await self.context.parse(
                "feed",
                response.body,
                url=response.url,
                content_type=header(response, "content-type"),
                options=self.options.model_dump(mode="json"),
            )
        except ReadError as error:
            raise unreadable(error, response.status) from error
        problems = (*moved(response, self.options.url), *found.problems)
        return Batch(tuple(found.articles), (), problems, remembered, shown=True)

    def parse(self, response: Response) -> Parsed:
        """What a feed holds. Raises FetchError for what is none, and what has more entries than a feed may."""
        entries, problems = _json_entries(response) if _is_json(response.body) else _xml_entries(response)
        origin = self.options.url
        articles: dict[str, ObservedArticle] = {}
        for number, entry in enumerate(entries):
            where = str(entry.get("id") or entry.get("url") or f"entry {number + 1}")
            one = self._article(entry, f"{origin} {where}", response.url, problems)
            if one and one.article.id in articles:
                problems.append(Problem(origin, "stands twice in the feed; the first is taken", text=where))
            elif one:
                articles[one.article.id] = one
        return Parsed(list(articles.values()), [], problems)

    def _article(
        self, entry: dict[str, Any], origin: str, base: str, problems: list[Problem]
    ) -> ObservedArticle | None:
        url = absolute(entry.pop("url", None), base)
        guid = str(entry.pop("id", None) or "").strip()
        link = canonical(url) if url else None
        identity = (link or guid) if self.options.identity == "url" else (guid or link)
        if not identity:
            problems.append(Problem(origin, "has neither link nor id to know it by"))
            return None
        fields: dict[str, Any] = {**entry, "id": identity_id(identity), "url": url}
        fields["language"] = self.options.language or entry.get("language") or self.context.language
        fields["agency"] = self.options.agency
        try:
            fields["body"] = self._body(entry, url or base, origin, problems)
        except ReadError as error:
            problems.append(Problem(origin, str(error), field="body"))
            return None
        for name in ("html", "text"):
            fields.pop(name, None)
        for name in ("published", "updated"):
            fields[name] = self._moment(name, entry.get(name), origin, problems)
        if isinstance(fields.get("title"), str):
            fields["title"] = one_line(fields["title"])
        for name in ("title", "body"):
            if not (fields.get(name) or "").strip():
                problems.append(Problem(origin, f"no {name}: the article is refused", field=name))
                return None
        while True:
            try:
                return ObservedArticle(Article.model_validate(fields), identity, origin, key=guid or None)
            except ValidationError as error:
                fault = error.errors()[0]
                name = str(fault["loc"][0])
                problems.append(Problem(origin, in_words(fault), field=name, text=str(fault["input"])))
                if name in ("id", "title", "body") or name not in fields:
                    return None
                del fields[name]

    def _body(self, entry: Mapping[str, Any], base: str, origin: str, problems: list[Problem]) -> str:
        if entry.get("html"):
            found = sanitised(fragment_blocks(str(entry["html"])), base)
            problems += [Problem(origin, note, field="body", severity="warning") for note in found.notes]
            return found.html
        return escaped([part for part in re.split(r"\n\s*\n", str(entry.get("text") or "")) if part.strip()])

    def _moment(self, name: str, text: object, origin: str, problems: list[Problem]) -> Any:
        """A date of RFC 822 or RFC 3339, or in the words of the locale; null, and noted, where it is neither."""
        if not text:
            return None
        zone, assumed = self.options.timezone or self.context.timezone, self.options.timezone is None
        reason = ""
        for locale in dict.fromkeys(("en", self.options.locale)):
            try:
                read = parse_datetime(str(text), locale, zone, order=self.options.date_order, assumed=assumed)
            except ReadError as error:
                reason = str(error)
                continue
            if read.warning:
                problems.append(Problem(origin, read.warning, field=name, text=str(text), severity="warning"))
            return read.value
        problems.append(Problem(origin, reason, field=name, text=str(text)))
        return None


def _is_json(body: bytes) -> bool:
    return body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def _json_entries(response: Response) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The items of a JSON Feed (version 1 or 1.1). Raises FetchError where it is none."""
    try:
        document = orjson.loads(response.body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise FetchError(f"is no JSON Feed: {error}") from error
    items = document.get("items")
    if not str(document.get("version", "")).startswith("https://jsonfeed.org/version/1") or not isinstance(items, list):
        raise FetchError("is JSON, but no JSON Feed: version and items are missing")
    if len(items) > MAX_ENTRIES:
        raise FetchError(f"has {len(items):,} entries, the limit is {MAX_ENTRIES:,}")
    entries, problems = [], []
    for number, item in enumerate(items):
        if isinstance(item, dict):
            entries.append(_json_entry(item, document))
        else:
            problems.append(Problem(response.url, "must be an object", field=f"items[{number}]", text=repr(item)[:200]))
    return entries, problems


def _json_entry(item: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    people = item.get("authors") or ([item["author"]] if isinstance(item.get("author"), dict) else [])
    picture = absolute(item["image"], None) if isinstance(item.get("image"), str) else None
    return {
        "id": item.get("id"),
        "url": item.get("url") if isinstance(item.get("url"), str) else None,
        "title": item.get("title"),
        "summary": item.get("summary"),
        "html": item.get("content_html"),
        "text": item.get("content_text") or item.get("summary"),
        "authors": _names(one.get("name") for one in people if isinstance(one, dict)),
        "topics": _names(item.get("tags") or ()),
        "published": item.get("date_published"),
        "updated": item.get("date_modified"),
        "language": item.get("language") or document.get("language"),
        "images": [Image(url=picture)] if picture else [],
    }


def _xml_entries(response: Response) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The entries of RSS or Atom. Raises FetchError where it is neither, or defines entities."""
    import feedparser

    if b"<!ENTITY" in response.body.replace(b"\0", b""):
        raise FetchError("defines XML entities, which no feed needs: refused")
    if over := _too_much(response.body):
        raise FetchError(over)
    headers = {"content-type": header(response, "content-type"), "content-location": response.url}
    # The body is sanitised as every other is; feedparser's own sanitiser allows more.
    found = feedparser.parse(
        BytesIO(response.body), response_headers={k: v for k, v in headers.items() if v}, sanitize_html=False
    )
    if not found.get("version"):
        raise FetchError("is no RSS, Atom or JSON Feed")
    problems = []
    fault = found.get("bozo_exception") if found.bozo else None
    if isinstance(fault, SAXException):  # the others are about HTTP headers, which say nothing of the document
        message = f"is not well-formed: {fault}; what could be read was taken"
        problems.append(Problem(response.url, message[:300], severity="warning"))
    return [_xml_entry(entry, found.feed) for entry in found.entries], problems


_ENTRY = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s>/]", re.IGNORECASE)
_CATEGORY = re.compile(rb"<(?:[\w.-]+:)?(?:category|subject|keywords|tag)[\s>/]", re.IGNORECASE)


def _too_much(body: bytes) -> str | None:
    """What a feed has too much of, in words: its parser compares each category with all before it."""
    if body.count(b"<") > 2 * MAX_ELEMENTS:
        return f"has more than {MAX_ELEMENTS:,} elements"
    entries = [found.start() for found in _ENTRY.finditer(body)]
    if len(entries) > MAX_ENTRIES:
        return f"has {len(entries):,} entries, the limit is {MAX_ENTRIES:,}"
    edges = [0, *entries, len(body)]
    for start, end in pairwise(edges):
        found = sum(1 for _ in _CATEGORY.finditer(body, start, end))
        if found > MAX_CATEGORIES:
            return f"has {found:,} categories in one entry, the limit is {MAX_CATEGORIES:,}"
    return None


def _xml_entry(entry: Any, feed: Any) -> dict[str, Any]:
    def own(name: str) -> Any:
        # feedparser answers for "updated" with "published", and so on; dict does not.
        return dict.get(entry, name)

    contents = [one.get("value") for one in own("content") or () if one.get("value")]
    html = max(contents, key=len, default=None) or own("summary")
    return {
        "id": own("id"),
        "url": own("link"),
        "title": _plain(own("title")),
        "summary": _plain(own("summary")) if contents else None,
        "html": html,
        "authors": _names(one.get("name") for one in own("authors") or ()),
        "topics": _names(one.get("label") or one.get("term") for one in own("tags") or ()),
        "published": own("published"),
        "updated": own("updated"),
        "language": dict.get(feed, "language"),
        "images": list(islice(_pictures(entry), MAX_VALUES)),
    }


def _pictures(entry: Any) -> Iterator[Image]:
    seen = set()
    for one in (*(dict.get(entry, "media_content") or ()), *(dict.get(entry, "enclosures") or ())):
        kind = f"{one.get('medium', '')} {one.get('type', '')}"
        url = absolute(one.get("url") or one.get("href"), None)
        if "image" in kind and url and url not in seen:
            seen.add(url)
            yield Image(url=url)


def _plain(html: str | None) -> str | None:
    """Markup as text on one line."""
    if not html:
        return None
    try:
        return plain(html)
    except ReadError:
        return None


def _names(values: Iterable[Any]) -> list[str]:
    named = dict.fromkeys(value.strip() for value in values if isinstance(value, str) and value.strip())
    return list(islice(named, MAX_VALUES))
