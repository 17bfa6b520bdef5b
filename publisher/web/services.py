"""What the web room is given: the services it calls and the values of the installation it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from publisher import clock
from publisher.catalog import Catalog
from publisher.clock import Clock
from publisher.delivery import Deliverer
from publisher.ingest import Intake
from publisher.isolation import Runner
from publisher.outbound import Outbound
from publisher.publish import Publications, SiteInfo
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log.tail import Tail
from publisher.web.budgets.allowances import Allowances

Probe = Callable[[], bool | str]
"""Whether a part of the process is running; or what is wrong with it, ``ok`` for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a request handler may use; found with :func:`services_of`.

    ``catalog`` and ``site`` are called per request, so that a reloaded configuration shows at once. ``probes`` are the
    parts that ``/readyz`` checks besides the database. ``trusted_proxies`` are networks whose ``X-Forwarded-For`` is
    believed. ``notes`` are what ``/readyz`` shows besides, which makes no part unready. ``limits`` count in this
    process. ``runner`` reads large bodies in a process of its own; without one they are read in a thread. ``check`` is
    called in a transaction that depends on the definitions, once it has locked the log; it raises DefinitionsMoved
    where another version is in force by now.
    """

    db: Database
    site: Callable[[], SiteInfo]
    catalog: Callable[[], Catalog]
    tail: Tail
    ingest: Intake
    publications: Publications
    deliverer: Deliverer
    sealer: Sealer
    guard: Outbound
    probes: Mapping[str, Probe] = field(default_factory=dict)
    notes: Callable[[], Mapping[str, str]] = dict
    trusted_proxies: Sequence[str] = ()
    now: Clock = clock.now
    runner: Runner | None = None
    limits: Allowances = field(default_factory=Allowances)
    check: Callable[[Tx], None] = lambda _tx: None


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


def services_of(request: web.Request) -> Services:
    """The services of the application that serves this request."""
    return request.app[SERVICES]
