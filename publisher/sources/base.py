"""What every kind of source is and is given."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import BaseModel, Field

from publisher import clock
from publisher.clock import Clock
from publisher.configfile import Whole
from publisher.model import IndicatorSpec
from publisher.model.base import Frozen
from publisher.model.observed import Batch
from publisher.sources.profile import Profile

PAGE_LIMIT = 5_000_000
"""Bytes of one page or file; a larger one is refused unread."""

Limit = Annotated[Whole, Field(ge=1, le=100_000_000)]
"""Bytes of one page or file, as a source may set them."""

Pause = Callable[[float], Awaitable[None]]


class Response(Protocol):
    """What a server answered; ``url`` is where the last redirect led."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def url(self) -> str: ...


class Fetcher(Protocol):
    """A guarded HTTP client. It raises FetchError where nothing answers, or more than ``limit`` bytes come."""

    async def get(self, url: str, headers: Mapping[str, str] | None = None, limit: int = ...) -> Response:
        """GET one document."""
        ...


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source needs of the installation. ``timezone`` and ``language`` hold where a profile says nothing."""

    home: Path
    profile: Profile | None
    http: Fetcher
    timezone: str
    language: str
    indicators: Mapping[str, IndicatorSpec] = field(default_factory=dict)
    now: Clock = clock.now
    pause: Pause = asyncio.sleep


class NoOptions(Frozen):
    """A kind without keys of its own."""


class Source(ABC):
    """One table of ``config/sources.toml``.

    ``kind`` is its name there; ``Options`` validates the keys that are the kind's own, and forbids all others.
    """

    kind: ClassVar[str]
    Options: ClassVar[type[BaseModel]] = NoOptions

    def __init__(self, name: str, options: Any, context: SourceContext) -> None:
        self.name = name
        self.options = options
        self.context = context

    @abstractmethod
    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        """Read it once. ``bookmark`` is that of the last batch that was recorded, empty for a first reading.

        What is wrong with single items is in the batch's problems. Raises FetchError where the whole source cannot be
        read.
        """

    def watch_path(self) -> Path | None:
        """The folder in which a change means that there may be something to read; null where none does."""
        return None

    async def close(self) -> None:
        """Let go of what is held."""
        return
