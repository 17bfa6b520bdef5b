"""What the web room is given: the services it calls and the values of the installation it shows.

The protocols say how much of each service is used here, so that a test or another composition can stand in for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from publisher import clock
from publisher.catalog import SourceDefinition
from publisher.clock import Clock
from publisher.isolation import Runner
from publisher.model import FeedDefinition, Indicator, IndicatorSpec, SourceState, Subscription
from publisher.model.change import IndicatorChange, Outcome
from publisher.model.observed import ObservedArticle
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log.tail import Tail
from publisher.web.budgets.allowances import Allowances


class Site(Protocol):
    """How the installation names itself; ``url`` is canonical and ends without a slash."""

    @property
    def title(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def timezone(self) -> str: ...


class CatalogView(Protocol):
    """The definitions as they are at this moment."""

    @property
    def feeds(self) -> Mapping[str, FeedDefinition]: ...
    @property
    def indicators(self) -> Mapping[str, IndicatorSpec]: ...


class Taken(Protocol):
    """A pushed article as it was taken; ``until`` is set where it waits for its published time."""

    @property
    def id(self) -> str: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def version(self) -> str: ...
    @property
    def data(self) -> dict[str, Any]: ...
    @property
    def until(self) -> datetime | None: ...


class Intake(Protocol):
    """Where pushed items go; once a call returns, every feed shows the item."""

    async def prepared(self, observed: Sequence[ObservedArticle]) -> Sequence[ObservedArticle]:
        """The articles as :meth:`take` is best given them: what takes time is done before the transaction."""
        ...

    def take(self, tx: Tx, observed: Sequence[ObservedArticle]) -> Sequence[Taken]:
        """Take articles of different ids; returns what each was, in their order."""
        ...

    def observe(self, tx: Tx, observed: Sequence[Indicator]) -> list[IndicatorChange]:
        """Take observations; what each was, in their order."""
        ...

    def remove(self, tx: Tx, article_id: str) -> Outcome:
        """Withdraw one article; raises NotFound."""
        ...

    def version(self, tx: Tx, article_id: str) -> str | None:
        """The version of an article, None for one that is not there."""
        ...

    async def erase(self, article_id: str, check: Callable[[Tx], object]) -> None:
        """Withdraw one article and remove its text for good, after ``check``; raises NotFound."""
        ...


class PublishedDocument(Protocol):
    """One feed in one format, ready to be sent. ``etag`` is bare (no quotes); a Path is a file of those bytes.

    ``last_modified`` is None where no date stands for these bytes alone.
    """

    @property
    def etag(self) -> str: ...
    @property
    def last_modified(self) -> datetime | None: ...
    @property
    def content_type(self) -> str: ...
    @property
    def body(self) -> bytes | Path: ...
    @property
    def gzip(self) -> bytes | Path | None: ...


class FeedVersion(Protocol):
    """What the validators of a feed's documents are made of."""

    @property
    def etag(self) -> str: ...
    @property
    def last_modified(self) -> datetime | None: ...


class PublishedFeeds(Protocol):
    """The current documents; both raise NotFound for a name that is no feed."""

    async def current(self, name: str, format: str) -> PublishedDocument:
        """The document of a feed in ``rss``, ``atom`` or ``json``."""
        ...

    async def version(self, name: str) -> FeedVersion:
        """Its validators alone, without rendering."""
        ...

    async def sweep(self) -> None:
        """Forget every version but the present ones."""
        ...


class TrialResult(Protocol):
    """How one test delivery went; ``status`` is null where no status line came, ``error`` then says why."""

    @property
    def status(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def response_excerpt(self) -> str | None: ...
    @property
    def duration_ms(self) -> int: ...


class Sender(Protocol):
    """The part of the deliverer that the API calls."""

    async def test(self, subscription: Subscription) -> TrialResult:
        """Send one signed test event to a subscription, now and once."""
        ...


class Seal(Protocol):
    """Encrypts secrets at rest."""

    def seal(self, secret: bytes) -> bytes: ...
    def unseal(self, sealed: bytes) -> bytes: ...
    def derived(self, purpose: str) -> bytes: ...


class UrlGuard(Protocol):
    """Judges where webhooks may go."""

    def check_url(self, url: str) -> str:
        """The URL, normalised; raises AddressRefused with the reason."""
        ...


Probe = Callable[[], bool | str]
"""Whether a part of the process is running; or what is wrong with it, ``ok`` for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a request handler may use; found with :func:`services_of`.

    ``catalog`` is called per request, so that a reloaded configuration shows at once. ``probes`` are the parts that
    ``/readyz`` asks besides the database. ``trusted_proxies`` are networks whose ``X-Forwarded-For`` is believed.
    ``notes`` are what it tells besides, and that no part is the worse for. ``limits`` count in this process.
    ``runner`` reads large bodies in a process of its own; without one they are read in a thread.
    ``sources`` are those that are configured, and ``next_run`` says when one is read next.
    """

    db: Database
    tail: Tail
    site: Site
    catalog: Callable[[], CatalogView]
    ingest: Intake
    publications: PublishedFeeds
    deliverer: Sender
    sealer: Seal
    guard: UrlGuard
    probes: Mapping[str, Probe] = field(default_factory=dict)
    notes: Callable[[], Mapping[str, str]] = dict
    trusted_proxies: Sequence[str] = ()
    now: Clock = clock.now
    runner: Runner | None = None
    sources: Callable[[], Sequence[SourceDefinition]] = tuple
    limits: Allowances = field(default_factory=Allowances)
    next_run: Callable[[SourceDefinition, SourceState], datetime | None] = lambda definition, state: state.next_run_at


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


def services_of(request: web.Request) -> Services:
    """The services of the application that serves this request."""
    return request.app[SERVICES]
