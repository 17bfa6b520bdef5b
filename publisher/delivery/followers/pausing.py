"""Subscriptions that cannot go on: standing still while their feeds are away, disabled after a day, and told.

One way for every reason: whatever ends a subscription calls :func:`end`, and what it is owed is told by :func:`tell`.
"""

from __future__ import annotations

from collections.abc import Callable

from publisher import telemetry
from publisher.delivery.endpoints.circuit import OPENS_AFTER
from publisher.delivery.followers import permissions
from publisher.model import Event
from publisher.model.change import FeedTouch
from publisher.selection import FeedIndex
from publisher.storage.configuration import feeds as feed_states
from publisher.storage.configuration import in_force
from publisher.storage.configuration.in_force import KEPT_SECONDS
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import health, notices, rights, stretches, subscriptions, verification
from publisher.unbroken import unbroken

log = telemetry.logger(__name__)

CHUNK = 100
"""Subscriptions told of in one transaction: each takes about ten statements."""

FAILED_SECONDS = 5 * 86_400
"""For how long everything has to fail at an endpoint before its subscription is disabled."""

_SAID = ("state", "reason", "failures", "error")


def end(tx: Tx, id: str, reason: str, *, failed: bool = False) -> Event | None:
    """Disable one subscription and tell; returns the event, None if it was disabled before. Raises NotFound.

    ``failed``: its endpoint is why.
    """
    return _shown(tx, notices.disable_and_tell(tx, id, reason, failed=failed))


async def keep(db: Database) -> int:
    """Pause what lost all its feeds, and end what has had none for a day or failed for five; returns how many ended.
    Delete what was registered without a key and not verified within a day.

    Each change of definitions pauses by itself; this is for what was registered at that moment. It goes by what was
    taken last by any process on this database: the files of this one may be older.
    """
    if await db.read(permissions.misplaced):
        await unbroken(db.write(permissions.pause_stranded))
    ended = 0
    if await db.read(rights.stood_still, KEPT_SECONDS, 1):
        ended = await _all(db, _end_some)
    if await db.read(_in_vain, 1):
        ended += await _all(db, _end_failing)
    if await db.read(verification.expired, 1):
        await unbroken(db.write(_forget_unverified))
    if in_vain := await db.read(rights.held_in_vain, KEPT_SECONDS):
        await unbroken(db.write(_let_go, in_vain))
    await tell(db)
    return ended


async def tell(db: Database) -> int:
    """Tell in the log what is owed of subscriptions: that they may follow less or more, or fail; returns how many."""
    return await _all(db, _tell_some) if await db.read(notices.owed, 1) else 0


async def _all(db: Database, some: Callable[[Tx], list[Event]]) -> int:
    count = 0
    while told := await unbroken(db.write(some)):
        for event in told:
            said = {key: event.data[key] for key in _SAID if event.data.get(key) is not None}
            log.warning(event.type.value, id=event.subject, **said)
        count += len(told)
    return count


def _let_go(tx: Tx, gone: list[str]) -> None:
    stretches.hold(tx)
    # One of them may have come back since it was looked for.
    rights.let_go(tx, set(gone) & set(rights.held_in_vain(tx, KEPT_SECONDS)))


def _forget_unverified(tx: Tx) -> None:
    for id_ in verification.expired(tx, CHUNK):
        subscriptions.delete(tx, id_)


def _end_some(tx: Tx) -> list[Event]:
    stretches.hold(tx)
    if permissions.misplaced(tx):  # one of their feeds may have come back since they were looked for
        permissions.pause_stranded(tx)
    found = []
    for id_ in rights.stood_still(tx, KEPT_SECONDS, CHUNK):
        one = subscriptions.get(tx, id_)
        if one is not None:
            found.append(end(tx, id_, permissions.removed(one.filter.feeds)))
    return [event for event in found if event is not None]


def _in_vain(tx: Tx, limit: int) -> list[tuple[str, str]]:
    return health.in_vain(tx, OPENS_AFTER, FAILED_SECONDS, limit)


def _end_failing(tx: Tx) -> list[Event]:
    stretches.hold(tx)
    days = FAILED_SECONDS // 86_400
    found = [
        end(tx, id_, f"every attempt has failed for {days} days; the last one: {error}", failed=True)
        for id_, error in _in_vain(tx, CHUNK)
    ]
    return [event for event in found if event is not None]


def _tell_some(tx: Tx) -> list[Event]:
    stretches.hold(tx)
    owed = notices.owed(tx, CHUNK)
    found = (_shown(tx, notices.tell(tx, id_, permissions.withheld(tx, id_))) for id_ in owed)
    return [event for event in found if event is not None]


def _shown(tx: Tx, event: Event | None) -> Event | None:
    """Raise the version of the operations feeds that show it."""
    if event is not None:
        touched = FeedIndex.of(in_force.present(tx).values()).judge(event)
        feed_states.touch(tx, [FeedTouch(name, change) for name, change in touched.items()])
    return event
