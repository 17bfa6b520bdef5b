"""Articles that their source knows by their keys alone: which of those that are known is each? Pure.

Two keys are two articles, though they stand at one address. An article that was never observed under a key is whatever
is observed at its address: an earlier version, or the feed of an earlier day, knew it by its address alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from publisher.model import article_json, identity_id
from publisher.model.known import KnownArticle
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.urls import identifying

RENAMED = "has another id than before, and nothing else is new: it is taken for the article that was there"
REUSED = "has an id that was another article's, with which it has nothing in common: it is taken for one of its own"

MOST_NAMES = 12
"""Names of an article by which it is found again when its key changed: a feed may make up its keys anew each time."""


def ids(identities: Sequence[str]) -> list[str]:
    """The ids that keys or addresses make."""
    return [identity_id(one) for one in identities]


@dataclass(frozen=True, slots=True)
class Store:
    """What is known of one source: alias → id of the article, and its articles by their ids."""

    known_as: Mapping[str, str]
    here: Mapping[str, KnownArticle]

    def by_key(self, one: ObservedArticle) -> str | None:
        """The id of the article that was observed under one of its keys."""
        found = (id for key in ids(one.keys) for id in (key, self.known_as.get(key)))
        return next((id for id in found if id in self.here), None)

    def at(self, one: ObservedArticle) -> list[str]:
        """The ids of the articles that were observed at one of its addresses, the last one first."""
        found = [id for place in ids(one.addresses) for id in (self.known_as.get(place), place)]
        return list(dict.fromkeys(id for id in found if id is not None and id in self.here))


@dataclass(slots=True)
class ToldApart:
    """Articles by what they were observed as, aliases that were learnt of them, and what is doubtful."""

    articles: dict[str, ObservedArticle] = field(default_factory=dict)
    learnt: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)


def told_apart(observed: Sequence[ObservedArticle], store: Store, claims: Mapping[str, Collection[str]]) -> ToldApart:
    """Which articles these are, id as observed → article, the surest first.

    ``claims``: the aliases of each article at their addresses, empty for one that was never observed under a key.
    """
    found = ToldApart()
    for one in sorted(observed, key=lambda one: _doubt(one, store)):
        known = store.by_key(one)
        if known is not None and (known in found.taken or _is_reused(one, known, found.taken, store)):
            found.problems.append(Problem(one.origin, REUSED, field="id", text=one.key, severity="warning"))
            known = None
        known = known or _at_its_address(one, store, claims, found.taken)
        if known is not None:
            _as_known(one, known, store, found)
        elif (former := _the_same(one, store, found.taken)) is not None:
            _as_renamed(one, former, store, claims, found)
        else:
            _as_new(one, store, found)
    return found


def needs_claims(one: ObservedArticle, store: Store) -> bool:
    """Whether it can come to what else the articles at its address are known by."""
    return _doubt(one, store) > 0


def _doubt(one: ObservedArticle, store: Store) -> int:
    """How sure it is which article this is; those that are surer come first, and take what is theirs."""
    known = store.by_key(one)
    if known is not None and _has_in_common(store.here[known], one):
        return 0
    former = _the_same(one, store, ())
    if former is not None:
        return 1
    return 3 if known is None or _is_reused(one, known, (), store) else 2


def _is_reused(one: ObservedArticle, known: str, taken: Collection[str], store: Store) -> bool:
    """Whether its key was the one of another article: a feed may number its entries, the newest being 1.

    Address and title are another's then, and either it is what another address has, or its date and text are new too.
    """
    if known in ids(one.keys) or _has_in_common(store.here[known], one):
        return False
    if _the_same(one, store, taken) is not None:
        return True
    data, seen = store.here[known].data, article_json(one.article)
    is_dated = data.get("published") is not None and seen["published"] is not None
    return is_dated and data["published"] != seen["published"] and data.get("body") != seen["body"]


def _has_in_common(known: KnownArticle, one: ObservedArticle) -> bool:
    before, now = known.data.get("url"), one.article.url
    same_place = (before and identifying(before)) == (now and identifying(now))
    return same_place or known.data.get("title") == one.article.title


def _at_its_address(
    one: ObservedArticle, store: Store, claims: Mapping[str, Collection[str]], taken: Collection[str]
) -> str | None:
    """The article whose id its address makes, unless that is another key's; None where the address tells nothing."""
    places = ids(one.addresses)
    if one.article.id not in places:
        return None
    free = [id for id in store.at(one) if id not in taken and not claims.get(id)]
    return free[0] if free and free == store.at(one) and free[0] in places else None


def _the_same(one: ObservedArticle, store: Store, taken: Collection[str]) -> str | None:
    """The article at its address of which it differs in nothing but its key: then the feed makes up its ids anew."""
    return next((id for id in store.at(one) if id not in taken and _is_same(store.here[id], one)), None)


def _is_same(known: KnownArticle, one: ObservedArticle) -> bool:
    data, seen = known.data, article_json(one.article)
    if known.withdrawn_at is not None or data.get("title") != seen["title"]:
        return False
    if data.get("published") != seen["published"]:
        return False
    return seen["published"] is not None or data.get("body") == seen["body"]


def _as_renamed(
    one: ObservedArticle, id: str, store: Store, claims: Mapping[str, Collection[str]], found: ToldApart
) -> None:
    """Its new key is kept, as it may last; where keys change again and again, none of them is worth keeping."""
    found.problems.append(Problem(one.origin, RENAMED, field="id", text=one.key, severity="warning"))
    _take(one, id, one.identity, found)
    if len(claims.get(id, ())) < MOST_NAMES:
        _learn(ids(one.keys), id, store, found)


def _as_known(one: ObservedArticle, id: str, store: Store, found: ToldApart) -> None:
    _take(one, id, one.identity, found)
    places = ids(one.addresses) if one.article.id in ids(one.addresses) else []
    _learn([place for place in places if place not in store.here and place != id], id, store, found)
    _learn(ids(one.keys), id, store, found)


def _as_new(one: ObservedArticle, store: Store, found: ToldApart) -> None:
    """Under its key, where its address is another's, and else under its address."""
    id, identity, places = one.article.id, one.identity, ids(one.addresses)
    if id in found.taken or store.at(one):
        id, identity = identity_id(one.keys[0]), one.keys[0]
    _take(one, id, identity, found)
    _learn(places if id not in places else [], id, store, found)
    _learn(ids(one.keys), id, store, found)


def _take(one: ObservedArticle, id: str, identity: str, found: ToldApart) -> None:
    found.taken.add(id)
    article = one.article if id == one.article.id else one.article.model_copy(update={"id": id})
    found.articles[one.article.id] = replace(one, article=article, identity=identity)


def _learn(names: Sequence[str], id: str, store: Store, found: ToldApart) -> None:
    # The key that is its own id is kept too: it says that the article has a key.
    found.learnt.update({name: id for name in names if store.known_as.get(name) != id})
