"""Golden pairs: ``golden/NAME.items.json`` beside the exact documents that come of it.

``python tests/render/golden_pairs.py`` writes the documents anew; read the difference before committing it.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from publisher.render import FORMATS, Entry, Head, Options, article_entry, indicator_entry

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.name.removesuffix(".items.json") for path in GOLDEN.glob("*.items.json"))


def case(name: str) -> dict[str, Any]:
    """The items and the head of a pair."""
    loaded: dict[str, Any] = json.loads((GOLDEN / f"{name}.items.json").read_text())
    return loaded


def entries(loaded: dict[str, Any]) -> list[Entry]:
    """The entries of a pair's items."""
    options = Options(**loaded["options"])
    return [_entry(dict(item), options) for item in loaded["items"]]


def document(name: str, format: str) -> bytes:
    """What is rendered of a pair's items today."""
    loaded = case(name)
    head = dict(loaded["head"])
    head["updated"] = datetime.fromisoformat(head["updated"])
    head["deleted"] = [(id, datetime.fromisoformat(at)) for id, at in head.get("deleted", ())]
    head["url"] += f".{format}"
    writer = FORMATS[format]
    return writer.document(Head(**head), [writer.fragment(entry) for entry in entries(loaded)])


def _entry(item: dict[str, Any], options: Options) -> Entry:
    for key in ("first_seen_at", "changed_at"):
        item[key] = datetime.fromisoformat(item[key])
    data = item.pop("data")
    return (indicator_entry if "period" in item else article_entry)(data, **item, options=options)


if __name__ == "__main__":
    for each in NAMES:
        for ending in FORMATS:
            (GOLDEN / f"{each}.{ending}").write_bytes(document(each, ending))
