"""One article under several addresses: its source's own key for it, where it has one, says that it is the same.

An article is known by its URL. Where that changes while the key stays (the link of a list, the guid of a feed), it is
the article that was there before; and what is met later under the new URL alone is that article too. Those that their
source knows by their keys alone are told apart first (:mod:`publisher.ingest.apart`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from publisher.ingest.apart import Store, ids, needs_claims, told_apart
from publisher.model import identity_id
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.urls import addresses, siblings
from publisher.storage.engine.database import Tx
from publisher.storage.items import aliases, articles


@dataclass(slots=True)
class Recognised:
    """What was observed, in its order and under the ids by which it is known, and what is doubtful about that."""

    articles: list[ObservedArticle] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def recognised(tx: Tx, source: str, observed: Sequence[ObservedArticle]) -> Recognised:
    """What was observed under the ids by which it is known, which are kept for the next time."""
    observed = [one if one.addresses else replace(one, addresses=_addresses(one)) for one in observed]
    keys = _keys(observed)
    forms = {id for one in observed for id in (*ids(one.keys), *ids(one.addresses))}
    if not keys and not forms and not any(map(_address, observed)):
        return Recognised(list(observed))
    own = {one.article.id for one in observed}
    known_as = aliases.among(tx, source, own | set(keys.values()) | forms)
    candidates = own | set(keys.values()) | forms | set(known_as.values())
    here = {id: one for id, one in articles.known(tx, candidates).items() if one.source == source}
    observed, store = _moved(tx, source, observed, Store(known_as, here))
    apart = [one for one in observed if one.keys]
    unsure = {id for one in apart if needs_claims(one, store) for id in store.at(one)}
    found = told_apart(apart, store, aliases.of(tx, source, unsure))
    learnt = found.learnt
    recognised = Recognised(problems=found.problems)
    for one in observed:
        if not one.keys:
            id = _by_address(one, keys.get(one.article.id), store, own)
            learnt |= _learnt(one, keys.get(one.article.id), id, store)
            found.articles[one.article.id] = _under(one, id)
        recognised.articles.append(found.articles[one.article.id])
    aliases.keep(tx, source, learnt)
    return recognised


def _moved(
    tx: Tx, source: str, observed: Sequence[ObservedArticle], store: Store
) -> tuple[Sequence[ObservedArticle], Store]:
    """What was observed where nothing is known, with the address that its site had for it before it moved, if any."""
    unmet = {
        one.article.id: {identity_id(url): url for url in siblings(_address(one) or "")}
        for one in observed
        if _address(one) and not (one.article.id in store.here or store.by_key(one) or store.at(one))
    }
    forms = {id for those in unmet.values() for id in those}
    if not forms:
        return observed, store
    known_as = aliases.among(tx, source, forms)
    found = articles.known(tx, forms | set(known_as.values()))
    here = {id: one for id, one in found.items() if one.source == source}
    met = {id: [url for form, url in those.items() if known_as.get(form, form) in here] for id, those in unmet.items()}
    moved = [
        replace(one, addresses=(*(one.addresses or (one.identity,)), *more))
        if (more := met.get(one.article.id))
        else one
        for one in observed
    ]
    return moved, Store({**store.known_as, **known_as}, {**store.here, **here})


def _address(one: ObservedArticle) -> str | None:
    """The address by which an article is known, or would be if it were by its address."""
    if one.addresses or one.keys:
        return next(iter(one.addresses), None)
    url = one.article.url
    is_by_address = url is not None and one.identity in addresses(url) and one.article.id == identity_id(one.identity)
    return one.identity if is_by_address else None


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


def _by_address(one: ObservedArticle, key: str | None, store: Store, own: Collection[str]) -> str:
    """As :func:`resolve`; what an earlier version knew by another form of its address stays that article."""
    id = resolve(one.article.id, key, known_as=store.known_as, here=store.here, own=own)
    if id in store.here:
        return id
    return next((former for former in store.at(one) if former not in own), id)


def _learnt(one: ObservedArticle, key: str | None, id: str, store: Store) -> dict[str, str]:
    others = (other for other in (one.article.id, key) if other is not None and other != id)
    return {other: id for other in others if other not in store.here and store.known_as.get(other) != id}


def _under(one: ObservedArticle, id: str) -> ObservedArticle:
    return one if id == one.article.id else replace(one, article=one.article.model_copy(update={"id": id}))


def _addresses(one: ObservedArticle) -> tuple[str, ...]:
    """The forms of the address by which it is known, if it is by its address and there are several."""
    url = one.article.url
    if url is None or one.keys or not ("%" in url or "?" in url or "xn--" in url or ";" in url):
        return ()
    forms = addresses(url)
    return forms if one.identity in forms and len(forms) > 1 else ()


def _keys(observed: Sequence[ObservedArticle]) -> dict[str, str]:
    """The id of each article that has a key of its own beside its address → the id that the key makes."""
    counts = Counter(one.key for one in observed)
    return {
        one.article.id: identity_id(one.key) for one in observed if one.key and not one.keys and counts[one.key] == 1
    }
