"""What bodies have in common: what ends a page, and what is wrong."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from publisher.model.envelope import Shape

# A list is sent in pieces: `next` and what else ends a page stands behind the items.

Next = Annotated[str | None, Field(description="The `after` of the following page; null at the end")]
NOTHING: Any = None


class FaultShown(Shape):
    """One thing that is wrong or doubtful: where (`feeds[0]`), and what, with what would be right."""

    path: str
    message: str


class Problem(Shape):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultShown] = Field(default_factory=list)


class Gone(Problem):
    """A place in the log that is gone: go on at `begin_url`."""

    code: Literal["log-reset", "log-pruned"]
    begin: str | None
    begin_url: str | None
