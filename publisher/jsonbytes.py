"""JSON bytes: those that are kept, and those that others wrote."""

from __future__ import annotations

import re
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
        mended = whole(body)
        _utf8(mended)
        return orjson.loads(mended)


def whole(body: bytes) -> bytes:
    """The document with :data:`HALF` for each half of a pair; pairs that were written as two characters are one."""
    if not _SUSPECT.search(body):
        return body
    pieces, at = list[bytes](), 0
    while found := _TO_A_HALF.match(body, at):
        pieces += found[1], b"\\ufffe\\uffff"
        at = found.end()
    return _RAW.sub(_character, b"".join((*pieces, body[at:])))


def _character(found: re.Match[bytes]) -> bytes:
    if len(found[0]) == 3:
        return HALF.encode()
    return found[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _utf8(body: bytes) -> None:
    """Raise orjson.JSONDecodeError at what is no UTF-8; orjson itself does not say where that is."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        raise orjson.JSONDecodeError(f"byte 0x{body[error.start]:02x} is no UTF-8", before, len(before)) from error
