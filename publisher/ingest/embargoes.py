"""Publishing what waited, at its time. The times are in the database: whoever starts next goes on with them."""

from __future__ import annotations

from itertools import groupby

from publisher import telemetry
from publisher.ingest.recorder import Definitions, Recorder
from publisher.model import Article
from publisher.model.base import STORED
from publisher.model.observed import Batch, ObservedArticle
from publisher.storage.engine.database import Database, Tx
from publisher.storage.items import embargoes
from publisher.storage.items.embargoes import Embargo
from publisher.storage.log import events

log = telemetry.logger(__name__)

CHUNK = 100
"""Articles published in one transaction, and so what a push waits for at most."""


async def release_due(db: Database, definitions: Definitions) -> int:
    """Publish the articles whose time has come, those due longest first; returns how many."""
    released = 0
    while await db.read(embargoes.next_due) == 0:
        published = await db.write(_release, definitions)
        for one in published:
            log.info("embargo.ended", id=one.id, source=one.source)
        released += len(published)
    return released


def _release(tx: Tx, definitions: Definitions) -> list[Embargo]:
    events.lock(tx)
    due = embargoes.due(tx, CHUNK)
    for source, group in groupby(due, key=lambda one: one.source):
        # Not quiet, whatever the reading was that brought it: its followers wait for it.
        Recorder(definitions, source).apply(tx, Batch(articles=tuple(map(_observed, group))))
    embargoes.drop(tx, [one.id for one in due])
    return due


def _observed(one: Embargo) -> ObservedArticle:
    article, provenance = Article.model_validate(one.data, context=STORED), one.provenance
    return ObservedArticle(article, one.identity, "embargo", origins=provenance.origins, doubts=provenance.doubts)
