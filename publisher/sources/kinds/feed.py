"""The kind ``feed``: somebody else's RSS, Atom or JSON Feed, requested only when it has changed.

Entries are known by their own ids and compared with what is stored, never by a date: a feed may go back and change an
entry, or add an old one. What a feed says is read in :mod:`publisher.sources.feeds`; here it becomes articles.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import field_validator

from publisher.configfile import Zone
from publisher.errors import ReadError
from publisher.locale import DateOrder, LocaleName
from publisher.model.base import Frozen, Language
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.sources.base import PAGE_LIMIT, Limit, Response, Sample, Source
from publisher.sources.documents.spoken import COMMON, language_of_feed
from publisher.sources.feeds import jsonfeed, xmlfeed
from publisher.sources.feeds.articles import Settings, article_of
from publisher.sources.feeds.entry import Entry
from publisher.sources.feeds.known_by import Mode, known_by
from publisher.sources.fetching.request import get, header, moved, unreadable, validators, web_address
from publisher.sources.parsed import Parsed

_SAMPLES = (
    b'<rss version="2.0"><channel><title>T</title><item><title>t</title><pubDate>Mon, 1 Jan 2024 10:00:00 GMT</pubDate>'
    b"<category>c</category><description>&lt;p&gt;x</description></item></channel></rss>",
    b'<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>i</id><title>t &nbsp; <b>open</entry>',
)


class FeedOptions(Frozen):
    """The keys of an upstream feed. ``limit`` is in bytes.

    ``locale`` is that of its dates where they are not those of the standards; ``timezone`` holds where a date names
    none. ``identity``: what an entry is known by, ``entry`` its id and its link together, ``url`` its link, else its
    id, or ``id`` its id, else its link.
    """

    url: str
    limit: Limit = PAGE_LIMIT
    locale: LocaleName = "en"
    timezone: Zone | None = None
    date_order: DateOrder | None = None
    language: Language = None
    agency: str | None = None
    identity: Mode = "entry"

    _web = field_validator("url")(web_address)


class FeedSource(Source):
    """Reads one feed. The bookmark keeps ``etag``, ``last_modified`` and a digest of the document."""

    kind: ClassVar[str] = "feed"
    Options = FeedOptions
    options: FeedOptions
    samples: ClassVar[tuple[Sample, ...]] = tuple((one, {"url": "https://a.example/"}) for one in _SAMPLES)

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        """Every entry; nothing where the document is the one read last. An empty feed is no error."""
        response = await get(self.context, self.options.url, bookmark, self.options.limit)
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
                spoken={"locale": _spoken(response.body)},
            )
        except ReadError as error:
            raise unreadable(error, response.status) from error
        problems = (*moved(response, self.options.url), *found.problems)
        return Batch(tuple(found.articles), (), problems, remembered, shown=True)

    def parse(self, document: Response) -> Parsed:
        """What a feed holds. Raises FetchError for what is not a feed, and what has more entries than a feed may."""
        entries, problems = self._entries(document)
        settings = self._settings(_spoken(document.body))
        articles: dict[str, ObservedArticle] = {}
        names = known_by(entries, self.options.url, self.options.identity)
        for number, (entry, name) in enumerate(zip(entries, names, strict=True)):
            where = entry.id or entry.link or f"entry {number + 1}"
            if name is None:
                said = "has neither link nor id to know it by"
                problems.append(Problem(f"{self.options.url} {where}", said))
                continue
            one = article_of(entry, name, f"{self.options.url} {where}", settings, problems)
            if one and one.article.id in articles:
                problems.append(Problem(self.options.url, "stands twice in the feed; the first is taken", text=where))
            elif one:
                articles[one.article.id] = one
        return Parsed(list(articles.values()), [], problems)

    def _settings(self, spoken: str) -> Settings:
        options, context = self.options, self.context
        return Settings(
            timezone=options.timezone or context.timezone,
            is_zone_stated=options.timezone is not None,
            # English is what the standards want.
            locales=tuple(dict.fromkeys(("en", options.locale, spoken))),
            date_order=options.date_order,
            language=options.language,
            site_language=context.language,
            agency=options.agency,
        )

    def _entries(self, response: Response) -> tuple[list[Entry], list[Problem]]:
        content_type = header(response, "content-type")
        if jsonfeed.is_json(response.body):
            entries, warnings, problems = jsonfeed.entries(response.body, content_type, response.url)
        else:
            (entries, warnings), problems = xmlfeed.entries(response.body, content_type, response.url), []
        told = [Problem(response.url, warning, severity="warning") for warning in warnings]
        if not self.options.language and any(not entry.language for entry in entries):
            said = f'names none: taken as "{self.context.language}", the site\'s; set language of the source'
            told.append(Problem(response.url, said, field="language", severity="warning"))
        return entries, [*told, *problems]


def _spoken(body: bytes) -> str:
    """The locale of dates that are written in the feed's own language, as far as that is at hand."""
    named = language_of_feed(body) or "en"
    return named if named in COMMON else "en"
