"""Bytes to text: the character set of a page or dump, and what is told when it is not what it claims to be."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass

import webencodings

from publisher.errors import ReadError
from publisher.model.base import xml_legal

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
IN_HEADER = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
SNIFFED = 4096
_LOOKED_AT = 65_536


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text without characters that XML forbids. ``warning`` says what was wrong with its character set."""

    text: str
    warning: str | None = None


def decode(body: bytes, content_type: str | None = None, *, html: bool = True) -> Decoded:
    """Decode a document: byte order mark, then the ``charset`` of the HTTP header, then of ``<meta>``, then UTF-8.

    A byte order mark comes first, as in the HTML standard. Raises ReadError for what is no text at all.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _as(body[len(mark) :], name)
    controls = len(_CONTROLS.findall(body[:_LOOKED_AT]))
    if controls > 8 and controls * 100 > len(body[:_LOOKED_AT]):
        raise ReadError(f"is no text: {controls} control characters; is it a binary file?")
    declared = _declared(body, content_type, html=html)
    if declared is None or declared == "utf-8":
        return _utf8(body, declared=declared is not None)
    if _is_utf8(body):
        return Decoded(_clean(body.decode()), f"declares {declared} but is UTF-8; read as UTF-8")
    return _as(body, declared)


def _declared(body: bytes, content_type: str | None, *, html: bool) -> str | None:
    header = IN_HEADER.search(content_type or "")
    meta = _META.search(body[:SNIFFED]) if html else None
    for label in (header[1] if header else None, meta[1].decode("ascii") if meta else None):
        known = _codec(label)
        if known:
            return known
    return None


def _codec(label: str | None) -> str | None:
    """Python's name of the encoding that a label means on the web (WHATWG Encoding), None for one that is none."""
    encoding = webencodings.lookup(label) if label is not None else None
    if encoding is None or encoding.name in ("replacement", "x-user-defined"):
        return None
    if encoding.name in ("utf-16le", "utf-16be"):
        return "utf-8"  # HTML standard: a page that could be read this far is no UTF-16
    if encoding.name == "gbk":
        return "gb18030"  # its decoder in the standard, which has gbk and more
    own = encoding.codec_info.name
    with suppress(LookupError):
        # What people know it as ("windows-1252"), unless Python means something else by it ("shift_jis").
        return encoding.name if codecs.lookup(encoding.name).name == own else own
    return own


def _is_utf8(body: bytes) -> bool:
    """Whether it is UTF-8 beyond doubt: valid, and with characters outside ASCII."""
    if body.isascii():
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _utf8(body: bytes, *, declared: bool) -> Decoded:
    try:
        return Decoded(_clean(body.decode("utf-8")))
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return Decoded(_clean(body[: error.start].decode("utf-8")), "ends in the middle of a character")
    # Bytes above 127 and not one valid sequence of UTF-8 among them: it never was UTF-8.
    if body.decode("utf-8", "ignore").isascii():
        said = "declares utf-8 but is not; " if declared else "declares no character set and is not UTF-8; "
        return Decoded(_clean(body.decode("windows-1252", "replace")), said + "read as windows-1252")
    return _as(body, "utf-8")


def _as(body: bytes, name: str) -> Decoded:
    text = body.decode(name, "replace")
    lost = text.count("\ufffd") - body.count("\ufffd".encode())
    return Decoded(_clean(text), f"{lost} characters are not {name} and cannot be read" if lost > 0 else None)


def _clean(text: str) -> str:
    return xml_legal(text.replace("\r\n", "\n").replace("\r", "\n"))
