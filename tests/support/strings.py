"""What a feed's document says, whatever its format: every text and every attribute, as its readers are given them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lxml import etree


def strings(media_type: str, document: bytes) -> list[str]:
    """All of them, in order. Raises ValueError or SyntaxError for a document that is not well formed."""
    if media_type.endswith("json"):
        return [*_in_json(json.loads(document))]
    if media_type.endswith("xml"):
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
        return [text for element in root.iter() for text in (element.text, *element.attrib.values()) if text]
    return document.decode().splitlines()


def _in_json(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _in_json(part)
    elif isinstance(value, list):
        for part in value:
            yield from _in_json(part)
    elif value is not None:
        yield str(value)
