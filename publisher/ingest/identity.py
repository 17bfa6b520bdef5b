"""One article under several addresses: its source's own key for it, where it has one, says that it is the same.

An article is known by its URL. Where that changes while the key stays (the link of a list, the guid of a feed), it is
the article that was there before; and what is met later under the new URL alone is that article too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from publisher.model import identity_id
from publisher.model.observed import ObservedArticle
from publisher.storage import aliases, articles
from publisher.storage.database import Tx


def recognised(tx: Tx, source: str, observed: Sequence[ObservedArticle]) -> list[ObservedArticle]:
    """What was observed under the ids by which it is known, which are kept for the next time."""
    keys = _keys(observed)
    if not keys:
        return list(observed)
    own = {one.article.id for one in observed}
    known_as = aliases.among(tx, source, own | set(keys.values()))
    candidates = own | set(keys.values()) | set(known_as.values())
    here = {id for id, one in articles.known(tx, candidates).items() if one.source == source}
    found: list[ObservedArticle] = []
    learnt: dict[str, str] = {}
    for one in observed:
        key = keys.get(one.article.id)
        id = resolve(one.article.id, key, known_as=known_as, here=here, own=own)
        for other in (one.article.id, key):
            if other is not None and other != id and other not in here and known_as.get(other) != id:
                learnt[other] = id
        found.append(one if id == one.article.id else replace(one, article=one.article.model_copy(update={"id": id})))
    aliases.keep(tx, source, learnt)
    return found


def resolve(
    id: str, key: str | None, *, known_as: Mapping[str, str], here: Collection[str], own: Collection[str]
) -> str:
    """The id of the article that was observed under ``id`` and ``key``. Pure.

    ``here`` are the source's articles, ``own`` the ids of everything observed beside it: a key that leads to one of
    those is one that the source gives to another article each time.
    """
    if id in here:
        return id
    by_key = None if key is None else known_as.get(key, key)
    if by_key in here and by_key not in own:
        return str(by_key)
    return known_as.get(id, id) if known_as.get(id) in here else id


def _keys(observed: Sequence[ObservedArticle]) -> dict[str, str]:
    """The id of each article that has a key of its own → the id that the key makes."""
    counts = Counter(one.key for one in observed)
    return {one.article.id: identity_id(one.key) for one in observed if one.key and counts[one.key] == 1}
