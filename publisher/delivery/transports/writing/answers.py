"""What receivers say in the JSON of their answers, of which there may be the beginning alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

_NO = re.compile(r'\s*\{\s*"ok"\s*:\s*false\b')


def values(answer: str) -> Mapping[str, Any]:
    """The object that an answer is; none of its members where it is cut off, or is none."""
    try:
        found = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def said_no(answer: str) -> str | None:
    """What an answer says in words that begins with ``"ok": false``; None where it does not say so."""
    found = values(answer)
    if found.get("ok") is not False and not _NO.match(answer):
        return None
    said = found.get("description") or found.get("error")
    return said[:200] if isinstance(said, str) else "no"


def number(value: Any) -> float | None:
    """A number of JSON, None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
