"""The stored state of a source between two readings."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from publisher.errors import advised
from publisher.model.base import Frozen
from publisher.model.refusals import Refusals

FAILING_AFTER = 3
"""Failures in a row before ``source.failing`` is raised."""


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
    refusals: Refusals = Refusals()

    @property
    def error_for_operators(self) -> str | None:
        """The last error, with the advice while it lasts."""
        return self.last_error and advised(self.last_error, self.refusals.advice)

    @property
    def condition(self) -> Literal["never read", "well", "failed", "failing"]:
        """How it is doing: ``failed`` lately, or ``failing`` so often that it was told."""
        if self.failures:
            return "failing" if self.failures >= FAILING_AFTER else "failed"
        return "well" if self.last_success_at else "never read"
