"""What every model shares: frozen, strict about unknown keys, and free of characters that no XML can carry."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationInfo,
)

from publisher.clock import EARLIEST, LATEST, rfc3339
from publisher.model.languages import canonical_tag

# XML 1.0 section 2.2, Char: tab, LF, CR, U+0020–U+D7FF, U+E000–U+FFFD, U+10000–U+10FFFF. One character outside
# it makes a whole document unreadable, so it is taken out on the way in.
_XML_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Letters that are there to be empty: of Hangul, and of Braille.
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")

_OUTSIDE = "is a date outside the years 1900 to 2100"


def xml_legal(text: str) -> str:
    """The text without characters that XML 1.0 forbids."""
    return _XML_ILLEGAL.sub("", text)


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in it: white space, and characters that have no width."""
    return all(one in _FILLERS or unicodedata.category(one)[0] in "ZC" for one in text)


def _clean(value: object) -> object:
    return xml_legal(value) if isinstance(value, str) else value


def _blank_to_none(value: object) -> object:
    if isinstance(value, str):
        text = xml_legal(value).strip()
        return None if is_blank(text) else text
    return value


def _seen(value: str, info: ValidationInfo) -> str:
    if info.context is not STORED and is_blank(value):
        raise ValueError("must not be empty")
    return value


STORED = {"stored": True}
"""The context in which a model is made of what was stored, perhaps by an earlier version, which took any date."""


def _utc(value: datetime, info: ValidationInfo) -> datetime:
    try:
        moment = value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(_OUTSIDE) from error
    if not EARLIEST <= moment <= LATEST and info.context is not STORED:
        raise ValueError(_OUTSIDE)
    return moment


def no_language(value: str) -> str:
    """Why a text is no language tag, in words."""
    return f'"{value[:120]}" is no language tag; write it as "id" or "en-GB"'


def language_tag(value: str | None, info: ValidationInfo) -> str | None:
    """The canonical form of a language tag (RFC 5646 section 4.5).

    Raises ValueError where it is not one; None for one that was stored when any was taken.
    """
    if value is None:
        return None
    tag = canonical_tag(value)
    if tag is None and info.context is not STORED:
        raise ValueError(no_language(value))
    return tag


Text = Annotated[str, BeforeValidator(_clean)]
"""Text that any XML document can carry."""

Name = Annotated[Text, AfterValidator(_seen)]
"""Text in which there is something to see."""

Line = Annotated[str | None, BeforeValidator(_blank_to_none)]
"""Optional text; blank counts as absent."""

Language = Annotated[str | None, BeforeValidator(_blank_to_none), AfterValidator(language_tag)]
"""An optional language tag, in its canonical form: no other text may stand where documents name a language."""

LanguageTag = Annotated[str, AfterValidator(language_tag)]
"""A language tag, in its canonical form."""

Moment = Annotated[AwareDatetime, AfterValidator(_utc), PlainSerializer(rfc3339, return_type=str, when_used="json")]
"""An aware time of the years 1900 to 2100, held in UTC, written as RFC 3339."""


class Frozen(BaseModel):
    """A value: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
