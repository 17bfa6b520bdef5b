"""The filters of templates: a closed list. Each makes a value of a value, in time linear in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from html import escape
from typing import Any, Literal
from urllib.parse import quote

import orjson

from publisher.clock import bounded, rfc3339
from publisher.content import text_of
from publisher.delivery.transports.base import Site
from publisher.delivery.transports.writing.fitting import fitted
from publisher.imports import later
from publisher.locale import format_date

market = later("publisher.render.market")

Argument = str | int | None

FORMS = ("datetime", "date", "iso", "unix")


@dataclass(frozen=True, slots=True)
class Filter:
    """``argument`` is what stands behind the colon: none, or one of a kind that may be left out where it is optional.

    ``choices`` are the texts that it may be, where it may not be any.
    """

    about: str
    make: Callable[[Any, Argument, Site], Any]
    argument: Literal["none", "text", "number", "optional text"] = "none"
    choices: tuple[str, ...] = ()


def as_text(value: Any) -> str:
    """A value within a text: nothing for null, JSON for what is no text."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()


def _default(value: Any, argument: Argument, site: Site) -> Any:
    return argument if value is None or value in ("", [], ()) else value


def _truncate(value: Any, argument: Argument, site: Site) -> str:
    return fitted(as_text(value), int(argument or 0))


def _date(value: Any, argument: Argument, site: Site) -> Any:
    try:
        moment = bounded(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except (ValueError, TypeError):
        return value
    if moment is None:
        return value
    if argument == "unix":
        return int(moment.timestamp())
    if argument == "iso":
        return rfc3339(moment)
    if argument == "date":
        return format_date(moment, market.known(site.language), site.timezone)
    return market.date_and_time(moment, site.language, site.timezone)


def _number(value: Any, argument: Argument, site: Site) -> Any:
    """Only what is a decimal, with its own digits; anything else stays as it is."""
    try:
        number = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    except InvalidOperation:
        return value
    if number is None or not number.is_finite() or abs(number.adjusted()) > 100:
        return value
    return market.number(number, site.language)


def _join(value: Any, argument: Argument, site: Site) -> str:
    return str(argument).join(map(as_text, value)) if isinstance(value, list | tuple) else as_text(value)


def _first(value: Any, argument: Argument, site: Site) -> Any:
    if isinstance(value, list | tuple):
        return value[0] if value else None
    return value


FILTERS = {
    "default": Filter('the argument where the value is null, `""` or an empty list', _default, "text"),
    "truncate": Filter("so many characters at most, cut behind a word and marked with `…`", _truncate, "number"),
    "upper": Filter("in capitals", lambda value, _argument, _site: as_text(value).upper()),
    "lower": Filter("in small letters", lambda value, _argument, _site: as_text(value).lower()),
    "date": Filter(
        'a time in the site\'s language and zone; as `"date"` its day, as `"iso"` RFC 3339, as `"unix"` seconds',
        _date,
        "optional text",
        FORMS,
    ),
    "number": Filter("a number as the site's language writes it, with its own digits", _number),
    "strip_html": Filter("the text of HTML, on one line", lambda value, _argument, _site: text_of(as_text(value))),
    "html": Filter("the text as HTML: `&lt;` for `<`", lambda value, _argument, _site: escape(as_text(value))),
    "url": Filter("percent-encoded, for a part of a URL", lambda value, _argument, _site: quote(as_text(value), "")),
    "json": Filter("the value as JSON text", lambda value, _argument, _site: orjson.dumps(value).decode()),
    "join": Filter("a list as one text, with the argument between", _join, "text"),
    "first": Filter("the first entry of a list", _first),
    "length": Filter(
        "how many characters or entries",
        lambda value, _argument, _site: len(value) if isinstance(value, str | list | tuple | dict) else 0,
    ),
}
"""Every filter, by name."""
