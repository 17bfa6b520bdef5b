"""Articles: is what was read new, changed, unchanged, or going back and forth?

An article that returns to a state it had (A→B→A) is told of the first three times within an hour. From the fourth on
its newest state waits; it is sent once, when it has stood still for ``SETTLE_TIME``. What returns to the state that
followers already have was nothing, and is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from publisher.changes.fingerprint import article_fingerprint, canonical_article, differing, is_current
from publisher.clock import SKEW, rfc3339
from publisher.model import Article, EventType, article_json
from publisher.model.base import STORED
from publisher.model.change import ArticleChange, Outcome
from publisher.model.known import KnownArticle
from publisher.model.observed import ObservedArticle
from publisher.model.provenance import Provenance

WINDOW = timedelta(hours=1)
RETURNS_SENT = 3
SETTLE_TIME = timedelta(minutes=15)
LONGEST_SLIP = timedelta(hours=26)
"""Between the zones that are furthest apart: no time is further off because of a wrong zone."""
_RECENT_KEPT = 24

Recent = tuple[tuple[str, datetime], ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A reading that is compared: the article, its JSON form and fingerprint, whose it is, when, and by what."""

    article: Article
    data: dict[str, Any]
    fingerprint: str
    source: str
    now: datetime
    provenance: Provenance


def article(
    known: KnownArticle | None, observed: ObservedArticle, *, source: str, now: datetime, settle: bool, rebaseline: bool
) -> ArticleChange:
    """Decide what an observed article is.

    ``settle``: a state that keeps returning may wait (pulling sources; a push is always carried out). ``rebaseline``:
    the way of reading changed, so that a difference is ours and no event. A changed article belongs to the source that
    changed it; ``before`` then says which one it came from (see :func:`was`).
    """
    data = article_json(observed.article)
    taken = observed.fingerprint or article_fingerprint(data)
    seen = _Seen(observed.article, data, taken, source, now, _provenance(observed))
    if known is None or known.withdrawn_at is not None:
        return ArticleChange(
            Outcome.NEW,
            source,
            observed.identity,
            seen.article,
            seen.fingerprint,
            revision=known.revision + 1 if known else 1,
            event=EventType.ARTICLE_PUBLISHED,
            recent=((seen.fingerprint, now),),
            provenance=seen.provenance,
        )
    if rebaseline or not is_current(known.fingerprint):
        return _rebaselined(known, seen)
    if seen.fingerprint == known.fingerprint:
        kept = _kept(known) if known.held is None else _nothing_after_all(known)
        return replace(kept, provenance=known.provenance.renewed(seen.provenance))
    if settle and _keeps_returning(known.recent, seen):
        return _waiting(known, seen)
    return _changed(known, seen)


def is_early(article: Article, now: datetime) -> bool:
    """Whether the article's published time is still to come."""
    return article.published is not None and article.published > now


def as_shown(
    known: KnownArticle | None, observed: ObservedArticle, now: datetime
) -> tuple[ObservedArticle, str | None]:
    """An article that its site shows already, with times that can be: and what is to be told where they cannot.

    A time to come is a slip of the site's clock or zone there, and no embargo. The article then has the time at which
    it was first read, and keeps it when the site's time has come: nothing happened to it then.
    """
    article = observed.article
    began = known.first_seen_at if known is not None and known.withdrawn_at is None else now
    had = _stored(known.data) if known is not None and known.withdrawn_at is None else None
    first = began.replace(microsecond=0)
    taken: dict[str, datetime | None] = {}
    if article.published is not None:
        slipped = had is not None and had.published == first and SKEW < article.published - began <= LONGEST_SLIP
        if slipped or article.published > now + SKEW:
            taken["published"] = (had.published if had else None) or first
    edited = article.updated
    if edited is not None and (edited > now + SKEW or ("published" in taken and edited - began <= LONGEST_SLIP)):
        taken["updated"] = None
    if not taken:
        return observed, None
    said = rfc3339((article.published if "published" in taken else edited) or now)
    told = "the time at which it was first read is taken" if "published" in taken else "its edit is left without a time"
    shown = replace(observed, article=article.model_copy(update=taken), fingerprint=None)
    return shown, f"the site shows it already and says {said}: {told}; is the timezone of the source right?"


def embargoed(known: KnownArticle | None, observed: ObservedArticle, *, source: str, now: datetime) -> ArticleChange:
    """Decide what an article does whose published time is still to come: it waits.

    One that is published already is withdrawn until then. The withdrawal tells of the article as followers know it,
    and nothing of the one that waits.
    """
    if known is not None and known.withdrawn_at is None:
        withdrawn = withdrawal(known, source=source, now=now)
        return replace(withdrawn, waiting=observed.article, later=_provenance(observed))
    return ArticleChange(
        Outcome.EMBARGOED,
        source,
        observed.identity,
        observed.article,
        fingerprint="",
        revision=known.revision if known else 0,
        waiting=observed.article,
        later=_provenance(observed),
    )


def settled(known: KnownArticle, now: datetime) -> ArticleChange:
    """Decide what becomes of an observation whose waiting time (``held_until``) has come."""
    if known.held is None or known.withdrawn_at is not None:
        return _nothing_after_all(known)
    taken = article_fingerprint(known.held)
    if taken == known.fingerprint:
        return _nothing_after_all(known)
    provenance = known.held_provenance or known.provenance
    return _changed(known, _Seen(_stored(known.held), known.held, taken, known.source, now, provenance))


def withdrawal(known: KnownArticle, *, source: str, now: datetime) -> ArticleChange:
    """Take an article back; it belongs to ``source`` from then on. One that is withdrawn already is unchanged."""
    if known.withdrawn_at is not None:
        return _kept(known)
    return replace(
        _kept(known),
        outcome=Outcome.WITHDRAWN,
        source=source,
        revision=known.revision + 1,
        before=was(known.data, known.source, source),
        event=EventType.ARTICLE_WITHDRAWN,
    )


def was(data: dict[str, Any], source: str, now_of: str) -> dict[str, Any]:
    """What was known of an item, for ``before``; with its ``source`` where it now belongs to another.

    A feed can select by source, so what the item left must stay tellable.
    """
    return data if source == now_of else {**data, "source": source}


def _stored(data: dict[str, Any]) -> Article:
    return Article.model_validate(data, context=STORED)


def _kept(known: KnownArticle) -> ArticleChange:
    return ArticleChange(
        Outcome.UNCHANGED,
        known.source,
        known.identity,
        _stored(known.data),
        known.fingerprint,
        known.revision,
        recent=known.recent,
        provenance=known.provenance,
    )


def _provenance(observed: ObservedArticle) -> Provenance:
    return Provenance(observed.origins, observed.doubts)


def _nothing_after_all(known: KnownArticle) -> ArticleChange:
    """The stored article once more, so that what waited beside it is dropped."""
    return replace(_kept(known), outcome=Outcome.REBASELINED, before=known.data)


def _rebaselined(known: KnownArticle, seen: _Seen) -> ArticleChange:
    if seen.fingerprint == known.fingerprint and seen.data == known.data and known.held is None:
        return replace(_kept(known), provenance=known.provenance.renewed(seen.provenance))
    return replace(_replaced(known, seen), outcome=Outcome.REBASELINED, recent=((seen.fingerprint, seen.now),))


def _changed(known: KnownArticle, seen: _Seen) -> ArticleChange:
    return replace(
        _replaced(known, seen),
        event=EventType.ARTICLE_UPDATED,
        changed=differing(canonical_article(known.data), canonical_article(seen.data)),
    )


def _replaced(known: KnownArticle, seen: _Seen) -> ArticleChange:
    return ArticleChange(
        Outcome.CHANGED,
        seen.source,
        known.identity,
        seen.article,
        seen.fingerprint,
        known.revision + 1,
        before=was(known.data, known.source, seen.source),
        recent=(*known.recent, (seen.fingerprint, seen.now))[-_RECENT_KEPT:],
        provenance=seen.provenance,
    )


def _waiting(known: KnownArticle, seen: _Seen) -> ArticleChange:
    if known.held is not None and article_fingerprint(known.held) == seen.fingerprint:
        held = replace(_kept(known), article=_stored(known.held), held_until=known.held_until)
        return replace(held, later=seen.provenance)
    return ArticleChange(
        Outcome.HELD,
        known.source,
        known.identity,
        seen.article,
        seen.fingerprint,
        known.revision,
        before=known.data,
        recent=known.recent,
        held_until=seen.now + SETTLE_TIME,
        provenance=known.provenance,
        later=seen.provenance,
    )


def _keeps_returning(recent: Recent, seen: _Seen) -> bool:
    """Whether this would be one return too many to this state within the hour."""
    had = [at for state, at in recent if state == seen.fingerprint]
    # The first of them is where it began; the others were returns, and so would this one be.
    return sum(at > seen.now - WINDOW for at in had[1:]) >= RETURNS_SENT
