"""What people are told of an event: a headline, what there is to say besides, a link and a picture. Plain text.

Whoever writes it for a receiver escapes it, and knows what that has room for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from publisher.content import one_line, opening
from publisher.delivery.transports.base import Content, Ping, SingleEvent
from publisher.delivery.transports.writing.envelope import subject_of
from publisher.delivery.transports.writing.links import LONGEST_URL, page_url
from publisher.delivery.transports.writing.words import Words, words
from publisher.imports import later
from publisher.model import Change, EventType
from publisher.model.uri import uri

market = later("publisher.render.market")

# What turns the direction of the rest of a line (Unicode UAX 9, explicit formatting characters): it could make a
# headline run over what stands behind it.
_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


class Mood(Enum):
    """What a message is, at a glance: colours and signs go by it."""

    NEWS = "news"
    UP = "up"
    DOWN = "down"
    FLAT = "flat"
    GONE = "gone"
    WARNING = "warning"
    GOOD = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """``label`` stands before the title and says what became of it; None for what is new.

    ``lines`` are one fact each; ``link`` is None where there is nothing to look at any more. ``image`` is an address
    of the web, ``alt`` what it shows. ``footer`` is the site.
    """

    mood: Mood
    title: str
    label: str | None = None
    text: str | None = None
    lines: tuple[str, ...] = ()
    link: str | None = None
    image: str | None = None
    alt: str = ""
    footer: str
    open: str

    @property
    def headline(self) -> str:
        """``Withdrawn: Coffee is dearer``."""
        return f"{self.label}: {self.title}" if self.label else self.title

    @property
    def rest(self) -> str:
        """What there is to say besides the headline, a paragraph or a fact a line."""
        return "\n".join((*((self.text,) if self.text else ()), *self.lines))


_OPERATIONS = {
    EventType.SOURCE_FAILING: ("source_failing", Mood.WARNING),
    EventType.SOURCE_RECOVERED: ("source_recovered", Mood.GOOD),
    EventType.WEBHOOK_DISABLED: ("webhook_disabled", Mood.WARNING),
    EventType.WEBHOOK_ACCESS: ("webhook_access", Mood.WARNING),
    EventType.WEBHOOK_FAILING: ("webhook_failing", Mood.WARNING),
}
_INDICATORS = {
    EventType.INDICATOR_CORRECTED: "corrected",
    EventType.INDICATOR_HELD: "held",
    EventType.INDICATOR_ALERT: "alert",
    EventType.INDICATOR_CLOSED: "closed",
}


def message(content: Content, language: str, *, images: bool) -> Message:
    """The message, in the words of a language; without ``images`` it has no picture."""
    say = words(language)
    common: dict[str, Any] = {"footer": _tidy(content.site.title), "open": say.open}
    if isinstance(content, Ping):
        told = say.test_text.replace("{site}", common["footer"])
        return Message(mood=Mood.GOOD, label=say.test, title=told, link=f"{content.site.url}/", **common)
    if content.type.items == "operations":
        return _operations(content, say, common)
    if content.type.items == "indicators":
        return _indicator(content, say, language, common)
    return _article(content, say, common, images=images)


def _article(told: SingleEvent, say: Words, common: dict[str, Any], *, images: bool) -> Message:
    data = told.data
    title = _tidy(data.get("title") or "") or f"{say.article} {subject_of(told)}"
    if told.type is EventType.ARTICLE_WITHDRAWN or told.change is Change.LEFT:
        return Message(mood=Mood.GONE, label=say.withdrawn, title=title, **common)
    label = say.updated if told.type is EventType.ARTICLE_UPDATED else None
    text = _tidy(data.get("summary") or opening(data.get("body") or "") or "") or None
    image, alt = _picture(data) if images else (None, "")
    link = page_url(told)
    return Message(
        mood=Mood.NEWS, label=label, title=title, text=text, link=link, image=image, alt=alt or title, **common
    )


def _indicator(told: SingleEvent, say: Words, language: str, common: dict[str, Any]) -> Message:
    data, label = told.data, _INDICATORS.get(told.type)
    there = all(data.get(name) for name in ("symbol", "name", "value", "observed_at"))
    where = {"language": language, "timezone": told.site.timezone}
    title = _tidy(market.title(data, **where)) if there else _tidy(f"{subject_of(told)} {data.get('value') or ''}")
    gone = told.change is Change.LEFT
    return Message(
        mood=Mood.GONE if gone else _direction(data),
        label=say.withdrawn if gone else getattr(say, label) if label else None,
        title=title,
        text=say.held_text if told.type is EventType.INDICATOR_HELD else None,
        lines=tuple(map(_tidy, market.lines(data, **where))) if there and not gone else (),
        link=None if gone else page_url(told),
        **common,
    )


def _direction(data: Mapping[str, Any]) -> Mood:
    """Which way it went, by the sign of its change."""
    moved = next((data[name] for name in ("change", "percent") if data.get(name) is not None), None)
    if moved is None or not moved.strip("+-0.,"):
        return Mood.FLAT
    return Mood.DOWN if moved.startswith("-") else Mood.UP


def _operations(told: SingleEvent, say: Words, common: dict[str, Any]) -> Message:
    label, mood = _OPERATIONS.get(told.type, (None, Mood.WARNING))
    data = told.data
    named = " · ".join(_tidy(str(data[name])) for name in ("source", "id", "host") if data.get(name))
    said = data.get("error") or data.get("reason")
    return Message(
        mood=mood,
        label=getattr(say, label) if label else told.type.value,
        title=named or subject_of(told),
        text=_tidy(str(said)) if said else None,
        link=f"{told.site.url}/",
        **common,
    )


def _picture(data: Mapping[str, Any]) -> tuple[str | None, str]:
    """The first picture that has an address, and what it shows."""
    for one in data.get("images") or ():
        url = uri(one.get("url") or "")
        if len(url) <= LONGEST_URL and urlsplit(url).scheme in ("http", "https"):
            return url, _tidy(one.get("caption") or "")
    return None, ""


def _tidy(text: str) -> str:
    return one_line(text.translate(_TURNING))
