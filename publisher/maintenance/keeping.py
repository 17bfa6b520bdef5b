"""What is kept for a time: deliveries until they are folded into counts, and the log.

Each part says what it did in numbers, which are stored beside the time. One node does it each hour, whichever comes
first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from publisher import telemetry
from publisher.maintenance.batches import Batches
from publisher.publish.items import TOMBSTONES_SHOWN
from publisher.storage import upkeep
from publisher.storage.configuration import in_force, tombstones
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import pruning
from publisher.storage.log.pruning import Held
from publisher.storage.subscriptions import clearing, folding
from publisher.storage.subscriptions.folding import Folded, Found

T = TypeVar("T")

log = telemetry.logger(__name__)

EVERY = 3600.0
"""Seconds between two times that it is done, by whichever node."""

ROWS_OF_EVENT = 4
"""As how many rows an event counts: it has up to three counts beside it, and holds a whole article, often two."""

MOST_SHOWN = 10_000
"""Events of sources and webhooks that are kept of each kind while it is not known how many a feed shows."""

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many seconds: ``deliveries`` since they were settled, ``events`` since they were logged."""

    deliveries: float = 30 * DAY
    events: float = 365 * DAY


@dataclass(frozen=True, slots=True)
class Folding:
    """Deliveries that went into counts, and the attempts at them; from rows and from parcels."""

    deliveries: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Pruning:
    """What went with the log's oldest events. ``begins_after`` is the last event that is gone; ``held``: why the next
    one stays although it is old enough.
    """

    events: int = 0
    deliveries: int = 0
    attempts: int = 0
    matches: int = 0
    tombstones: int = 0
    begins_after: int = 0
    held: Held | None = None


Did = Folding | Pruning


@dataclass(frozen=True, slots=True)
class Part:
    """A part of it, with the name under which is stored when it was done."""

    name: str
    work: Callable[[Batches, Kept], Awaitable[Did]] = field(repr=False)


async def fold(batches: Batches, kept: Kept) -> Folding:
    """Fold what was delivered or cancelled long enough ago, and clear away what nothing needs after that."""
    before = await batches.db.read(_ago, kept.deliveries)
    done = await _fold_parcels(batches, before, await _fold_rows(batches, before))
    if done.deliveries or await batches.db.read(folding.behind, before):
        await batches.db.write(folding.note, before)
    async for _ in _through(batches, clearing.journal_over, clearing.drop_journal):
        pass
    async for _ in _through(batches, clearing.seats_over, clearing.drop_seats):
        pass
    return done


async def _fold_rows(batches: Batches, before: int) -> Folding:
    at, clear, done = await batches.db.read(folding.mark), True, Folding()
    more = True
    while more:
        piece = await batches.db.read(folding.find, at, before, batches.size)
        clear, more = clear and piece.clear, piece.more
        if piece.ids or (clear and piece.reached > at):
            cleared = piece.reached if clear else None
            gone = await batches.write(folding.fold, piece.ids, before, cleared)
            done = Folding(done.deliveries + gone.deliveries, done.attempts + gone.attempts)
        at = piece.reached
    return done


async def _fold_parcels(batches: Batches, before: int, done: Folding) -> Folding:
    def find(tx: Tx, after: int, limit: int) -> Found:
        return folding.find_parcels(tx, after, before, limit)

    def fold(tx: Tx, ids: tuple[int, ...]) -> Folded:
        return folding.fold_parcels(tx, ids, before)

    async for gone in _through(batches, find, fold):
        done = Folding(done.deliveries + gone.deliveries, done.attempts + gone.attempts)
    return done


async def _through(
    batches: Batches, find: Callable[[Tx, int, int], Found], work: Callable[[Tx, tuple[int, ...]], T]
) -> AsyncIterator[T]:
    """Go through a table by its ids, and do ``work`` with what is found; yields what it returns."""
    reached, more = 0, True
    while more:
        ids, reached, more = await batches.db.read(find, reached, batches.size)
        if ids:
            yield await batches.write(work, ids)


async def prune(batches: Batches, kept: Kept) -> Pruning:
    """Delete the log's oldest events and all that belongs to them, as far as nothing depends on them."""
    before = await batches.db.read(_ago, kept.events)
    newest = await batches.db.read(_shown_of_operations)
    done = Pruning()
    while True:
        reach = await batches.db.read(pruning.reach, before, max(1, batches.size // ROWS_OF_EVENT))
        done = replace(done, begins_after=reach.after, held=reach.held)
        if reach.last == reach.after:
            break
        done = await _clear(batches, reach.after + 1, reach.last, done)
        gone = await batches.write(pruning.drop, reach.after, reach.last, operations=not newest)
        if gone is None:
            break  # another process is at it
        done = replace(done, events=done.events + gone)
    while surplus := await batches.db.read(pruning.surplus, newest, max(1, batches.size // ROWS_OF_EVENT)):
        gone = await batches.write(pruning.drop_surplus, surplus)
        done = replace(done, events=done.events + gone)
    return replace(done, tombstones=await _tombstones(batches, before))


PARTS = (Part("deliveries", fold), Part("events", prune))


async def keep(
    db: Database, kept: Kept, node: str, *, every: float = EVERY, batches: Callable[[Database], Batches] = Batches
) -> Mapping[str, Did]:
    """Do each part that no node has done for ``every`` seconds; returns what each did that was done now."""
    done = {}
    for part in PARTS:
        if await db.write(upkeep.begin, part.name, node, every) == 0.0:
            done[part.name] = did = await part.work(batches(db), kept)
            told = figures(did)
            await db.write(upkeep.end, part.name, node, told)
            if any(isinstance(value, int) and key != "begins_after" and value for key, value in told.items()):
                log.info(f"maintenance.{part.name}", **told)
    return done


def at_once(db: Database) -> Batches:
    """For someone who waits for it: others have every other turn."""
    return Batches(db, rest=1.0)


def figures(did: Did) -> dict[str, Any]:
    """What was done, JSON-ready."""
    return {name: getattr(did, name) for name in did.__dataclass_fields__}


async def _clear(batches: Batches, first: int, last: int, done: Pruning) -> Pruning:
    """Fold what is left of deliveries of these events, dead ones above all, and delete what they were to filters."""
    while (folded := await batches.write(folding.fold_of, first, last, batches.size)) != Folded():
        deliveries, attempts = done.deliveries + folded.deliveries, done.attempts + folded.attempts
        done = replace(done, deliveries=deliveries, attempts=attempts)
    while matches := await batches.write(pruning.drop_matches, first, last, batches.size):
        done = replace(done, matches=done.matches + matches)
    return done


async def _tombstones(batches: Batches, before: int) -> int:
    count = 0
    for feed in await batches.db.read(tombstones.feeds):
        place: tombstones.Place | None = tombstones.BEGIN
        while place is not None:
            articles, place = await batches.db.read(
                tombstones.old, feed, before, shown=TOMBSTONES_SHOWN, after=place, limit=batches.size
            )
            if articles:
                count += await batches.write(tombstones.drop, feed, articles, before)
    return count


def _ago(tx: Tx, seconds: float) -> int:
    return tx.now - round(seconds * 1e6)


def _shown_of_operations(tx: Tx) -> int:
    """The most events of sources and webhooks that any feed shows, or showed whose file is gone only lately."""
    if not in_force.complete(tx):
        return MOST_SHOWN
    feeds = [*in_force.present(tx).values(), *in_force.lately(tx).values()]
    return max((feed.limit for feed in feeds if feed.items == "operations"), default=0)
