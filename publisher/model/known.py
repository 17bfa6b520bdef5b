"""What is stored of an item before a reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publisher.model.provenance import NOTHING_KNOWN, Provenance


@dataclass(frozen=True, slots=True)
class KnownArticle:
    """A stored article. ``data`` is its JSON form; ``recent`` its last fingerprints and when each was taken.

    ``held_provenance`` is that of ``held``.
    """

    id: str
    source: str
    identity: str
    fingerprint: str
    revision: int
    data: dict[str, Any]
    first_seen_at: datetime
    changed_at: datetime
    withdrawn_at: datetime | None = None
    recent: tuple[tuple[str, datetime], ...] = ()
    held: dict[str, Any] | None = None
    held_until: datetime | None = None
    provenance: Provenance = NOTHING_KNOWN
    held_provenance: Provenance | None = None


@dataclass(frozen=True, slots=True)
class KnownIndicator:
    """A stored observation: the newest of its symbol. ``last_seen_at`` is when it was last read as it is."""

    symbol: str
    period: str
    source: str
    fingerprint: str
    revision: int
    data: dict[str, Any]
    first_seen_at: datetime
    changed_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class HeldObservation:
    """An observation that waits for a second one that agrees: it is far from what is published. ``source`` read it."""

    symbol: str
    source: str
    held_at: datetime
    data: dict[str, Any]
