"""JSON bytes: those that are kept, and those that others wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

HALF = "\ufffe\uffff"
"""What stands for half a character in a document that was read: two noncharacters, which no text has side by side."""

# A pair of surrogates, or whatever else is none alone; so read that the second of two backslashes begins no escape.
_SOUND = rb"[^\\]++|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?!u[dD][89a-fA-F][0-9a-fA-F]{2})."
_TO_A_HALF = re.compile(rb"((?:%b)*+)\\u[dD][89a-fA-F][0-9a-fA-F]{2}" % _SOUND, re.DOTALL)
# What UTF-8 never holds (RFC 3629 section 3): surrogates, as programs write them that count in 16 bits.
_RAW = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]|\xed[\xa0-\xbf][\x80-\xbf]")

_SUSPECT = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


CUT = "is cut inside a character: it holds half of one (a lone surrogate)"

Place = tuple[str | int, ...]
"""Where a value stands in a JSON object: keys, and numbers in lists."""


def compact(value: Any) -> bytes:
    """The value as JSON, in no more memory than its length.

    orjson 3.13 leaves its result in the buffer that it wrote to: 32 KB for 3 KB, and half a cache's bound is not told.
    """
    return bytes(memoryview(orjson.dumps(value)))


def load(body: bytes) -> Any:
    """A JSON document, with :data:`HALF` where a text holds half of a pair of surrogates.

    Whoever cuts a text by its length in 16 bits cuts an emoji in two. That is one value's fault (RFC 8259 section 8.2),
    and orjson refuses the document for it. Raises orjson.JSONDecodeError, with the place, for what else is no JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        _utf8(whole(body, "\ufffd"))
        try:
            return orjson.loads(whole(body))
        except orjson.JSONDecodeError:
            # With one character for another, so that the place that is told is the one in the document.
            return orjson.loads(whole(body, "\ufffd"))


def whole(body: bytes, half: str = HALF) -> bytes:
    """The document with ``half`` for each half of a pair; pairs that were written as two characters are one."""
    if not _SUSPECT.search(body):
        return body
    pieces, at = list[bytes](), 0
    escaped = "".join(f"\\u{ord(one):04x}" for one in half).encode()
    while found := _TO_A_HALF.match(body, at):
        pieces += found[1], escaped
        at = found.end()
    return _RAW.sub(lambda raw: _character(raw, half), b"".join((*pieces, body[at:])))


def halves(values: Mapping[str, Any]) -> Iterator[Place]:
    """The places of all texts that hold half a character, in their order."""
    waiting: list[Iterator[tuple[Place, Any]]] = [(((key,), value) for key, value in values.items())]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        at, value = found
        if isinstance(value, str):
            if HALF in value:
                yield at
        elif isinstance(value, dict):
            waiting.append(_within(at, value.items()))
        elif isinstance(value, list):
            waiting.append(_within(at, enumerate(value)))


def _within(at: Place, parts: Any) -> Iterator[tuple[Place, Any]]:
    return (((*at, key), value) for key, value in parts)


def _character(found: re.Match[bytes], half: str) -> bytes:
    if len(found[0]) == 3:
        return half.encode()
    return found[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _utf8(body: bytes) -> None:
    """Raise orjson.JSONDecodeError at what is no UTF-8; orjson itself does not say where that is."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        raise orjson.JSONDecodeError(f"byte 0x{body[error.start]:02x} is no UTF-8", before, len(before)) from error
