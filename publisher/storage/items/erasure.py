"""Removing an article's text for good. What stays is the id, the tombstones and the events without their content.

Followers must still be told that it is gone, but which followers depends on its content (topics, section), which is
erased too. So the events that are not fanned out yet are matched with each filter first (:func:`unsent`,
:func:`settle`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, update

from publisher.model import Change, Event, EventType
from publisher.storage.access import idempotency
from publisher.storage.engine.database import Tx
from publisher.storage.engine.tables import article_facets, articles
from publisher.storage.engine.values import dump
from publisher.storage.items import embargoes
from publisher.storage.log import events
from publisher.storage.subscriptions import deliveries, exchanges, fanout
from publisher.storage.subscriptions.fanout import Followed, Judged

_TYPES = [type for type in EventType if type.items == "articles"]
_ALL = 2**31


def unsent(tx: Tx, id: str) -> tuple[list[Event], tuple[Followed, ...]]:
    """The article's events that have no delivery yet, and every filter that may match one of them.

    The fan-out keeps its place until this transaction ends.
    """
    at = fanout.hold(tx)
    begun = (
        at.seq + 1 if at.subscription else at.seq
    )  # for the event under way, the matches with each filter are stored already
    return events.after(tx, begun, _ALL, subject=id, types=_TYPES), fanout.followed(tx, at.seq)


def settle(tx: Tx, judged: Sequence[Judged]) -> None:
    """Store the matches of events with each filter ahead of the fan-out, where they take the article away; drop the
    rest.
    """
    for one in judged:
        parting = {filter_id: match for filter_id, match in one.matches.items() if match.change is Change.LEFT}
        fanout.store_matches(tx, [Judged(one.seq, parting)])


def erase(tx: Tx, id: str, path: str) -> None:
    """Erase an article that is withdrawn, or was never published; ``path`` is its address in the API.

    Open deliveries of its events are cancelled, except those that take the article from a follower: they carry the id
    alone from here on. What receivers answered goes too, since some answer with what they got.
    """
    seqs = events.erase(tx, id)
    values = {"identity": id, "fingerprint": "", "recent": "[]", "held": None, "held_until": None}
    values |= {"provenance": "{}", "held_provenance": None}
    tx.conn.execute(update(articles).where(articles.c.id == id).values(**values, data=_reduced(id)))
    tx.conn.execute(delete(article_facets).where(article_facets.c.article_id == id))
    embargoes.drop(tx, [id])
    idempotency.erase(tx, id, path)
    deliveries.cancel_erased(tx, seqs)
    exchanges.erase(tx, seqs)


def bury(tx: Tx, id: str, source: str) -> None:
    """Keep the row of an article whose embargo is withdrawn, so that its source does not bring it back.

    For one that was published before and is withdrawn, only the source changes.
    """
    times = dict.fromkeys(("ordered_at", "first_seen_at", "last_seen_at", "changed_at", "withdrawn_at"), tx.now)
    row = {"id": id, "source": source, "identity": id, "fingerprint": "", "revision": 0, **times, "data": _reduced(id)}
    statement = tx.dialect.insert(articles).values(row)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=[articles.c.id], set_={"source": source}))


def _reduced(id: str) -> str:
    return dump({"id": id, "erased": True})
