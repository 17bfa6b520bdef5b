"""JSON Feed 1.1, with a ``_publisher`` object for what it has no key for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from publisher.jsonbytes import compact
from publisher.render.entry import Entry
from publisher.render.format import GENERATOR, Format, Head, zulu
from publisher.render.media import SOME_FILE, Attached

VERSION = "https://jsonfeed.org/version/1.1"


class JsonFeed(Format):
    """JSON Feed 1.1."""

    name = "json"
    label = "JSON Feed 1.1"
    short = "JSON"
    content_type = "application/feed+json; charset=utf-8"
    media_types = ("application/feed+json",)
    place = 30
    for_programs = True

    def fragment(self, entry: Entry) -> bytes:
        """One item. An item must have content: where a feed gives only summaries, the summary is its text."""
        content = {"content_html": entry.content} if entry.content else {"content_text": entry.summary or entry.title}
        item: dict[str, Any] = {
            "id": entry.id,
            "url": entry.url,
            "title": entry.title,
            **content,
            "summary": entry.summary,
            "image": entry.pictures[0].url if entry.pictures else None,
            "date_published": zulu(entry.published) if entry.published else None,
            "date_modified": zulu(entry.updated),
            "authors": [{"name": name} for name in entry.authors],
            "attachments": [_attachment(one) for one in entry.attachments],
            "tags": entry.categories,
            "language": entry.language,
            "_publisher": entry.extra,
        }
        return compact({key: value for key, value in item.items() if value})

    def document(self, head: Head, fragments: Iterable[bytes]) -> bytes:
        """The feed object. ``_publisher`` says what left the feed, which the format itself cannot."""
        deleted = [{"id": id, "when": zulu(at)} for id, at in head.deleted]
        feed: dict[str, Any] = {
            "version": VERSION,
            "title": head.title,
            "home_page_url": head.home_url,
            "feed_url": head.url,
            "description": head.description,
            "language": head.language,
            "authors": [{"name": head.site_title, "url": head.site_url}],
            "_publisher": {
                "generator": GENERATOR,
                "updated": zulu(head.updated),
                **({"deleted": deleted} if deleted else {}),
            },
        }
        opening = orjson.dumps({key: value for key, value in feed.items() if value})[:-1]
        parts = [opening, b',"items":[']
        for number, fragment in enumerate(fragments):
            parts += (b",\n", fragment) if number else (fragment,)
        return b"".join((*parts, b"]}\n"))


def _attachment(one: Attached) -> dict[str, Any]:
    said = {"url": one.url, "mime_type": one.type or SOME_FILE, "size_in_bytes": one.length}
    return {key: value for key, value in {**said, "duration_in_seconds": one.duration}.items() if value is not None}
