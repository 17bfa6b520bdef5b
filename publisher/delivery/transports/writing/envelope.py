"""The envelope of Standard Webhooks, with what places the event in the log, and its bound of 20 KB.

A body that is too large is cut in this order: the article's ``body``, to 2 KB at least; then whatever else is longest,
each to the same size: texts are shortened, lists lose their last entries, and an address is left out, since half of one
leads elsewhere. ``data.truncated`` then names the fields, and where the whole is.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import orjson

from publisher.clock import rfc3339
from publisher.content import cut
from publisher.delivery.transports.base import Content, Ping, SingleEvent
from publisher.delivery.transports.writing.fitting import fitted
from publisher.delivery.transports.writing.links import api_url, page_url
from publisher.delivery.transports.writing.words import words

LIMIT = 20_000
"""Bytes of a body: Standard Webhooks asks for less than 20 KB."""

LEAST_BODY = 2_000
"""Bytes that an article's body keeps while anything else can be cut."""

TEST_TYPE = "webhook.test"

_NAMES = ("id", "symbol", "source", "webhook", "erased")
"""What says which item it is; the first of these that there is."""


def envelope(content: Content) -> dict[str, Any]:
    """What is told, as JSON-ready values, in fewer than LIMIT bytes."""
    frame = _ping(content) if isinstance(content, Ping) else _event(content)
    return {**frame, "data": data_within(content, LIMIT - json_size({**frame, "data": {}}))}


def type_of(content: Content) -> str:
    """The type that is told."""
    return TEST_TYPE if isinstance(content, Ping) else content.type.value


def data_within(content: Content, room: int) -> Mapping[str, Any]:
    """``data`` as it was asked for, in fewer than ``room`` bytes of JSON more than ``{}`` takes."""
    data = {"webhook": content.webhook} if isinstance(content, Ping) else content.data
    if content.asked.content == "thin":
        return _thin(content, data)
    if json_size(data) - 2 < room:
        return data
    return _cut(content, data, room)


def json_size(value: Any) -> int:
    """Bytes of a value as JSON."""
    return len(orjson.dumps(value))


def subject_of(content: Content) -> str:
    """The item that it is about: its id, symbol or name."""
    data = {"webhook": content.webhook} if isinstance(content, Ping) else content.data
    return next((str(data[name]) for name in _NAMES if data.get(name)), type_of(content))


def _event(told: SingleEvent) -> dict[str, Any]:
    return {
        "type": told.type.value,
        "timestamp": rfc3339(told.timestamp),
        "id": told.id,
        "seq": told.seq,
        "source": told.source,
        "change": told.change.value,
        "changed": told.changed,
    }


def _ping(ping: Ping) -> dict[str, Any]:
    """In the form of a real event; it is in no log, so its ``seq`` is 0."""
    return {
        "type": TEST_TYPE,
        "timestamp": rfc3339(ping.timestamp),
        "id": ping.id,
        "seq": 0,
        "source": "publisher",
        "change": None,
        "changed": (),
    }


def _thin(content: Content, data: Mapping[str, Any]) -> dict[str, Any]:
    name = next((name for name in _NAMES if data.get(name)), None)
    named = {} if name is None else {name: data[name]}
    return {**named, "url": page_url(content), "api_url": api_url(content)}


def _cut(content: Content, data: Mapping[str, Any], room: int) -> dict[str, Any]:
    whole = {"fields": sorted(data), "url": page_url(content), "api_url": api_url(content)}
    room -= _field_size("truncated", whole) + 1
    body = data.get("body")
    sizes = {name: _field_size(name, value) for name, value in data.items() if name != "body"}
    least = min(_field_size("body", body), LEAST_BODY) if "body" in data else 0
    cap = _cap(list(sizes.values()), room - least)
    cut_to = {name: cap - _field_size(name, "") + 2 for name, size in sizes.items() if size > cap}
    shown = {name: _shortened(name, data[name], cut_to[name]) if name in cut_to else data[name] for name in data}
    if isinstance(body, str):
        shown["body"] = None
        left = room - sum(_field_size(name, value) for name, value in shown.items() if name != "body")
        shown["body"] = _body(body, left - _field_size("body", ""), content)
    whole["fields"] = [name for name in data if shown[name] != data[name]]
    return {**shown, "truncated": whole}


def _body(body: str, room: int, content: Content) -> str:
    """The body as far as it has room, and a link to the whole."""
    if _text_size(body) <= room:
        return body
    url, said = escape(page_url(content)), words(content.site.language).read_on
    link = f'<p><a href="{url}" rel="noopener noreferrer">{said}</a></p>'
    left = cut(body, room - _text_size(link), _text_size)
    return left + link if left else ""


def _cap(sizes: list[int], room: int) -> int:
    """The size to which each is cut that is larger, so that all of them have room."""
    for place, size in enumerate(sorted(sizes)):
        share = room // (len(sizes) - place)
        if size > share:
            return share
        room -= size
    return max(sizes, default=0)


def _shortened(name: str, value: Any, room: int) -> Any:
    if isinstance(value, str) and name != "url":
        return fitted(value, room - 2, _text_size)
    if not isinstance(value, list | tuple):
        return None
    kept: list[Any] = []
    room -= 2
    for one in value:
        room -= json_size(one) + 1
        if room < 0:
            break
        kept.append(one)
    return kept


def _field_size(name: str, value: Any) -> int:
    """Bytes of a member of an object, with a comma."""
    return json_size(name) + 1 + json_size(value) + 1


def _text_size(text: str) -> int:
    """Bytes of a text within the quotation marks of JSON."""
    return json_size(text) - 2
