"""Pictures, recordings and other files that belong to an entry, and which of them is its enclosure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from publisher.content import one_line
from publisher.model.uri import uri

# Of this project alone, since ``mimetypes`` knows other endings on every machine (IANA media types).
_TYPES = {
    "image/jpeg": "jpg jpeg jpe jfif",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/svg+xml": "svg",
    "image/bmp": "bmp",
    "image/tiff": "tif tiff",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a m4b",
    "audio/aac": "aac",
    "audio/ogg": "oga ogg opus",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "video/mp4": "mp4 m4v",
    "video/webm": "webm",
    "video/ogg": "ogv",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
    "application/epub+zip": "epub",
    "application/zip": "zip",
}
_BY_ENDING = {ending: type for type, endings in _TYPES.items() for ending in endings.split()}
_MEANT = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
}

SOME_PICTURE = "image/*"
"""The type of a picture of which no more is known, where a format demands one: RSS does of enclosures."""

SOME_FILE = "application/octet-stream"
"""The type of a file of which nothing is known (RFC 9110 section 8.3)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that has an address; ``type`` is its media type, the size is in pixels, each None if not known."""

    url: str
    caption: str | None = None
    credit: str | None = None
    type: str | None = None
    width: int | None = None
    height: int | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What is known of it, for JSON."""
        known = {"url": self.url, "caption": self.caption, "credit": self.credit, "type": self.type}
        said = {**known, "width": self.width, "height": self.height}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Attached:
    """A recording or another file. ``length`` is in bytes, ``duration`` in seconds; None if not known, as ``type``."""

    url: str
    type: str | None = None
    length: int | None = None
    duration: float | None = None

    @property
    def medium(self) -> str:
        """What it is to Media RSS 1.5.1: ``audio``, ``video``, ``image``, or ``document`` for all else."""
        kind = (self.type or "").partition("/")[0]
        return kind if kind in ("audio", "video", "image") else "document"

    @property
    def plays(self) -> bool:
        """Whether it is a recording."""
        return self.medium in ("audio", "video")


def pictures(images: Iterable[Mapping[str, Any]]) -> tuple[Picture, ...]:
    """The images of an article in its JSON form that have an address, each once with all that is said of it."""
    found: dict[str, Picture] = {}
    for image in images:
        if image.get("url"):
            address = _address(image["url"])
            said = _said_type(image)
            picture = Picture(
                address,
                caption=one_line(image.get("caption") or "") or None,
                credit=one_line(image.get("credit") or "") or None,
                # A page may call its picture anything; what is no image is no word on one.
                type=said if said and said.startswith("image/") else _by_ending(address, "image"),
                width=image.get("width"),
                height=image.get("height"),
            )
            first = found.get(address, picture)
            # Of two sizes of one picture neither is taken for the other's half.
            sized = first if first.width or first.height else picture
            found[address] = Picture(
                address,
                caption=first.caption or picture.caption,
                credit=first.credit or picture.credit,
                type=first.type or picture.type,
                width=sized.width,
                height=sized.height,
            )
    return tuple(found.values())


def attached(attachments: Iterable[Mapping[str, Any]]) -> tuple[Attached, ...]:
    """The attachments of an article in its JSON form, each once, recordings first: some readers show only the first.

    A length of 0 is one that is not known (RSS 2.0 demands one of every enclosure).
    """
    found: dict[str, Attached] = {}
    for one in attachments:
        address = _address(one["url"])
        said = _said_type(one)
        known = said if said and said != SOME_FILE else _by_ending(address) or said
        found.setdefault(address, Attached(address, known, one.get("length") or None, one.get("duration")))
    return tuple(sorted(found.values(), key=lambda one: not one.plays))


def enclosure(pictures: Sequence[Picture], files: Sequence[Attached]) -> Attached | None:
    """What a reader that shows one file of an entry should show: a recording, else the lead picture, else a file.

    RSS allows one enclosure (validators warn of more, and readers take the first); its type must be said.
    """
    if pictures and not (files and files[0].plays):
        return Attached(pictures[0].url, pictures[0].type or SOME_PICTURE)
    return files[0] if files else None


def _address(url: str) -> str:
    # Validators want a path in an enclosure; an empty one is "/" (RFC 3986 section 6.2.3).
    address = uri(url)
    parts = urlsplit(address)
    return address if parts.path else urlunsplit(parts._replace(path="/"))


def _said_type(said: Mapping[str, Any]) -> str | None:
    named: str | None = said.get("type")
    return _MEANT.get(named, named) if named else None


def _by_ending(address: str, kind: str = "") -> str | None:
    ending = PurePosixPath(unquote(urlsplit(address).path)).suffix.removeprefix(".").lower()
    found = _BY_ENDING.get(ending)
    return found if found and found.startswith(kind) else None
