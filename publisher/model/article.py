"""An article: one piece of writing, normalised."""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from publisher.model.base import STORED, Frozen, Language, Line, Moment, Text, is_blank
from publisher.model.names import named
from publisher.model.uri import uri

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,199}$"


# RFC 6838, section 4.2.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


def _web_url(value: str | None, info: ValidationInfo) -> str | None:
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\\]", parts.netloc):
        raise ValueError(f"{value!r} is no absolute http or https URL")
    if _port(parts) == 0 and info.context is not STORED:
        raise ValueError(f"{value!r} has a port outside 1 to 65535")
    if parts.username is not None or parts.password is not None:
        # Feeds show it to everyone, and the message may be logged: it does not repeat what it refuses.
        raise ValueError(f"the address at {parts.hostname} must not carry a user name or password")
    return uri(value)


def _port(parts: SplitResult) -> int | None:
    """The port of an address, None where it names none; 0 is none that can be called, like those above 65535."""
    try:
        return parts.port
    except ValueError:
        return 0


def _there(value: str | None) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _number(value: object) -> object:
    # To Python true is 1; a picture of one pixel would be published.
    if isinstance(value, bool):
        raise ValueError("must be a number, and is true or false")
    return value


def _media_type(value: object) -> object:
    # RFC 9110, section 8.3.1. A page that gets one wrong still shows the picture.
    if not isinstance(value, str):
        return value
    named = value.partition(";")[0].strip().lower()
    return named if _MEDIA_TYPE.fullmatch(named) else None


WebUrl = Annotated[Line, AfterValidator(_web_url)]
"""An absolute address of the web, as a URI (RFC 3986): what stands in documents and headers is ASCII."""


MediaType = Annotated[str | None, BeforeValidator(_media_type)]
"""A media type without its parameters, in lower case; None where it is not one."""

Names = Annotated[tuple[Text, ...], AfterValidator(named)]
"""Names of people or topics, each once."""

Size = Annotated[int, Field(ge=1, le=100_000), BeforeValidator(_number)]


class Image(Frozen):
    """An illustration. ``url`` is None where the source gives only its caption and credit.

    ``type`` is its media type, ``width`` and ``height`` are in pixels; None where the source does not say.
    """

    url: WebUrl = None
    caption: Line = None
    credit: Line = None
    type: MediaType = None
    width: Size | None = None
    height: Size | None = None


class Attachment(Frozen):
    """A recording or another file that belongs to an article.

    ``length`` is in bytes and ``duration`` in seconds; None where the source does not say.
    """

    url: Annotated[Line, AfterValidator(_web_url), AfterValidator(_there)]
    type: MediaType = None
    length: Annotated[int, Field(ge=0, lt=2**53), BeforeValidator(_number)] | None = None
    duration: Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False), BeforeValidator(_number)] | None = None


class Related(Frozen):
    """A headline that the article points to; ``url`` is None where the source gives none."""

    title: Text
    url: WebUrl = None


class Article(Frozen):
    """An article as the API and webhooks carry it.

    ``body`` is sanitised HTML. ``published`` is None where the source does not say. ``updated`` is the source's own
    word, None where it does not say.
    """

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    url: WebUrl = None
    title: Text
    summary: Line = None
    body: Text
    authors: Names = ()
    editor: Line = None
    agency: Line = None
    dateline: Line = None
    section: Line = None
    topics: Names = ()
    language: Language = None
    published: Moment | None = None
    updated: Moment | None = None
    images: tuple[Image, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    related: tuple[Related, ...] = ()

    @field_validator("title", "body")
    @classmethod
    def _not_blank(cls, value: str, info: ValidationInfo) -> str:
        if info.context is not STORED and is_blank(value):
            raise ValueError("must not be empty")
        return value.strip()


LISTS = tuple(name for name, declared in Article.model_fields.items() if declared.default == ())
"""The fields that hold several values."""


def article_json(article: Article) -> dict[str, Any]:
    """The article as JSON-ready values, in the documented key order."""
    return article.model_dump(mode="json")


def identity_id(identity: str) -> str:
    """A stable public id for an item known by URL or path: ``a`` and 26 base32 digits of its SHA-256 (128 bits)."""
    digest = hashlib.sha256(identity.encode()).digest()[:16]
    return "a" + b32encode(digest).decode().rstrip("=").lower()
