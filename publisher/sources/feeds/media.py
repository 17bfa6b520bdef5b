"""Pictures and recordings of an entry: Media RSS, enclosures, iTunes, thumbnails and ``image`` elements."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import ValidationError

from publisher.content import absolute, one_line
from publisher.model import Attachment, Image
from publisher.sources.feeds.elements import attribute, base_of, children, text_in, unescaped
from publisher.sources.feeds.entry import Entry
from publisher.sources.feeds.texts import plain_text
from publisher.sources.forms.credits import credited

if TYPE_CHECKING:
    from lxml import etree

MAX_MEDIA = 100
"""Pictures, or recordings, of one entry; how many more there are is told."""

LOOKED_AT = 500
"""Elements of one kind in an entry; there are never so many."""

_PICTURE_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg|bmp|tiff?|heic)$", re.IGNORECASE)
_NO_PICTURE = re.compile(
    r"(?:^|\.)gravatar\.com/avatar|^avatars\d*\.|/avatars?/|feedburner\.com/~|feedsportal\.com/|/(?:pixel|spacer|blank|1x1|transparent)\.gif"
    r"|doubleclick\.net/|pixel\.wp\.com/|stats\.wordpress\.com/|/wp-includes/images/(?:smilies|media)/|/emoji/",
    re.IGNORECASE,
)
"""Portraits of writers, counters and signs: what stands where pictures stand, and is not part of the story."""

_SIZING = re.compile(
    r"w|h|width|height|q|quality|s|fit|auto|dpr|format|fm|crop|resize|size|usm|sig|signature|hash|v|strip|",
    re.IGNORECASE,
)
"""Parameters that make another rendition of the same picture."""

_PLAYERS = frozenset(("application/x-shockwave-flash", "text/html", "application/xhtml+xml"))
"""Pages and dead players, which no reader can play."""

_CREDITED = ("photographer", "author", "artist", "illustrator", "producer", "owner", "copyright holder", "publisher")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):([0-5]?\d)(?:[.,](\d{1,3}))?", re.ASCII)
_SECONDS = re.compile(r"\d{1,7}(?:[.,]\d{1,3})?", re.ASCII)
_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}", re.ASCII)
"""What may be 3,723 seconds as well as three and a part."""
_LONGEST = 48 * 3600
"""Seconds beyond which a recording more likely was measured in something smaller."""
_PERIOD = re.compile(r"PT(?=\d)(?:(\d{1,3})H)?(?:(\d{1,5})M)?(?:(\d{1,7})(?:\.\d{1,6})?S)?", re.ASCII | re.IGNORECASE)
_DOT, _ICON, _SMALL = 3, 48, 160
"""Pixels of a side: what counts visits, a thumbnail that is a portrait or a sign, and one that is small beside a
picture in the text."""


@dataclass(frozen=True)
class Medium:
    """A file that belongs to an entry, as one element or object tells of it. Sizes and lengths are as written."""

    url: str
    type: str | None = None
    medium: str | None = None
    width: str | None = None
    height: str | None = None
    length: str | None = None
    duration: str | None = None
    bitrate: str | None = None
    caption: str | None = None
    credit: str | None = None
    is_default: bool = False

    @cached_property
    def is_picture(self) -> bool:
        """Whether it is said to be a picture, or, where nothing is said, has a picture's file name."""
        said = (self.medium or (self.type or "").partition("/")[0]).lower()
        if said in ("image", "audio", "video"):
            return said == "image"
        if _PICTURE_FILE.search(urlsplit(self.url).path):
            return True
        return bool(not said and (self.width or self.height) and not (self.duration or self.bitrate))

    @property
    def rank(self) -> tuple[float, ...]:
        """The sort key by which the best of several renditions is found."""
        area = (_number(self.width) or 0) * (_number(self.height) or 1)
        if self.is_picture:
            return area, _number(self.length) or 0
        return float(self.is_default), area, _number(self.bitrate) or 0, _number(self.length) or 0


def media(element: etree._Element, url: str, entry: Entry) -> None:
    """Fill in the pictures and attachments of an entry of RSS or Atom."""
    whole = [*_contents(element, url, entry), *_enclosures(element, url, entry)]
    pictures = [one for one in whole if one.is_picture]
    pictures += _named_pictures(element, url, entry)
    thumbnails = list(_thumbnails(element, url, entry))
    if not any(_is_shown(one) for one in pictures) and thumbnails:
        best = max(thumbnails, key=lambda one: one.rank)
        if not _is_within(best, _ICON):
            pictures.append(_with_words(best, element))
        entry.has_small_picture = _is_within(best, _SMALL)
    credited = [_of_entry(one, element, alone=len(pictures) == 1) for one in pictures]
    fill(entry, credited, [one for one in whole if not one.is_picture], _duration(element))
    named = next(
        filter(None, (_credit(one) for one in (element, *_some(element, "media:group", "media:content")))), None
    )
    if named and not entry.images:
        entry.note("images", "credits a picture that is not there; left out", named)


def fill(entry: Entry, pictures: Iterable[Medium], files: Iterable[Medium], duration: str | None = None) -> None:
    """Put these files into an entry, each once. ``duration`` is that of its only recording, where it says none."""
    shown = _renditions(_once(one for one in pictures if _is_shown(one)))
    kept = _once(files)
    recordings = [one for one in kept if (one.medium or one.type or "").lower().startswith(("audio", "video"))]
    if duration and len(recordings or kept) == 1:
        alone = (recordings or kept)[0]
        kept = [replace(one, duration=one.duration or duration) if one is alone else one for one in kept]
    for name, found in (("images", shown), ("attachments", kept)):
        if len(found) > MAX_MEDIA:
            entry.note(name, f"{len(found):,} of them; the first {MAX_MEDIA:,} are taken")
    entry.images = [image for one in shown[:MAX_MEDIA] if (image := _image(one, entry))]
    entry.attachments = [file for one in kept[:MAX_MEDIA] if (file := _attachment(one, entry))]


def seconds(text: str) -> float | None:
    """How long a recording is: ``H:MM:SS``, ``MM:SS``, seconds, or as ISO 8601 has it; None where it is none of these.

    A minute has sixty seconds; ``75:30`` are minutes beyond the hour, but ``1:75:30`` is no time.
    """
    text = text.strip()
    if found := _CLOCK.fullmatch(text):
        hours, minutes, rest = int(found[1] or 0), int(found[2]), float(f"{found[3]}.{found[4] or 0}")
        return None if found[1] and minutes > 59 else hours * 3600 + minutes * 60 + rest
    if _SECONDS.fullmatch(text) and not _THOUSANDS.fullmatch(text):
        return float(text.replace(",", "."))
    if found := _PERIOD.fullmatch(text):
        return int(found[1] or 0) * 3600 + int(found[2] or 0) * 60 + float(found[3] or 0)
    return None


def says_picture(element: etree._Element) -> bool:
    """Whether a ``media:content`` is a picture."""
    url, type_, medium = (attribute(element, key) for key in ("url", "type", "medium"))
    return Medium(url or "", type=type_, medium=medium).is_picture


# --- elements


def _some(element: etree._Element, *wanted: str) -> Iterator[etree._Element]:
    return islice(children(element, *wanted), LOOKED_AT)


def _contents(element: etree._Element, url: str, entry: Entry) -> Iterator[Medium]:
    """Media RSS: each ``media:content``, and of each ``media:group`` the best picture and the best of the rest."""
    for group in _some(element, "media:group"):
        found = [one for each in _some(group, "media:content") if (one := _content(each, url, entry, group))]
        for part in ([one for one in found if one.is_picture], [one for one in found if not one.is_picture]):
            if part:
                yield max(part, key=lambda one: one.rank)
    for each in _some(element, "media:content"):
        if one := _content(each, url, entry, None):
            yield one


def _content(element: etree._Element, url: str, entry: Entry, group: etree._Element | None) -> Medium | None:
    found = _medium(element, "url", url, entry, length="filesize")
    if found is None or ((found.type or "").lower() in _PLAYERS and found.medium != "image"):
        return None
    found = _with_words(replace(found, is_default=attribute(element, "isDefault") == "true"), element)
    return found if group is None else _with_words(found, group)


def _enclosures(element: etree._Element, url: str, entry: Entry) -> Iterator[Medium]:
    for one in _some(element, "enclosure"):
        if found := _medium(one, "url", url, entry):
            yield found
    for one in _some(element, "atom:link"):
        if (attribute(one, "rel") or "").lower() == "enclosure" and (found := _medium(one, "href", url, entry)):
            yield found


def _named_pictures(element: etree._Element, url: str, entry: Entry) -> Iterator[Medium]:
    for one in _some(element, "image", "itunes:image", "googleplay:image"):
        given = attribute(one, "href") or attribute(one, "url") or attribute(one, "resource")
        within = next(children(one, "url", "link"), None)
        text = given or (text_in(within) if within is not None else text_in(one))
        if address := _address(text, one, url, entry, "images"):
            yield Medium(address, medium="image")


def _thumbnails(element: etree._Element, url: str, entry: Entry) -> Iterator[Medium]:
    around = [element, *_some(element, "media:group", "media:content")]
    around += [one for group in _some(element, "media:group") for one in _some(group, "media:content")]
    for place in around:
        for one in _some(place, "media:thumbnail", "thumbnail"):
            text = attribute(one, "url") or attribute(one, "href") or text_in(one)
            if address := _address(text, one, url, entry, "images"):
                width, height = attribute(one, "width"), attribute(one, "height")
                credit = None if place is element else _credit(place)
                yield Medium(address, medium="image", width=width, height=height, credit=credit)


def _medium(element: etree._Element, name: str, url: str, entry: Entry, *, length: str = "length") -> Medium | None:
    address = _address(attribute(element, name) or text_in(element), element, url, entry, "attachments")
    if address is None:
        return None
    return Medium(
        address,
        type=attribute(element, "type"),
        medium=attribute(element, "medium"),
        width=attribute(element, "width"),
        height=attribute(element, "height"),
        length=attribute(element, length),
        duration=attribute(element, "duration"),
        bitrate=attribute(element, "bitrate"),
    )


def _address(text: str | None, element: etree._Element, url: str, entry: Entry, name: str) -> str | None:
    address = absolute(unescaped(text or ""), base_of(element, entry.base or url))
    if text and address is None and not text.startswith("data:"):
        entry.note(name, "has no address that can be kept; left out", text)
    return address


def _with_words(medium: Medium, element: etree._Element) -> Medium:
    """The medium with its description, else its title, and its credit, as the element gives them."""
    caption = medium.caption or next(filter(None, map(_words, children(element, "media:description"))), None)
    caption = caption or next(filter(None, map(_words, children(element, "media:title"))), None)
    return replace(medium, caption=caption, credit=medium.credit or _credit(element))


def _of_entry(medium: Medium, element: etree._Element, *, alone: bool) -> Medium:
    """The medium with what the entry says of all its media; a description only where there is one medium."""
    groups = list(children(element, "media:group"))
    credit = medium.credit or next(filter(None, map(_credit, (element, *groups))), None)
    if alone and medium.caption is None:
        caption = next(filter(None, map(_words, children(element, "media:description"))), None)
        return replace(medium, caption=caption, credit=credit)
    return replace(medium, credit=credit)


def _words(element: etree._Element) -> str | None:
    return plain_text(text_in(element)) or None


def _credit(element: etree._Element) -> str | None:
    """The makers: those with the first role of a maker, else those without a role, else the owner."""
    by_role: dict[str, list[str]] = {}
    for one in children(element, "media:credit"):
        if name := one_line(text_in(one)):
            by_role.setdefault((attribute(one, "role") or "").lower(), []).append(name)
    order = ("photographer", "", *_CREDITED[1:], *by_role)
    return next((", ".join(dict.fromkeys(by_role[role])) for role in order if role in by_role), None)


def _duration(element: etree._Element) -> str | None:
    return next((text for one in children(element, "itunes:duration") if (text := text_in(one))), None)


# --- values


def _is_shown(medium: Medium) -> bool:
    return not _is_within(medium, _DOT) and not is_no_picture(medium.url)


def _is_within(medium: Medium, pixels: int) -> bool:
    """Whether a side is known that is no longer than this."""
    sides = (_number(medium.width), _number(medium.height))
    return any(side is not None and 0 <= side <= pixels for side in sides)


def is_no_picture(url: str) -> bool:
    """Whether an address is that of a counter, a sign or a writer's portrait."""
    parts = urlsplit(url)
    return _NO_PICTURE.search(f"{parts.hostname or ''}{parts.path}") is not None


def _once(found: Iterable[Medium]) -> list[Medium]:
    """Each address once; what a second mention says and the first does not is added."""
    kept: dict[str, Medium] = {}
    for one in found:
        before = kept.get(one.url)
        kept[one.url] = one if before is None else _joined(before, one)
    return list(kept.values())


def _renditions(found: Iterable[Medium]) -> list[Medium]:
    """The largest of pictures whose addresses differ in size alone, at the place of the first."""
    kept: dict[str, Medium] = {}
    for one in found:
        parts = urlsplit(one.url)
        named = [part for part in parts.query.split("&") if not _SIZING.fullmatch(part.partition("=")[0])]
        place = f"{parts.hostname}{parts.path}?{'&'.join(named)}"
        before = kept.get(place)
        best, other = (one, before) if before is None or one.rank > before.rank else (before, one)
        kept[place] = (
            best
            if other is None
            else replace(best, caption=best.caption or other.caption, credit=best.credit or other.credit)
        )
    return list(kept.values())


def _joined(first: Medium, other: Medium) -> Medium:
    names = ("type", "medium", "width", "height", "length", "duration", "caption", "credit")
    return replace(first, **{name: getattr(first, name) or getattr(other, name) for name in names})


def _number(text: str | None) -> float | None:
    try:
        value = float((text or "").strip().removesuffix("px"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _side(text: str | None, name: str, entry: Entry) -> int | None:
    value = _number(text)
    if value is not None and 1 <= value <= 100_000:
        return int(value)
    if text and value != 0:
        entry.note("images", f"has a {name} that is no number of pixels; left out", text)
    return None


def _image(one: Medium, entry: Entry) -> Image | None:
    said = credited(one.caption if one.caption and one.caption != entry.title else "")
    stated = credited(one.credit or "")
    if said.doubt:
        entry.note("images", said.doubt, one.caption)
    try:
        return Image(
            url=one.url,
            caption=said.caption,
            credit=(stated.credit if stated.caption is None else one.credit) or said.credit,
            type=one.type if (one.type or "").lower().startswith("image/") else None,
            width=_side(one.width, "width", entry),
            height=_side(one.height, "height", entry),
        )
    except ValidationError:
        entry.note("images", "has no address that can be kept; left out", one.url)
        return None


def _attachment(one: Medium, entry: Entry) -> Attachment | None:
    length, duration = _length(one, entry), _lasting(one, entry)
    try:
        return Attachment(url=one.url, type=one.type, length=length, duration=duration)
    except ValidationError:
        entry.note("attachments", "has no address that can be kept; left out", one.url)
        return None


def _length(one: Medium, entry: Entry) -> int | None:
    text = (one.length or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text) or None
    if text:
        entry.note("attachments", "has a length that is no number of bytes; left out", text)
    return None


def _lasting(one: Medium, entry: Entry) -> float | None:
    if not one.duration:
        return None
    value = seconds(one.duration)
    if value is None:
        entry.note("attachments", "has a duration that cannot be read; left out", one.duration)
    elif value > _LONGEST:
        entry.note("attachments", f"lasts {value / 3600:,.0f} hours; is that in seconds?", one.duration)
    return value or None
