"""The JSON-LD of a page: its scripts as JSON, read leniently where they are almost that."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from itertools import islice
from typing import Any

import orjson
from selectolax.lexbor import LexborHTMLParser

MAX_NODES = 5000
"""Objects of a page's JSON-LD that are looked at."""

_OPENERS = ("<!--", "//<![CDATA[", "/*<![CDATA[*/", "<![CDATA[")
_CLOSERS = ("-->", "//]]>", "/*]]>*/", "]]>", ";", "//")


def documents(tree: LexborHTMLParser) -> tuple[list[Any], list[str]]:
    """What the scripts hold, in their order, and why some of them could not be read."""
    found: list[Any] = []
    faults: list[str] = []
    for script in tree.css("script[type]"):
        kind = (script.attributes.get("type") or "").partition(";")[0].strip().lower()
        text = (script.text(deep=True) or "").strip() if kind == "application/ld+json" else ""
        if text:
            try:
                found.append(loaded(text))
            except ValueError as error:
                faults.append(f"is no JSON: {error}")
    return found, faults


def loaded(text: str) -> Any:
    """A document as a browser's tools would forgive it: in a comment, with line breaks in its strings, with a comma
    too many, or with its quotes encoded. Raises ValueError.
    """
    text = _unwrapped(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        first = error
    for lenient in (text, unescape(text) if "&quot;" in text else None):
        if lenient is not None:
            try:
                return _all_of(_without_loose_commas(lenient))
            except (ValueError, RecursionError):
                continue
    raise first


def _unwrapped(text: str) -> str:
    """Without what scripts once stood in, and without a byte order mark."""
    text = text.strip("\ufeff \t\r\n")
    trimmed = True
    while trimmed:
        trimmed = False
        for opener in _OPENERS:
            if text.startswith(opener):
                text, trimmed = text[len(opener) :].lstrip(), True
        for closer in _CLOSERS:
            if text.endswith(closer):
                text, trimmed = text[: -len(closer)].rstrip(), True
    return text


def _all_of(text: str) -> Any:
    """The document, or those that stand behind each other in one script, as a list. Raises ValueError."""
    decoder, at, found = json.JSONDecoder(strict=False), 0, []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        while at < len(text) and (text[at].isspace() or text[at] in ",;"):
            at += 1
    return found[0] if len(found) == 1 else found


def _without_loose_commas(text: str) -> str:
    """Without commas before a closing bracket, outside strings."""
    kept: list[str] = []
    quoted = escaped = False
    comma = -1
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character in "]}":
            if comma >= 0:
                kept[comma] = ""
            comma = -1
        elif character == ",":
            comma = len(kept)
        elif not character.isspace():
            quoted, comma = character == '"', -1
        kept.append(character)
    return "".join(kept)


def nodes(documents: Iterable[Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every object, those further out first, each with the key that it stands under ("" at the top).

    What stands in a list counts as standing where the list does; so does what a ``@graph`` holds.
    """
    waiting: deque[tuple[Any, str]] = deque((one, "") for one in documents)
    seen = 0
    while waiting and seen < MAX_NODES:
        one, key = waiting.popleft()
        seen += 1
        if isinstance(one, dict):
            yield one, key
            for name, value in islice(one.items(), MAX_NODES):
                if isinstance(value, dict | list):
                    waiting.append((value, key if name in ("@graph", "mainEntity", "mainEntityOfPage") else name))
        elif isinstance(one, list):
            waiting += [(value, key) for value in one[:MAX_NODES]]
