"""Which definitions are in force: those of the files, or those that were taken last.

The files are taken where they can be read, nothing is wrong in them, and they do not take away too much at once
(``catalog/guard.py``). What is taken is kept in storage with its texts. A start whose folder is gone goes on with what
is kept; one whose files are there and wrong fails, since someone stands before it who can mend them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher import telemetry
from publisher.catalog import Catalog, Documents, build, gather
from publisher.catalog.documents import FEEDS, SOURCES, dump, parse
from publisher.catalog.guard import Standing, judge
from publisher.delivery.followers import permissions
from publisher.errors import ConfigError, ConfigErrors, PublisherError, RemovalRefused, StorageError
from publisher.publish import SiteInfo, appearance
from publisher.render import identity
from publisher.storage.configuration import definitions
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events as event_log

log = telemetry.logger(__name__)

Allowed = Callable[[RemovalRefused], bool]
"""Whether a removal is meant all the same."""

Opening = Callable[[], Coroutine[Any, Any, Database]]


@dataclass(frozen=True, slots=True)
class Offered:
    """Definitions as files give them, with all that taking them needs; ``private`` are the names of the feeds that are
    not public."""

    catalog: Catalog
    digest: str
    private: frozenset[str]
    text: str
    missing: bool = False
    emptied: bool = False

    @classmethod
    def of(cls, documents: Documents) -> Offered:
        """Raises ConfigErrors with everything that is wrong in them."""
        catalog = build(documents)
        return cls(
            catalog,
            documents.digest,
            frozenset(name for name, feed in catalog.feeds.items() if not feed.public),
            dump(documents),
            missing=FEEDS in documents.missing,
            emptied=SOURCES in documents.files and not documents.files[SOURCES].text.strip(),
        )


@dataclass(frozen=True, slots=True)
class InForce:
    """What an installation goes by. ``number`` is that under which it is kept, 0 where it is not.

    ``instead_of``: why these are not those of the files.
    """

    catalog: Catalog
    digest: str
    number: int
    instead_of: PublisherError | None = None


def take(tx: Tx, offered: Offered, site: Mapping[str, Any], allowed: Allowed) -> tuple[int, list[str]]:
    """Take these for what is in force from now on; returns their number and the feeds that were removed.

    Raises RemovalRefused where they take away too much and that is not allowed. What another process has taken needs
    no second permission.
    """
    event_log.lock(tx)
    known = definitions.standing(tx)
    standing = _standing(tx, known)
    site = {**site, "ids": ids(tx, site)}
    feeds = offered.catalog.feeds
    if known is None or known.digest != offered.digest:
        try:
            judge(standing, feeds, tx.now, missing=offered.missing, emptied=offered.emptied)
        except RemovalRefused as refused:
            if not allowed(refused):
                raise
            standing = Standing(frozenset(feeds))
    if not standing.feeds:  # the first of all: nothing came later than it
        standing = Standing(frozenset(feeds))
    removed = _defined(tx, offered, site)
    if known is None:  # an older publisher, which knew no roles of webhooks, may have written the data
        permissions.review(tx)
    if known is not None and known.digest == offered.digest and known.site == site:
        return known.number, removed
    moved = standing.moved(feeds, len(offered.catalog.sources), tx.now)
    number = definitions.keep(tx, digest=offered.digest, standing=moved.written(), site=site, files=offered.text)
    return number, removed


async def at_start(
    home: Path, site: Mapping[str, Any], open_database: Opening, *, shared: bool = False
) -> tuple[Database, InForce]:
    """Open the database, and take the files or what is kept. ``shared``: many machines may use it.

    Raises ConfigErrors and RemovalRefused where nothing is kept to go on with, StorageError if storage does not open.
    """
    documents = await asyncio.to_thread(gather, home, shared=shared)
    try:
        offered = await asyncio.to_thread(Offered.of, documents)
    except ConfigErrors as broken:
        if not (documents.unread or documents.missing):
            raise
        db = await _opened(open_database, broken)
        return db, await _kept(db, broken, documents, site)
    db = await open_database()
    try:
        number, _ = await db.write(take, offered, site, lambda refused: False)
    except RemovalRefused as refused:
        return db, await _kept(db, refused, documents, site)
    except BaseException:
        await db.close()
        raise
    return db, InForce(offered.catalog, offered.digest, number)


def said(fault: PublisherError) -> None:
    """Log why the files are not taken."""
    if isinstance(fault, RemovalRefused):
        log.error("config.refused", problem=str(fault), feeds=list(fault.feeds))
    for error in fault.errors if isinstance(fault, ConfigErrors) else ():
        log.error("config.error", file=error.file, line=error.line, key=error.key, problem=error.reason)
    log.error("config.kept", errors=len(fault.errors) if isinstance(fault, ConfigErrors) else 1)


async def _opened(open_database: Opening, broken: ConfigErrors) -> Database:
    try:
        return await open_database()
    except (StorageError, ConfigError) as error:
        raise broken from error


async def _kept(db: Database, fault: PublisherError, documents: Documents, site: Mapping[str, Any]) -> InForce:
    """What is kept, in the place of files that cannot be taken; raises ``fault`` where that is no help."""
    try:
        kept = await db.read(definitions.kept)
        if kept is None:
            raise fault
        before = await asyncio.to_thread(parse, kept.files)
        if isinstance(fault, ConfigErrors) and not _gone(before, documents):
            raise fault
        offered = await asyncio.to_thread(Offered.of, before)
        await db.write(_define, kept.number, offered, site)
    except BaseException as error:
        await db.close()
        if isinstance(error, ConfigErrors | StorageError) and error is not fault:
            raise fault from error
        raise
    said(fault)
    return InForce(offered.catalog, kept.digest, kept.number, fault)


def ids(tx: Tx, site: Mapping[str, Any]) -> dict[str, str]:
    """How ids begin at each host that the installation was at, and is; kept with the definitions.

    A port or a path that changes is no reason to give everything that was published another id.
    """
    known, url = definitions.standing(tx), site["url"]
    before = known.site["url"] if known else url
    if known is not None and "ids" in known.site:
        begun = dict(known.site["ids"])
    elif known is not None or feed_states.states(tx):  # by a release that kept nothing of ids, or of definitions
        begun = {identity.host_of(before): identity.first_beginning(before)}
    else:
        begun = {}
    return {identity.host_of(url): identity.beginning(url), **begun}


def site_info(site: Mapping[str, Any]) -> SiteInfo:
    """How documents name the site of these settings."""
    begun = site["ids"][identity.host_of(site["url"])]
    return SiteInfo(site["title"], site["url"], site["language"], site["timezone"], begun)


def _defined(tx: Tx, offered: Offered, site: Mapping[str, Any]) -> list[str]:
    """Take these feeds for all there are, for documents and followers alike; returns those that were removed since."""
    looks = {name: appearance(feed, site_info(site)) for name, feed in offered.catalog.feeds.items()}
    removed = feed_states.define(tx, looks, offered.private)
    permissions.adopt(tx, offered.catalog.feeds)
    return removed


def _define(tx: Tx, number: int, offered: Offered, site: Mapping[str, Any]) -> None:
    """Go by what is kept as this release reads it, unless another process took something else meanwhile."""
    event_log.lock(tx)
    if definitions.number(tx) == number:
        _defined(tx, offered, {**site, "ids": ids(tx, site)})


def _gone(before: Documents, now: Documents) -> bool:
    """Whether the files are not edited but gone: unreadable, or with their folder."""
    return bool(now.unread) or any(before.under(folder) for folder in now.missing)


def _standing(tx: Tx, known: definitions.Known | None) -> Standing:
    if known is not None:
        return Standing.read(known.standing)
    # Nothing was kept before this release; what is published is known all the same.
    return Standing(frozenset(name for name, state in feed_states.states(tx).items() if state.digest))
