"""How a subscription is told of what it follows, where that is not as for everyone."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, Field

from publisher.model.base import Frozen

KEPT, KEPT_LONG = 4096, 128
SHORT = 1024
"""How many texts of options are kept parsed, those of up to so many characters and those that hold a large template."""

MOST_IN_FLIGHT = 1000
MOST_IN_BATCH = 500
LONGEST_WAIT = 300.0
LONGEST_THROTTLE = 86_400.0
MOST_A_SECOND = 1000.0
TEMPLATE_BYTES = 16 * 1024
MOST_PARAMETERS = 20
LONGEST_PARAMETER = 200


class Batch(Frozen):
    """Events sent together: up to ``max`` of them, once the first has waited for ``wait`` seconds."""

    max: Annotated[int, Field(ge=2, le=MOST_IN_BATCH)] = 100
    wait: Annotated[float, Field(ge=0.1, le=LONGEST_WAIT)] = 1.0


def _of_bounded_size(text: str) -> str:
    size = len(text.encode())
    if size > TEMPLATE_BYTES:
        raise ValueError(f"is {size:,} bytes of JSON; a template has {TEMPLATE_BYTES:,} at most")
    return text


Template = Annotated[str, AfterValidator(_of_bounded_size)]
"""A JSON value as compact text: what it is made into is bounded where that is done."""


def _plain(value: Any) -> str | int | bool:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    if not isinstance(value, str) or len(value) > LONGEST_PARAMETER:
        raise ValueError(f"should be a text of up to {LONGEST_PARAMETER} characters, a whole number, true or false")
    return value


Parameter = Annotated[Any, AfterValidator(_plain)]
"""A text, a whole number, or true or false."""


class Options(Frozen):
    """What a subscription asked for; a field that is not given is as it is for everyone.

    ``ordered``: one event at a time, in the order of the log; one that fails holds the later ones. ``history``: events
    that a later one of the same item has overtaken are sent all the same. ``throttle``: of each indicator one
    ``indicator.updated`` in so many seconds, the last one. ``batch``: several events in one request.
    ``max_in_flight`` bounds its requests under way, and ``rate_limit`` how many are begun a second.

    The rest is how the body is written, as far as its format heeds it (``delivery/transports``): ``content`` is
    ``thin`` for ids and links alone, ``template`` the owner's own body, and ``parameters`` what a format needs besides
    the URL.
    """

    ordered: bool = False
    history: bool = False
    throttle: Annotated[float, Field(ge=1, le=LONGEST_THROTTLE)] | None = None
    batch: Batch | None = None
    max_in_flight: Annotated[int, Field(ge=1, le=MOST_IN_FLIGHT)] | None = None
    rate_limit: Annotated[float, Field(gt=0, le=MOST_A_SECOND)] | None = None
    content: Literal["full", "thin"] = "full"
    template: Template | None = None
    parameters: Annotated[dict[str, Parameter], Field(max_length=MOST_PARAMETERS)] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(written(self))  # its parameters and its template can be hashed as text alone

    @property
    def alone(self) -> bool:
        """Whether it cannot be sent to together with others, by a seat of a parcel: what waits for it is rows."""
        return self.ordered or self.throttle is not None or self.batch is not None

    @property
    def all_of_it(self) -> bool:
        """Whether it is sent what a later event of the same item has overtaken, too."""
        return self.ordered or self.history


DEFAULT = Options()


def written(options: Options) -> str:
    """The options as the JSON text that they are stored as: equal options are equal texts."""
    return orjson.dumps(options.model_dump(mode="json", exclude_defaults=True), option=orjson.OPT_SORT_KEYS).decode()


def read(text: str) -> Options:
    """The inverse of :func:`written`."""
    return _read(text) if len(text) <= SHORT else _read_long(text)


def template_text(value: Any) -> str:
    """A template as the text that options hold. Raises ValueError where it cannot be one."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise ValueError("is nested too deeply, or holds an integer of more than 64 bits") from error


def how_written(text: str) -> bytes:
    """A digest of those of stored options that say how a body is written: where it is equal, the bodies are."""
    return _digest(text) if len(text) <= SHORT else _digest_long(text)


def _digested(text: str) -> bytes:
    chosen = read(text).model_dump(mode="json", include=_HOW_WRITTEN, exclude_defaults=True)
    return hashlib.sha256(orjson.dumps(chosen, option=orjson.OPT_SORT_KEYS)).digest()


def _parsed(text: str) -> Options:
    return Options.model_validate_json(text)


_HOW_WRITTEN = {"content", "template", "parameters"}
_read, _read_long = lru_cache(KEPT)(_parsed), lru_cache(KEPT_LONG)(_parsed)
_digest, _digest_long = lru_cache(KEPT)(_digested), lru_cache(KEPT_LONG)(_digested)

PLAIN = written(DEFAULT)
"""The text of a subscription that asked for nothing."""
