"""JSON bytes that are kept."""

from __future__ import annotations

from typing import Any

import orjson


def compact(value: Any) -> bytes:
    """The value as JSON, in no more memory than its length.

    orjson 3.13 leaves its result in the buffer that it wrote to: 32 KB for 3 KB, and half a cache's bound is not told.
    """
    return bytes(memoryview(orjson.dumps(value)))
