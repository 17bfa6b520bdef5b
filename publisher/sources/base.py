"""The base class of all kinds of sources, and what each is given."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import BaseModel, Field

from publisher import clock
from publisher.clock import Clock
from publisher.configfile import Whole
from publisher.isolation import InProcess, Runner
from publisher.model import IndicatorSpec
from publisher.model.base import Frozen
from publisher.model.observed import Batch
from publisher.sources.parsed import Parsed, read_back
from publisher.sources.profiles.profile import Profile

PAGE_LIMIT = 5_000_000
"""Bytes of one page or file; a larger one is refused unread."""

Limit = Annotated[Whole, Field(ge=1, le=100_000_000)]
"""Bytes of one page or file, as a source may set them."""

GoneAfter = Annotated[Whole, Field(ge=1, le=100)]
"""Readings in a row in which an article must be missing to count as gone."""

HoldAbove = Annotated[float, Field(gt=0, le=1)]
"""The share of a source's articles that may be missing at once before it is taken for the source's fault."""

CONDITIONS = ("etag", "last_modified", "digest")
"""Keys of a bookmark that spare reading an unchanged document again."""

Pause = Callable[[float], Awaitable[None]]

Sample = tuple[bytes, Mapping[str, Any]]
"""A small document, and the options of a source that reads it."""


def as_list(value: object) -> object:
    """One value as a list of one, where a key takes one or several."""
    return value if isinstance(value, list | tuple) else [value]


class Response(Protocol):
    """The response of a server; ``url`` is where the last redirect led."""

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
class Document:
    """A document as it was fetched: what of a response is read."""

    body: bytes
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source needs of the installation. ``timezone`` and ``language`` hold where a profile says nothing.

    ``assumed``: nobody said that ``timezone`` is the source's, it is only the installation's.
    ``runner`` does what is done with documents; without one it is done in this process.
    """

    home: Path
    profile: Profile | None
    http: Fetcher
    timezone: str
    language: str
    indicators: Mapping[str, IndicatorSpec] = field(default_factory=dict)
    now: Clock = clock.now
    pause: Pause = asyncio.sleep
    runner: Runner | None = None
    assumed: bool = True

    def within(self, timezone: str | None) -> SourceContext:
        """The same for a source that says its own time zone, if it says one."""
        return self if timezone is None else replace(self, timezone=timezone, assumed=False)

    async def parse(self, job: str, body: bytes, *, indicators: bool = False, **options: Any) -> Parsed:
        """What a document holds, read by one of :data:`publisher.sources.parsing.JOBS`. Raises ReadError.

        The job is given the installation's conventions beside ``options``, and its indicators where ``indicators``.
        """
        given: dict[str, Any] = {
            "now": clock.rfc3339(self.now()),
            "timezone": self.timezone,
            "assumed": self.assumed,
            "language": self.language,
            "profile": None if self.profile is None else self.profile.model_dump(mode="json"),
            "indicators": [one.model_dump(mode="json") for one in self.indicators.values()] if indicators else [],
            **options,
        }
        runner = self.runner or _in_process()
        guessed = {"extract"} if job == "page" and self.profile is None else set()
        needs = sorted({f"job:{job}"} | guessed | _needs(given))
        return await read_back(await runner.run(job, body, given, needs=needs))


def _in_process() -> Runner:
    from publisher.sources.parsing import JOBS

    return InProcess(JOBS)


def _needs(given: object) -> set[str]:
    """The locales and time zones that a job's options name, wherever they stand."""
    if isinstance(given, list):
        return set().union(*map(_needs, given))
    if not isinstance(given, dict):
        return set()
    found = set().union(*(_needs(value) for key, value in given.items() if key != "indicators"))
    for key, kind in (("locale", "locale"), ("language", "locale"), ("timezone", "zone")):
        if isinstance(given.get(key), str):
            found.add(f"{kind}:{given[key]}")
    return found


class NoOptions(Frozen):
    """A kind without keys of its own."""


class Source(ABC):
    """One table of ``config/sources.toml``.

    ``kind`` is its name there; ``Options`` validates the keys that are the kind's own, and forbids all others.
    ``origin`` is where its articles' values came from, where the reader of one says nothing else. ``samples`` are
    documents of the kind: the process that parses documents reads them before it gives up opening files, so that
    whatever is loaded late is loaded by then.
    """

    kind: ClassVar[str]
    origin: ClassVar[str] = "profile"
    Options: ClassVar[type[BaseModel]] = NoOptions
    samples: ClassVar[tuple[Sample, ...]] = ()

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

    def parse(self, document: Response) -> Parsed:
        """What one document holds, for kinds that parse their own: it is run where nothing can be fetched or opened.

        ``self.context.parse(kind, body, url=…, content_type=…, options=…)`` calls it in a process that can be killed,
        with a source made from ``options`` there, and checks what comes back. It must take time linear in the document.
        Raises ReadError where nothing can be read.
        """
        raise NotImplementedError(f"the kind {self.kind} has no documents of its own")

    def watch_path(self) -> Path | None:
        """The folder in which a change means that there may be something to read; None where none does."""
        return None

    async def close(self) -> None:
        """Release what the source holds."""
        return
