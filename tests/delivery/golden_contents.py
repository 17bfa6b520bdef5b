"""Golden pairs: every content of ``golden/contents.json`` beside what each format writes of it, ``golden/FORMAT.http``.

``python tests/delivery/golden_contents.py`` writes the latter anew; read the difference before committing it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import Content, Format, Ping, SingleEvent, Site
from publisher.model import Change, Event, EventType

GOLDEN = Path(__file__).parent / "golden"
SITE = Site("Kabar & Kawan", "https://kabar.example/", "id", "Asia/Jakarta")


def contents() -> dict[str, Content]:
    """Each content, by what it is in words."""
    return {name: _content(one) for name, one in json.loads((GOLDEN / "contents.json").read_text()).items()}


def _content(one: dict[str, Any]) -> Content:
    if "test" in one:
        return Ping(one["test"], datetime.fromisoformat(one["timestamp"]), one["webhook"], site=SITE)
    event = Event.model_validate(one["event"])
    return SingleEvent.of(event, EventType(one["type"]), Change(one["change"]), summary=one["summary"], site=SITE)


def asked(format: Format, content: Content) -> Content:
    """The content, told as the format's example asks for it."""
    return replace(content, asked=format.example)


def written(format: Format) -> bytes:
    """The unsigned requests of a format, in the order of the contents that it carries."""
    carried = {name: asked(format, one) for name, one in contents().items() if type(one) in format.carries}
    return b"".join(_request(name, format, one) for name, one in carried.items())


def _request(name: str, format: Format, content: Content) -> bytes:
    request = format.request(content)
    headers = "".join(f"{key}: {value}\n" for key, value in request.headers.items())
    return f"### {name}\nPOST {format.example_url}{request.path}\n{headers}\n".encode() + request.body + b"\n\n"


if __name__ == "__main__":
    for each in FORMATS.values():
        (GOLDEN / f"{each.name}.http").write_bytes(written(each))
