"""An article by its summary alone, for whoever may not have its full text: in feeds, the API, pages and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publisher.content import excerpt

MOST = 300
"""Characters of an article's text that stand for a summary where it has none."""


def summary_of(data: Mapping[str, Any]) -> str | None:
    """The article's own summary, else how its text begins; null where that is too short to show a part of."""
    return (data.get("summary") or "").strip() or excerpt(data.get("body") or "", MOST)


def summarised(data: Mapping[str, Any]) -> dict[str, Any]:
    """The article's JSON form with ``body`` null and a ``summary``; what has no ``body`` (an erased one) as it is."""
    if "body" not in data:
        return dict(data)
    return {**data, "summary": summary_of(data), "body": None}
