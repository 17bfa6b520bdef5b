"""What is pushed: articles, withdrawals and observations. Once a call returns, it is stored and every feed shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from publisher import changes, clock
from publisher.errors import NotFound
from publisher.ingest.recorder import PUSHED, Definitions, Recorder
from publisher.model import Indicator, article_json
from publisher.model.change import Outcome
from publisher.model.observed import Batch, ObservedArticle
from publisher.storage import articles, events
from publisher.storage.database import Database, Tx


class Intake:
    """Takes what is pushed."""

    def __init__(self, db: Database, definitions: Definitions) -> None:
        self._db = db
        self._definitions = definitions

    async def push_article(self, observed: ObservedArticle) -> tuple[Outcome, dict[str, Any]]:
        """Take one article; returns what it was (new, changed, unchanged) and its JSON form.

        An article that a source found belongs to ``api`` from then on.
        """
        recorder = Recorder(self._definitions, PUSHED)
        (change,) = await self._db.write(recorder.apply, Batch(articles=(observed,)))
        return change.outcome, article_json(observed.article)

    async def push_indicators(self, observed: Sequence[Indicator]) -> list[Outcome]:
        """Take observations, in one transaction; returns an outcome for each, in their order."""
        recorder = Recorder(self._definitions, PUSHED)
        decided = await self._db.write(recorder.apply, Batch(indicators=tuple(observed)))
        return [change.outcome for change in decided]

    async def withdraw(self, article_id: str) -> Outcome:
        """Withdraw an article: it leaves every feed and its followers are told. Doing it twice is no second event.

        The article belongs to ``api`` from then on, so that the source it came from does not bring it back.
        Raises NotFound for an id that was never seen.
        """
        return await self._db.write(self._withdraw, article_id)

    def _withdraw(self, tx: Tx, article_id: str) -> Outcome:
        events.lock(tx)
        known = articles.known(tx, [article_id]).get(article_id)
        if known is None:
            raise NotFound(f"no article has the id {article_id!r}")
        change = changes.withdrawal(known, source=PUSHED, now=clock.from_micros(tx.now))
        if change.outcome is Outcome.WITHDRAWN:
            Recorder(self._definitions, PUSHED).record(tx, [change])
        return change.outcome

    async def settle(self) -> int:
        """Send the settled state of articles that went back and forth and now stand still; returns how many."""
        return await self._db.write(self._settle)

    def _settle(self, tx: Tx) -> int:
        events.lock(tx)
        now = clock.from_micros(tx.now)
        due = [changes.settled(known, now=now) for known in articles.due_held(tx)]
        for change in due:
            Recorder(self._definitions, change.source).record(tx, [change])
        return len(due)
