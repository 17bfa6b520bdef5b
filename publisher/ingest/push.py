"""What is pushed: articles, withdrawals and observations. Once it is committed, every feed shows it.

The functions that take a transaction are for callers who do more in it: answer under an ``Idempotency-Key``, or compare
with what is there first. The others commit by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publisher import changes, clock, telemetry
from publisher.errors import NotFound
from publisher.ingest.embargoes import release_due
from publisher.ingest.erasure import Eraser
from publisher.ingest.provenance import accounted
from publisher.ingest.recorder import PUSHED, Definitions, Recorder, prepared
from publisher.model import Indicator, article_json
from publisher.model.change import ArticleChange, IndicatorChange, Outcome
from publisher.model.observed import Batch, ObservedArticle
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import articles, embargoes, erasure
from publisher.storage.log import events

log = telemetry.logger(__name__)

_PREPARED_AT_ONCE = 8_192
"""Characters of text that are looked through where requests are served; more is, beside them."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A pushed article: what it was, its JSON form, and the version it now has (see :meth:`Intake.version`).

    ``until`` is set where it waits for its published time.
    """

    id: str
    outcome: Outcome
    version: str
    data: dict[str, Any]
    until: datetime | None = None


class Intake:
    """Takes what is pushed, and publishes what waited."""

    def __init__(self, db: Database, definitions: Definitions) -> None:
        self._db = db
        self._definitions = definitions
        self._eraser = Eraser(db, definitions)

    async def push_article(self, observed: ObservedArticle) -> tuple[Outcome, dict[str, Any]]:
        """Take one article; returns what it was (new, changed, unchanged, embargoed) and its JSON form."""
        (taken,) = await self._db.write(self.take, await self.prepared([observed]))
        return taken.outcome, taken.data

    async def push_indicators(self, observed: Sequence[Indicator]) -> list[Outcome]:
        """Take observations, in one transaction; returns an outcome for each, in their order."""
        return [change.outcome for change in await self._db.write(self.observe, observed)]

    async def withdraw(self, article_id: str) -> Outcome:
        """Withdraw an article: it leaves every feed and its followers are told. Doing it twice is no second event.

        Raises NotFound for an id that was never seen.
        """
        return await self._db.write(self.remove, article_id)

    async def erase(self, article_id: str, check: Callable[[Tx], object] = lambda _tx: None) -> None:
        """Withdraw an article if need be, and remove its text for good. Doing it twice is no second event.

        ``check`` is called in the same transaction first, and stops it by raising. Raises NotFound for an id that was
        never seen.
        """
        await self._eraser.erase(article_id, check)

    async def wipe(self) -> None:
        """Wipe what was erased from the database's journal too, if that is still to be done."""
        await self._eraser.finish()

    async def settle(self) -> int:
        """Send the settled state of articles that went back and forth and now stand still; returns how many."""
        return await self._db.write(self._settle)

    async def release_due(self) -> int:
        """Publish the articles whose time has come; returns how many."""
        return await release_due(self._db, self._definitions)

    async def next_due(self) -> float | None:
        """Seconds until the next embargo ends, by the database's clock (0: now); None if none waits."""
        return await self._db.read(embargoes.next_due)

    def version(self, tx: Tx, article_id: str) -> str | None:
        """The version of an article: its revision, ``r3``; while it waits, ``r3.2``: its second edition after that.

        None for one that is withdrawn or was never seen.
        """
        return version(tx, article_id)

    async def prepared(self, observed: Sequence[ObservedArticle]) -> Sequence[ObservedArticle]:
        """What :meth:`take` is best given: articles whose fingerprints are taken, so that no transaction waits."""
        if sum(len(one.article.body) for one in observed) <= _PREPARED_AT_ONCE:
            return _prepared(observed)
        return await asyncio.to_thread(_prepared, observed)

    def take(self, tx: Tx, observed: Sequence[ObservedArticle]) -> list[Taken]:
        """Take articles of different ids; returns what each was, in their order.

        An article that a source found belongs to ``api`` from then on.
        """
        decided = Recorder(self._definitions, PUSHED).apply(tx, Batch(articles=_prepared(observed)))
        changed = {one.article.id: one for one in decided if isinstance(one, ArticleChange)}
        return [_taken(tx, one, changed[one.article.id]) for one in observed]

    def observe(self, tx: Tx, observed: Sequence[Indicator]) -> list[IndicatorChange]:
        """Take observations; returns what each was, in their order. What is pushed twice agrees with itself."""
        decided = Recorder(self._definitions, PUSHED).apply(tx, Batch(indicators=tuple(observed)))
        return [change for change in decided if isinstance(change, IndicatorChange)]

    def remove(self, tx: Tx, article_id: str) -> Outcome:
        """Withdraw an article, as :meth:`withdraw` does.

        It belongs to ``api`` from then on, so that the source it came from does not bring it back.
        """
        events.lock(tx)
        self._definitions.check(tx)
        known = articles.known(tx, [article_id]).get(article_id)
        waiting = embargoes.get(tx, article_id)
        if known is None and waiting is None:
            raise NotFound(f"no article has the id {article_id!r}")
        if waiting is not None:
            embargoes.drop(tx, [article_id])
        if known is None or known.withdrawn_at is not None:
            erasure.bury(tx, article_id, PUSHED)
            return Outcome.UNCHANGED if waiting is None else Outcome.WITHDRAWN
        change = changes.withdrawal(known, source=PUSHED, now=clock.from_micros(tx.now))
        Recorder(self._definitions, PUSHED).record(tx, [change])
        return change.outcome

    def _settle(self, tx: Tx) -> int:
        events.lock(tx)
        self._definitions.check(tx)
        now = clock.from_micros(tx.now)
        due = [changes.settled(known, now=now) for known in articles.due_held(tx)]
        for change in due:
            Recorder(self._definitions, change.source).record(tx, [change])
        return len(due)


def _prepared(observed: Sequence[ObservedArticle]) -> tuple[ObservedArticle, ...]:
    if all(one.fingerprint for one in observed):
        return tuple(observed)
    return prepared(accounted(observed, PUSHED))


def version(tx: Tx, article_id: str) -> str | None:
    """See :meth:`Intake.version`."""
    stored, waiting = articles.get(tx, article_id), embargoes.get(tx, article_id)
    revision = stored.revision if stored else 0
    if waiting is not None:
        return f"r{revision}.{waiting.edition}"
    return None if stored is None or stored.withdrawn_at is not None else f"r{revision}"


def _taken(tx: Tx, observed: ObservedArticle, change: ArticleChange) -> Taken:
    data = article_json(observed.article)
    if change.waiting is None:
        return Taken(change.article.id, change.outcome, f"r{change.revision}", data)
    return Taken(
        change.article.id, Outcome.EMBARGOED, version(tx, change.article.id) or "", data, observed.article.published
    )
