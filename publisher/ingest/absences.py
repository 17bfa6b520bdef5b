"""What becomes of articles that their source has no more: withdrawn, counted for now, or held.

A list may be cut short by a fault: an article is withdrawn when it was missing several times in a row, and none is
where too much is missing at once. What the source itself says is gone needs no second look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from publisher import changes, clock
from publisher.ingest.identity import recognised
from publisher.ingest.recorder import Recorder
from publisher.model.observed import Batch
from publisher.storage.engine.database import Tx
from publisher.storage.items import aliases, articles

MISSES = "misses"
"""The key of a stored bookmark under which the misses are kept; no source kind is shown it."""

NEVER_HELD = 3
"""So many may go at once from the smallest of sources."""


@dataclass(frozen=True, slots=True)
class Absences:
    """``withdrawn``: ids that go now. ``misses``: readings in a row in which an id was missing. ``held``: why none
    goes, in words; None where nothing is held.
    """

    withdrawn: frozenset[str] = frozenset()
    misses: Mapping[str, int] = field(default_factory=dict)
    held: str | None = None


def judge(standing: Collection[str], batch: Batch, misses: Mapping[str, int]) -> Absences:
    """Decide it for a source that has published ``standing``. Pure."""
    here = frozenset(standing)
    gone = batch.gone & here
    missing = frozenset() if batch.listed is None else here - batch.listed - gone
    absent = len(gone | missing)
    if absent > NEVER_HELD and absent > batch.hold_above * len(here):
        reason = (
            f"{absent} of {len(here)} articles vanished at once, so none is withdrawn. "
            "Where they are to go, set hold_above = 1.0 for this source"
        )
        return Absences(misses=misses, held=reason)
    if batch.listed is not None:
        misses = {one: misses.get(one, 0) + 1 for one in sorted(missing)}
    late = {one for one, count in misses.items() if count >= batch.gone_after}
    kept = {one: count for one, count in misses.items() if one not in late}
    return Absences(gone | (late & here), kept)


def settle(tx: Tx, recorder: Recorder, source: str, batch: Batch, misses: Mapping[str, int]) -> Absences:
    """Decide it, and withdraw what goes."""
    if batch.listed is None and not batch.gone:
        return Absences(misses=misses)
    recognised(tx, source, batch.articles)  # so that one which is listed by a new form of its address is not missed
    found = judge(articles.standing(tx, source), _as_known(tx, source, batch), misses)
    if found.withdrawn:
        now = clock.from_micros(tx.now)
        known = articles.known(tx, sorted(found.withdrawn)).values()
        recorder.record(tx, [changes.withdrawal(one, source=source, now=now) for one in known])
    return found


def _as_known(tx: Tx, source: str, batch: Batch) -> Batch:
    """The batch with the ids by which articles are known here instead of those that the source makes of addresses."""
    known_as = aliases.among(tx, source, batch.gone | (batch.listed or frozenset()))
    if not known_as:
        return batch
    gone = frozenset(known_as.get(one, one) for one in batch.gone)
    listed = None if batch.listed is None else frozenset(known_as.get(one, one) for one in batch.listed)
    return replace(batch, gone=gone, listed=listed)
