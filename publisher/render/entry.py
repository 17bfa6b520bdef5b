"""An entry: one item as every format shows it, with nothing left to decide but how to write it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from babel import Locale
from babel.core import get_global

from publisher.content import one_line, opening, paragraph, summary_of
from publisher.model import Event
from publisher.model.base import xml_legal
from publisher.model.facets import fold
from publisher.model.languages import canonical_tag
from publisher.model.names import named
from publisher.model.uri import uri
from publisher.render import identity, market
from publisher.render.market import Statistic
from publisher.render.media import Attached, Picture, attached, pictures

UNDETERMINED = "und"
"""The language tag of what is in some language (RFC 5646 section 4.1)."""


@dataclass(frozen=True, slots=True)
class Options:
    """What of a feed shapes its entries. Feeds with equal options share their fragments.

    ``site_url`` has no slash at its end; ``content`` is ``full`` or ``summary``. ``ids`` is how ids begin, by default
    as in a new installation at ``site_url``.
    """

    site_url: str
    language: str
    timezone: str
    content: str = "full"
    ids: str = ""

    def __post_init__(self) -> None:
        if not self.ids:
            object.__setattr__(self, "ids", identity.beginning(self.site_url))


@dataclass(frozen=True, slots=True)
class Entry:
    """``summary`` is plain text, ``content`` HTML (None: not in this feed). ``language`` is None if it is the feed's.
    Every address is a URI.

    ``extra`` is what only the JSON Feed extension object can say.
    """

    id: str
    url: str
    title: str
    updated: datetime
    published: datetime | None
    summary: str | None = None
    content: str | None = None
    authors: tuple[str, ...] = ()
    editor: str | None = None
    agency: str | None = None
    dateline: str | None = None
    language: str | None = None
    categories: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    attachments: tuple[Attached, ...] = ()
    related: tuple[tuple[str, str], ...] = ()
    statistic: Statistic | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def article_entry(
    data: Mapping[str, Any], *, revision: int, first_seen_at: datetime, changed_at: datetime, options: Options
) -> Entry:
    """The entry of an article in its JSON form.

    ``updated`` is the source's own word; where it gives none, when we saw the last edit, and before the first edit
    when it was published. An article that has no URL links to its page here.
    """
    data = _legal(data)
    published = _moment(data.get("published"))
    updated = _moment(data.get("updated")) or (changed_at if revision > 1 else published or first_seen_at)
    body = data.get("body") or ""
    full = options.content == "full"
    related = _related(data)
    shown = pictures(data.get("images") or ())
    return Entry(
        id=identity.article_id(options.ids, data["id"]),
        url=uri(data.get("url") or f"{options.site_url}/articles/{quote(data['id'])}"),
        title=_line(data.get("title")) or data["id"],
        updated=_whole(max(updated, published or updated)),
        published=_whole(published) if published else None,
        summary=(_line(data.get("summary")) or opening(body)) if full else summary_of(data),
        content=body if full and body.strip() else None,
        authors=named(data.get("authors") or ()),
        editor=_line(data.get("editor")),
        agency=_line(data.get("agency")),
        dateline=_line(data.get("dateline")),
        language=_language(data.get("language"), options.language),
        categories=_distinct([data.get("section"), *(data.get("topics") or ())]),
        pictures=shown,
        attachments=attached(data.get("attachments") or ()),
        related=tuple({link["url"]: (link["title"], link["url"]) for link in related if "url" in link}.values()),
        extra=_article_extra(data, shown, related),
    )


def indicator_entry(
    data: Mapping[str, Any],
    *,
    period: str,
    first_seen_at: datetime,
    changed_at: datetime,
    options: Options,
) -> Entry:
    """The entry of an indicator's period: one item, edited as the value moves within the day."""
    data = _legal(data)
    lines = market.lines(data, language=options.language, timezone=options.timezone)
    return Entry(
        id=identity.indicator_id(options.ids, data["symbol"], period),
        url=uri(f"{options.site_url}/#indicator-{identity.symbol_slug(data['symbol'])}"),
        title=market.title(data, language=options.language, timezone=options.timezone),
        updated=_whole(changed_at),
        published=_whole(first_seen_at),
        summary=" · ".join(lines),
        content="".join(map(paragraph, lines)) if options.content == "full" else None,
        categories=(data["symbol"],),
        statistic=market.statistic(data, period),
        extra={**_said(data), "period": period},
    )


def event_entry(event: Event, *, options: Options) -> Entry:
    """The entry of an operations event."""
    data = _legal(event.data)
    lines = [f"{key}: {_listed(value)}" for key, value in data.items() if value is not None]
    moment = _whole(event.timestamp)
    return Entry(
        id=identity.event_id(options.ids, event.id),
        url=uri(f"{options.site_url}/"),
        title=xml_legal(f"{event.type.value}: {event.subject}"),
        updated=moment,
        published=moment,
        summary=" · ".join(lines) or None,
        content=("".join(map(paragraph, lines)) or None) if options.content == "full" else None,
        categories=(event.type.value,),
        extra={"type": event.type.value, "subject": xml_legal(event.subject), "data": data},
    )


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _article_extra(
    data: Mapping[str, Any], shown: tuple[Picture, ...], related: list[dict[str, str]]
) -> dict[str, Any]:
    said = {key: data.get(key) for key in ("editor", "agency", "dateline", "section")}
    return _said({**said, "images": [one.said for one in shown], "related": related})


def _related(data: Mapping[str, Any]) -> list[dict[str, str]]:
    links = data.get("related") or ()
    return [
        {"title": _line(one.get("title")) or one["url"], **({"url": uri(one["url"])} if one.get("url") else {})}
        for one in links
        if _line(one.get("title")) or one.get("url")
    ]


def _line(text: str | None) -> str | None:
    return one_line(text or "") or None


def _language(tag: str | None, feeds: str) -> str | None:
    """The tag where it is another than the feed's; of what is no language, that it is not known which.

    Without that, the entry would be in the feed's language.
    """
    if not tag:
        return None
    valid = canonical_tag(tag)
    if valid is None or valid.partition("-")[0] not in _languages():
        return UNDETERMINED
    return valid if valid != canonical_tag(feeds) else None


@cache
def _languages() -> frozenset[str]:
    """Every code of a language that CLDR knows."""
    return frozenset({*Locale("en").languages, *get_global("likely_subtags")})


def _legal(value: Any) -> Any:
    """The value without characters that no XML can carry, however they came into the database."""
    if isinstance(value, str):
        return xml_legal(value)
    if isinstance(value, Mapping):
        return {key: _legal(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_legal(entry) for entry in value]
    return value


def _moment(text: str | None) -> datetime | None:
    """The time as stored, perhaps by an earlier version; None where it is none that can be written down."""
    try:
        moment = datetime.fromisoformat(text) if text else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _whole(moment: datetime) -> datetime:
    # RSS dates have no fractions; the same moment must read the same in every format.
    return moment.replace(microsecond=0)


def _distinct(names: list[str | None]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        if line := _line(name):
            found.setdefault(fold(line), line)
    return tuple(found.values())


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, [], ())}
