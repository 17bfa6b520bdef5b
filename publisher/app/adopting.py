"""Which definitions a process uses: those of its files, or the version in force.

Files are taken if they have no error, are an edit (``catalog/edits.py``), and do not remove too much at once
(``catalog/guard.py``). They then become a version, stored with its texts, that every process adopts. A start whose
folder is gone goes on with the version in force; one whose files are there and have errors fails where they would be
offered, since somebody is there to correct them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from publisher import telemetry
from publisher.app import noting
from publisher.app.versions import (
    InForce,
    Offered,
    digest_of,
    ids,
    node_name,
    present,
    private_of,
    settings_of,
    site_info,
)
from publisher.app.versions import read as read_version
from publisher.catalog import Catalog, Documents, gather
from publisher.catalog.documents import parse
from publisher.catalog.edits import Decision, Seen, decide
from publisher.catalog.guard import Standing, judge
from publisher.delivery.followers import permissions
from publisher.errors import ConfigError, ConfigErrors, EditRefused, PublisherError, RemovalRefused, StorageError
from publisher.publish import SiteInfo, appearance
from publisher.settings import Settings
from publisher.storage.configuration import definitions, in_force
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.configuration.definitions import Kept, Known
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events as event_log

log = telemetry.logger(__name__)

Allowed = Callable[[RemovalRefused], bool]
"""Whether a removal that was refused is meant."""

Opening = Callable[[], Coroutine[Any, Any, Database]]


def never(refused: RemovalRefused) -> bool:
    """No removal is."""
    return False


@dataclass(frozen=True, slots=True)
class Offer:
    """How files are offered: by which node, with which note, and whether they are taken whatever is in force.

    ``wins``: they are taken even if they are no edit, or another version came in between.
    """

    node: str
    seen: Seen | None = None
    wins: bool = False
    allowed: Allowed = never


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of an offer: the decision, the number in force now, the feeds that were removed, and the site."""

    decision: Decision
    number: int
    removed: list[str]
    site: SiteInfo


def take(tx: Tx, offered: Offered, offer: Offer) -> Taken:
    """Make these the version in force, unless they are no edit.

    Raises EditRefused if another version came in between, RemovalRefused if they remove too much and that is not
    allowed. What another process has taken needs no second permission.
    """
    event_log.lock(tx)
    known = definitions.standing(tx)
    decision = _decided(tx, offered.digest, known, offer)
    if known is not None and decision is Decision.ADOPT:
        return Taken(decision, known.number, [], site_info(known.site))
    named = offered.shared.site.model_dump()
    site = {**named, "ids": ids(tx, named)}
    standing = _judged(tx, known, offered, offer.allowed)
    removed = _defined(tx, offered.catalog, site_info(site))
    if known is None:  # an older publisher, which knew no roles of webhooks, may have written the data
        permissions.review(tx)
    if known is not None and known.digest == offered.digest and known.site == site:
        return Taken(decision, known.number, removed, site_info(site))
    moved = standing.moved(offered.catalog.feeds, len(offered.catalog.sources), tx.now)
    number = definitions.keep(
        tx,
        digest=offered.digest,
        standing=moved.written(),
        site=site,
        settings=settings_of(offered.shared),
        files=offered.text,
        needs=offered.needs,
        node=offer.node,
    )
    return Taken(decision, number, removed, site_info(site))


def _decided(tx: Tx, digest: str, known: Known | None, offer: Offer) -> Decision:
    now = None if known is None else present(known)
    return decide(digest, offer.seen, now, applied=definitions.applied(tx, digest), wins=offer.wins)


def _judged(tx: Tx, known: Known | None, offered: Offered, allowed: Allowed) -> Standing:
    """The standing that these are judged by before they are taken."""
    standing, feeds = _standing(tx, known), offered.catalog.feeds
    if known is None or known.digest != offered.digest:
        try:
            judge(standing, feeds, tx.now, missing=offered.missing, emptied=offered.emptied)
        except RemovalRefused as refused:
            if not allowed(refused):
                raise
            standing = Standing(frozenset(feeds))
    # The first version of all: none came in between.
    return standing if standing.feeds else Standing(frozenset(feeds))


async def at_start(
    home: Path, settings: Settings, open_database: Opening, *, offers: bool = True
) -> tuple[Database, InForce]:
    """Open the database, and take the files or adopt the version in force.

    ``offers``: this process may offer its files; one that does not goes by the version in force, if there is one.
    Raises ConfigErrors and RemovalRefused where there is none to go on with, StorageError if storage does not open.
    """
    if offers or settings.storage.single_node:
        return await _by_files(home, settings, open_database)
    db = await open_database()
    try:
        if await db.read(definitions.number):
            return db, await _adopted(db, settings, defines=False)
        documents = await asyncio.to_thread(gather, home, shared=True)
        return db, await _take_or_adopt(home, settings, db, documents, await _built(documents, settings))
    except BaseException:
        await db.close()
        raise


async def _by_files(home: Path, settings: Settings, open_database: Opening) -> tuple[Database, InForce]:
    """On SQLite the files are judged first: if they have an error, no database is opened, or made."""
    alone = settings.storage.single_node
    documents = await asyncio.to_thread(gather, home, shared=not alone)
    built = await _built(documents, settings)
    fault = built if alone and isinstance(built, ConfigErrors) else None
    if fault is not None and not (documents.unread or documents.missing):
        raise fault
    db = await _opened(open_database, fault)
    try:
        return db, await _take_or_adopt(home, settings, db, documents, built)
    except BaseException:
        await db.close()
        raise


async def _built(documents: Documents, settings: Settings) -> Offered | ConfigErrors:
    try:
        return await asyncio.to_thread(Offered.of, documents, settings.shared)
    except ConfigErrors as fault:
        return fault


async def _take_or_adopt(
    home: Path, settings: Settings, db: Database, documents: Documents, built: Offered | ConfigErrors
) -> InForce:
    """Offer the files; what is in force where they are not taken."""
    if isinstance(built, ConfigErrors):
        return await _in_place_of(built, documents, db, settings, home)
    try:
        taken = await db.write(take, built, await _offer(home, settings))
    except (RemovalRefused, EditRefused) as refused:
        return await _adopted(db, settings, refused)
    await asyncio.to_thread(noting.write, home, Seen(built.digest, taken.number))
    if taken.decision is Decision.ADOPT:
        return await _passed_over(db, settings)
    return InForce(built.catalog, built.shared, taken.site, built.digest, taken.number)


async def _offer(home: Path, own: Settings) -> Offer:
    seen = await asyncio.to_thread(noting.read, home)
    return Offer(node_name(own), seen, wins=own.storage.single_node)


async def _in_place_of(
    broken: ConfigErrors, documents: Documents, db: Database, settings: Settings, home: Path
) -> InForce:
    """The version in force instead of files with errors, if they are gone or would not be offered."""
    kept = await db.read(definitions.kept)
    if kept is None:
        raise broken
    offer = await _offer(home, settings)
    digest = digest_of(documents, settings.shared)
    try:
        decision = await db.read(_decided, digest, kept.known, offer)
    except EditRefused as refused:
        return await _adopted(db, settings, refused)
    if decision is Decision.TAKE or documents.unread:
        if not _gone(await asyncio.to_thread(_texts, kept, broken), documents):
            raise broken
        return await _adopted(db, settings, broken)
    await asyncio.to_thread(noting.write, home, Seen(digest, kept.number))
    return await _passed_over(db, settings)


async def _passed_over(db: Database, settings: Settings) -> InForce:
    """The version in force in the place of files that are no edit of it, which is told, since nothing is wrong."""
    found = await _adopted(db, settings)
    advice = "these files were not edited since they were taken last; publisher config diff shows what differs"
    log.info("config.passed_over", version=found.number, advice=advice)
    return found


def log_not_taken(fault: PublisherError) -> None:
    """Log why the files are not taken."""
    if isinstance(fault, RemovalRefused):
        log.error("config.refused", problem=str(fault), feeds=list(fault.feeds))
    if isinstance(fault, EditRefused):
        log.error("config.refused", problem=str(fault))
    for error in fault.errors if isinstance(fault, ConfigErrors) else ():
        log.error("config.error", file=error.file, line=error.line, key=error.key, problem=error.reason)
    log.error("config.kept", errors=len(fault.errors) if isinstance(fault, ConfigErrors) else 1)


async def _opened(open_database: Opening, broken: ConfigErrors | None) -> Database:
    try:
        return await open_database()
    except (StorageError, ConfigError) as error:
        if broken is None:
            raise
        raise broken from error


async def _adopted(
    db: Database, settings: Settings, fault: PublisherError | None = None, *, defines: bool = True
) -> InForce:
    """The version in force instead of the files, for the reason ``fault``; raises that if there is no version to use.

    ``defines``: it is published as this release reads it from now on, which a short-lived command must not decide. If
    this process cannot use it, the last version that it can use is returned, so that its feeds are served.
    """
    kept = await db.read(definitions.kept)
    if kept is None:
        raise fault or StorageError("no definitions are in force; start the service, or run publisher apply")
    try:
        found = await asyncio.to_thread(read_version, kept, settings)
    except PublisherError as reason:
        if fault is not None and settings.storage.single_node:
            raise fault from reason
        found = await _earlier(db, kept, settings, reason)
    else:
        if defines:
            await db.write(_define, found)
    if fault is not None:
        log_not_taken(fault)
    return replace(found, instead_of=fault)


async def _earlier(db: Database, kept: Kept, settings: Settings, reason: PublisherError) -> InForce:
    """The last version, before one that this process cannot use, that it can use; raises ``reason`` if there is
    none.
    """
    told, closed = problem(kept.known, reason), await db.read(in_force.closed)
    below = kept.number
    while (before := await db.read(definitions.readable, below)) is not None:
        below = before.number
        try:
            found = await asyncio.to_thread(read_version, before, settings)
        except PublisherError:
            continue
        tell_problem(told)
        return replace(found, catalog=without(closed, found.catalog), problem=told, unfit=kept.number)
    raise reason


def without(closed: Collection[str], catalog: Catalog) -> Catalog:
    """The feeds of an earlier version, those private that are ``closed`` to everyone by now: what a process can read of
    a version that it cannot go by."""
    private = {
        name: feed.model_copy(update={"private": True}) for name, feed in catalog.feeds.items() if name in closed
    }
    return replace(catalog, feeds={**catalog.feeds, **private})


def problem(known: Known, reason: BaseException) -> str:
    """Why a version cannot be adopted, in one line."""
    text = str(reason).partition("\n")[0] or type(reason).__name__
    return text if text.startswith("version ") else f"version {known.number} of the definitions cannot be used: {text}"


def tell_problem(problem: str) -> None:
    """Log that this process cannot use the newest definitions."""
    log.error("config.not_adopted", problem=problem, advice="it records and sends nothing new until it can")


def _texts(kept: Kept, broken: ConfigErrors) -> Documents:
    try:
        return parse(kept.files)
    except PublisherError as error:
        raise broken from error


def _defined(tx: Tx, catalog: Catalog, site: SiteInfo) -> list[str]:
    """Make these all the feeds there are, for documents and followers alike; returns those that this removes."""
    looks = {name: appearance(feed, site) for name, feed in catalog.feeds.items()}
    removed = feed_states.define(tx, looks, private_of(catalog))
    permissions.adopt(tx, catalog.feeds)
    return removed


def _define(tx: Tx, found: InForce) -> None:
    """Publish the version in force as this release reads it, unless another one came into force meanwhile."""
    event_log.lock(tx)
    if definitions.number(tx) == found.number:
        _defined(tx, found.catalog, found.site)


def _gone(before: Documents, now: Documents) -> bool:
    """Whether the files are gone rather than edited: unreadable, or removed with their folder."""
    return bool(now.unread) or any(before.under(folder) for folder in now.missing)


def _standing(tx: Tx, known: Known | None) -> Standing:
    if known is not None:
        return Standing.read(known.standing)
    # Nothing was kept before this release; what is published is known all the same.
    return Standing(frozenset(name for name, state in feed_states.states(tx).items() if state.digest))
