"""An entry: one item as every format shows it, with nothing left to decide but how to write it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from publisher.content import opening
from publisher.model import Event
from publisher.model.base import xml_legal
from publisher.model.facets import fold
from publisher.model.languages import canonical_tag
from publisher.render import identity, market
from publisher.render.market import Statistic
from publisher.render.summary import summary_of
from publisher.render.words import paragraphs


@dataclass(frozen=True, slots=True)
class Options:
    """What of a feed shapes its entries. Feeds with equal options share their fragments.

    ``site_url`` has no slash at its end; ``content`` is ``full`` or ``summary``.
    """

    site_url: str
    language: str
    timezone: str
    content: str = "full"


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that has an address."""

    url: str
    caption: str | None = None
    credit: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """``summary`` is plain text, ``content`` HTML (null: not in this feed). ``language`` is null if it is the feed's.

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
    url = data.get("url") or f"{options.site_url}/articles/{quote(data['id'])}"
    published = _moment(data.get("published"))
    updated = _moment(data.get("updated")) or (changed_at if revision > 1 else published or first_seen_at)
    language = canonical_tag(data.get("language") or "")
    full = options.content == "full"
    summary = (data.get("summary") or opening(data["body"])) if full else summary_of(data)
    return Entry(
        id=identity.article_id(options.site_url, data["id"]),
        url=url,
        title=data["title"].strip() or data["id"],
        updated=_whole(max(updated, published or updated)),
        published=_whole(published) if published else None,
        summary=summary,
        content=data["body"] if full else None,
        authors=tuple(data.get("authors") or ()),
        editor=data.get("editor"),
        agency=data.get("agency"),
        dateline=data.get("dateline"),
        language=language if language != canonical_tag(options.language) else None,
        categories=_distinct([data.get("section"), *(data.get("topics") or ())]),
        pictures=tuple(
            Picture(image["url"], image.get("caption"), image.get("credit"))
            for image in data.get("images") or ()
            if image.get("url")
        ),
        related=tuple(
            {
                link["url"]: (link["title"], link["url"]) for link in data.get("related") or () if link.get("url")
            }.values()
        ),
        extra=_article_extra(data),
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
        id=identity.indicator_id(options.site_url, data["symbol"], period),
        url=f"{options.site_url}/#indicator-{identity.symbol_slug(data['symbol'])}",
        title=market.title(data, language=options.language, timezone=options.timezone),
        updated=_whole(changed_at),
        published=_whole(first_seen_at),
        summary=" · ".join(lines),
        content=paragraphs(lines) if options.content == "full" else None,
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
        id=identity.event_id(options.site_url, event.id),
        url=f"{options.site_url}/",
        title=xml_legal(f"{event.type.value}: {event.subject}"),
        updated=moment,
        published=moment,
        summary=" · ".join(lines) or None,
        content=(paragraphs(lines) or None) if options.content == "full" else None,
        categories=(event.type.value,),
        extra={"type": event.type.value, "subject": xml_legal(event.subject), "data": data},
    )


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _article_extra(data: Mapping[str, Any]) -> dict[str, Any]:
    said = {key: data.get(key) for key in ("editor", "agency", "dateline", "section", "related")}
    shown = [_said(image) for image in data.get("images") or () if image.get("url")]
    return _said({**said, "images": shown, "related": [_said(link) for link in data.get("related") or ()]})


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
    return datetime.fromisoformat(text) if text else None


def _whole(moment: datetime) -> datetime:
    # RSS dates have no fractions; the same moment must read the same in every format.
    return moment.replace(microsecond=0)


def _distinct(names: list[str | None]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        if name and name.strip():
            found.setdefault(fold(name), name)
    return tuple(found.values())


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, [], ())}
