"""Entries of feeds as articles: the text cleaned, the dates read, and whatever had to be made up told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from pydantic import ValidationError

from publisher.content import one_line, shortened, text_of
from publisher.errors import ReadError
from publisher.locale import DateOrder, ReadDate, parse_datetime
from publisher.model import Image, identity_id
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.documents import dom
from publisher.sources.feeds import media
from publisher.sources.feeds.elements import joined
from publisher.sources.feeds.entry import Content, Entry
from publisher.sources.feeds.known_by import KnownBy
from publisher.sources.forms.tidying import tidied
from publisher.sources.html.body import escaped, fragment_blocks, sanitised
from publisher.sources.reading.draft import valid_article

TITLE = 80
"""Characters of a title that is made of a text's first words."""

_READ_FOR_TITLE = 4_096
_SAME_MOMENT = timedelta(minutes=1)
_SAME_DAY = timedelta(days=1, hours=14)
"""By how much a time can be off a date without a time, in whatever zone that date holds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says of a feed. ``is_zone_stated``: the time zone is this source's own."""

    timezone: str
    is_zone_stated: bool
    locales: tuple[str, ...]
    date_order: DateOrder | None
    language: str | None
    site_language: str
    agency: str | None


@dataclass(slots=True)
class _Making:
    """One article being made of an entry."""

    entry: Entry
    origin: str
    settings: Settings
    problems: list[Problem]
    origins: dict[str, str]
    wordless: str = ""
    """What the entry shows beside its text: HTML of pictures alone."""

    def warn(self, name: str, message: str, text: str | None = None) -> None:
        self.problems.append(Problem(self.origin, message, field=name, text=text, severity="warning"))

    def error(self, name: str | None, message: str, text: str | None = None) -> None:
        self.problems.append(Problem(self.origin, message, field=name, text=text))


def article_of(
    entry: Entry, name: KnownBy, origin: str, settings: Settings, problems: list[Problem]
) -> ObservedArticle | None:
    """The article of an entry; None, with a problem noted, where it has none."""
    making = _Making(entry, origin, settings, problems, dict(entry.origins))
    if entry.cut:
        making.error(None, "the feed ends within it; it is left out until it comes whole")
        return None
    problems += [
        Problem(origin, one.message, field=one.field, text=one.text, severity="warning") for one in entry.notes
    ]
    if entry.is_home and not name.key and not name.keys:
        making.warn(
            "id", "has none, and its link is the site's own: the next entry there is taken for the same article"
        )
    given = _fields(making, name)
    if given is None:
        return None
    fields, doubts = tidied(given)
    for one in doubts:
        making.warn(str(one.at[0]), one.message, one.text)
    article = valid_article(fields, making.error)
    if article is None:
        return None
    origins = {at: making.origins.get(at, "feed") for at, value in fields.items() if value and at != "id"}
    return ObservedArticle(
        article, name.identity, origin, key=name.key, origins=origins, keys=name.keys, addresses=name.addresses
    )


def _fields(making: _Making, name: KnownBy) -> dict[str, Any] | None:
    entry = making.entry
    try:
        body = _body(making)
    except ReadError as error:
        making.error("body", str(error))
        return None
    if not body and not entry.title:
        making.error(None, "has neither a title nor a text: the article is refused")
        return None
    title = entry.title or _title(making, body or "")
    language, agency = _language(making), making.settings.agency or entry.agency
    if making.settings.agency:
        making.origins["agency"] = "profile"
    published, updated = _times(making)
    return {
        "id": identity_id(name.identity),
        "url": entry.link,
        "title": title,
        "summary": entry.summary if body and entry.summary != text_of(body) else None,
        "body": body or _made_up(making),
        "authors": entry.authors,
        "editor": entry.editor,
        "agency": agency,
        "section": entry.section,
        "topics": entry.topics,
        "language": language,
        "published": published,
        "updated": updated,
        "images": _pictures(making, body),
        "attachments": entry.attachments,
    }


def _times(making: _Making) -> tuple[datetime | None, datetime | None]:
    """When it was published and updated, as far as it says."""
    published, updated = _moment(making, "published"), _moment(making, "updated")
    if published is None and not any(
        one.field == "published" and one.origin == making.origin for one in making.problems
    ):
        said = "says when it was updated, but not when it was published" if updated else "has no date"
        making.warn("published", f"{said}: it is ordered by when it was first seen")
    return published.value if published else None, updated.value if updated else None


def _body(making: _Making) -> str:
    """The first text that has words, else the first with a picture; empty where there is neither."""
    shown = ""
    for content in making.entry.contents:
        html, has_words, notes = _cleaned(content, making.entry)
        if has_words or (html and not shown):
            shown, kept = html, notes
        if has_words:
            break
        making.wordless = making.wordless or html
    if shown:
        for note in kept:
            making.warn("body", note)
    return shown


def _cleaned(content: Content, entry: Entry) -> tuple[str, bool, tuple[str, ...]]:
    """HTML that can be shown, whether there are words in it, and what was left out. Raises ReadError."""
    if not content.html:
        found = escaped([part for part in content.value.replace("\r\n", "\n").split("\n\n") if part.strip()])
        return found, bool(found), ()
    base = joined(entry.base or "", content.base) if content.base else entry.link or entry.base
    blocks = fragment_blocks(content.value)
    cleaned = sanitised(blocks, base)
    return cleaned.html, any(block.text for block in blocks), tuple(cleaned.notes)


def _made_up(making: _Making) -> str:
    """A text for an entry without one: its title, as a link to the page."""
    making.origins["body"] = "guessed"
    making.warn("body", "has no text: its title is taken for it")
    title, link = escape(making.entry.title or "", quote=False), making.entry.link
    return f'<p><a href="{escape(link)}" rel="noopener noreferrer">{title}</a></p>' if link else f"<p>{title}</p>"


def _title(making: _Making, body: str) -> str:
    """A title for an entry without one: the first words of its text."""
    making.origins["title"] = "guessed"
    making.warn("title", "has no title: the first words of its text are taken")
    words = shortened(text_of(body[:_READ_FOR_TITLE]), TITLE)
    return words or one_line(making.entry.link or making.entry.id or "")


def _language(making: _Making) -> str | None:
    settings, entry = making.settings, making.entry
    if settings.language:
        making.origins["language"] = "profile"
        return settings.language
    if not entry.language:
        making.origins["language"] = "guessed"
    return entry.language or settings.site_language


def _pictures(making: _Making, body: str) -> list[Image]:
    """The pictures that the entry names, else the first in its text; a small one only where there is no other."""
    given = making.entry.images
    if given and not making.entry.has_small_picture:
        return given
    return _seen_in(making, body) or _seen_in(making, making.wordless) or given


def _seen_in(making: _Making, body: str) -> list[Image]:
    """The first picture of the text, for an entry that names none."""
    if "<img" not in body:
        return []
    for node in dom.parse(body).css("img[src]")[:20]:
        given = {name: node.attributes.get(name) or "" for name in ("src", "alt", "width", "height")}
        url = given["src"]
        if media.is_no_picture(url) or any(
            side.isdigit() and int(side) <= 32 for side in (given["width"], given["height"])
        ):
            continue
        sides = {
            name: int(given[name])
            for name in ("width", "height")
            if given[name].isascii() and given[name].isdigit() and len(given[name]) <= 5
        }
        making.origins["images"] = "guessed"
        try:
            return [Image(url=url, **sides)]
        except ValidationError:
            continue
    return []


def _moment(making: _Making, name: str) -> ReadDate | None:
    """The best date of an entry: the first with a zone, else the first with a time, else the first.

    A problem is noted for each that cannot be read, and where two differ.
    """
    texts = making.entry.published if name == "published" else making.entry.updated
    found: list[tuple[str, ReadDate]] = []
    failed: list[tuple[str, str]] = []
    for text in dict.fromkeys(texts):
        try:
            found.append((text, _read(making, text)))
        except ReadError as error:
            failed.append((text, str(error)))
    for text, reason in failed:
        making.warn(name, f"{reason}; another date is taken", text) if found else making.error(name, reason, text)
    if not found:
        return None
    text, best = max(found, key=lambda one: (one[1].zoned, one[1].exact))
    if best.warning:
        making.warn(name, best.warning, text)
    for other_text, other in found:
        if abs(other.value - best.value) > (_SAME_MOMENT if other.exact else _SAME_DAY):
            making.warn(name, f"differs from {other_text!r}, which it gives too", text)
    return best


def _read(making: _Making, text: str) -> ReadDate:
    """A date of RFC 822 or RFC 3339, or in the words of a locale. Raises ReadError of the last that was tried."""
    settings = making.settings
    reason = ReadError(text)
    for locale in settings.locales:
        try:
            return parse_datetime(
                text, locale, settings.timezone, order=settings.date_order, assumed=not settings.is_zone_stated
            )
        except ReadError as error:
            reason = error
    raise reason
