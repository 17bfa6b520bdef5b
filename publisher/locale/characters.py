"""Characters that say the same: one form for each before a number or a date is read."""

from __future__ import annotations

import re
import unicodedata

from publisher.errors import ReadError

_SPACES = re.compile(r"[\s\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]+")
# Marks of direction, which Arabic and Hebrew pages set around numbers, and soft hyphens.
_UNSEEN = re.compile(r"[\u00ad\u061c\u200c-\u200f\u202a-\u202e\u2066-\u2069]")
_DIGITS = re.compile(r"\d+")

_ALIKE = str.maketrans({
    "\u2212": "-", "\u2010": "-", "\u2011": "-", "\ufe63": "-", "\uff0d": "-", "\u2012": "–", "\u2015": "—",
    "\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u0060": "'", "\u00b4": "'", "\u2032": "'", "\u05f3": "'",
    "\uff0b": "+", "\ufe62": "+", "\uff0c": ",", "\uff0e": ".", "\uff1a": ":", "\u2236": ":", "\uff0f": "/",
    "\uff08": "(", "\uff09": ")", "\uff05": "%", "\u066a": "%", "\ufe6a": "%", "\uff04": "$", "\uffe5": "¥",
    "\u0970": ".", "\uff5e": "~", "\u301c": "~",
})  # fmt: skip


def one_form(text: str) -> str:
    """The text on one line: plain spaces, ASCII digits, one kind of minus, apostrophe, colon and the like.

    The en dash (U+2013) and the em dash stay what they are: before a number one is a minus, between two it is a range.
    Raises ReadError where one number has digits of two scripts.
    """
    said = unicodedata.normalize("NFC", _UNSEEN.sub("", text)).translate(_ALIKE)
    if not said.isascii():
        said = _DIGITS.sub(lambda match: _ascii_digits(match[0]), said)
    return _SPACES.sub(" ", said).strip()


def _ascii_digits(run: str) -> str:
    """Digits as the ASCII digits of their values."""
    scripts = {ord(one) - unicodedata.decimal(one) for one in run}
    if len(scripts) > 1:
        raise ReadError(f"{run!r} has digits of two scripts")
    return "".join(str(unicodedata.decimal(one)) for one in run)
