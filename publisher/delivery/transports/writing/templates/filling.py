"""Filling a template with an envelope, within a budget: of what comes out, and of what filters work on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from publisher.delivery.transports.base import Site
from publisher.delivery.transports.writing.templates.filters import as_text
from publisher.delivery.transports.writing.templates.parsing import Filled, Placeholder, parse
from publisher.delivery.transports.writing.templates.paths import value_at
from publisher.errors import Unwritable

OUT_BYTES = 64 * 1024
"""Bytes of a body that a template makes, at most."""

WORK_BYTES = 256 * 1024
"""Bytes that all filters of a template are given for one event, at most: some milliseconds."""

KEPT = 128

_parsed = lru_cache(KEPT)(parse)


def filled(template: str, envelope: Mapping[str, Any], site: Site) -> bytes:
    """The body. Raises Unwritable where it would be larger than it may be."""
    body = orjson.dumps(_Filler(envelope, site).node(_parsed(template)))
    if len(body) > OUT_BYTES:
        raise _too_large()
    return body


class _Filler:
    def __init__(self, envelope: Mapping[str, Any], site: Site) -> None:
        self.envelope = envelope
        self.site = site
        self.out = OUT_BYTES
        self.work = WORK_BYTES

    def node(self, node: Any) -> Any:
        if isinstance(node, Filled):
            return self._filled(node)
        if isinstance(node, list):
            return [self.node(one) for one in node]
        if isinstance(node, dict):
            return {key: self.node(one) for key, one in node.items()}
        return node

    def _filled(self, node: Filled) -> Any:
        first = node.parts[0]
        if len(node.parts) == 1 and isinstance(first, Placeholder):
            value = self._value(first)
            self._makes(value)
            return value
        pieces = []
        for part in node.parts:
            piece = part if isinstance(part, str) else as_text(self._value(part))
            self._makes(piece)
            pieces.append(piece)
        return "".join(pieces)

    def _value(self, placeholder: Placeholder) -> Any:
        value: Any = placeholder.text if placeholder.path is None else value_at(self.envelope, placeholder.path)
        for filter_, argument in placeholder.filters:
            self.work -= len(value) if isinstance(value, str) else len(orjson.dumps(value))
            if self.work < 0:
                raise Unwritable(f"the template has its filters work on more than {WORK_BYTES:,} bytes of this event")
            value = filter_.make(value, argument, self.site)
        return value

    def _makes(self, value: Any) -> None:
        self.out -= len(value) if isinstance(value, str) else len(orjson.dumps(value))
        if self.out < 0:
            raise _too_large()


def _too_large() -> Unwritable:
    return Unwritable(f"the template makes more than {OUT_BYTES:,} bytes of this event")
