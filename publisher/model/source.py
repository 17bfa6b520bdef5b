"""What is remembered of a source between two readings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from publisher.model.base import Frozen


class SourceState(Frozen):
    """The stored state of one source. ``bookmark`` is the kind's own: ETag, Last-Modified, file sizes, seen ids."""

    name: str
    bookmark: dict[str, Any] = Field(default_factory=dict)
    profile_digest: str | None = None
    loaded: bool = False
    failures: int = 0
    last_success_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: str | None = None
    next_run_at: datetime | None = None
    items: int = 0
    events: int = 0
