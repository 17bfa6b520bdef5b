"""Removing an article for good: withdrawn first if need be, so that its followers are told, then without its text."""

from __future__ import annotations

from collections.abc import Callable

from publisher import changes, clock, telemetry
from publisher.errors import NotFound
from publisher.ingest.recorder import PUSHED, Definitions, Recorder
from publisher.model import Event
from publisher.selection import Followers, Judge
from publisher.storage.configuration import in_force
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import articles, embargoes, erasure
from publisher.storage.log import events
from publisher.storage.subscriptions.fanout import Judged

log = telemetry.logger(__name__)

PATH = "/api/v1/articles/"


class Eraser:
    """Erases articles. What a stop kept from being wiped from the database's files is wiped after the next start."""

    def __init__(self, db: Database, definitions: Definitions) -> None:
        self._db = db
        self._definitions = definitions
        self._unwiped = True

    async def erase(self, id: str, check: Callable[[Tx], object]) -> None:
        """See :meth:`publisher.ingest.Intake.erase`."""
        await self._db.write(self._erase, id, check)
        self._unwiped = True
        await self.finish()
        log.info("article.erased", id=id)

    async def finish(self) -> None:
        """See :meth:`publisher.ingest.Intake.wipe`; a reader may delay it."""
        if self._unwiped:
            self._unwiped = not await self._db.wipe()

    def _erase(self, tx: Tx, id: str, check: Callable[[Tx], object]) -> None:
        events.lock(tx)
        self._definitions.check(tx)
        known, waiting = articles.known(tx, [id]).get(id), embargoes.get(tx, id)
        if known is None and waiting is None:
            raise NotFound(f"no article has the id {id!r}")
        check(tx)
        if known is not None and known.withdrawn_at is None:
            change = changes.withdrawal(known, source=PUSHED, now=clock.from_micros(tx.now))
            Recorder(self._definitions, PUSHED).record(tx, [change])
        else:
            erasure.bury(tx, id, PUSHED)
        unsent, filters = erasure.unsent(tx, id)
        standing = in_force.standing(tx, unsent[0].seq - 1 if unsent else 0)
        judge = Judge(in_force.present(tx), standing.removed, standing.closed, standing.opened)
        followers = Followers((one.id, one.filter, one.public) for one in filters)
        erasure.settle(tx, [_judged(event, followers, judge) for event in unsent])
        erasure.erase(tx, id, PATH + id)


def _judged(event: Event, followers: Followers, judge: Judge) -> Judged:
    return Judged(event.seq, {} if event.quiet or event.erased else judge.matches(event, followers))
