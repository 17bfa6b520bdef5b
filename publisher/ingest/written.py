"""Articles that were met at an address as people write it, before addresses were kept as URIs.

Their ids are made of that form, and stay: ``https://bücher.example/ü`` is the article that it was, though it is read as
``https://xn--bcher-kva.example/%C3%BC`` by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from publisher.model import identity_id
from publisher.model.observed import ObservedArticle
from publisher.model.uri import iri
from publisher.storage import aliases, articles
from publisher.storage.database import Tx


def as_met_before(tx: Tx, source: str, observed: Sequence[ObservedArticle]) -> list[ObservedArticle]:
    """What was observed, under the ids that its addresses made as they were written; these are kept for later."""
    former = {one.article.id: id for one in observed if (id := _former(one)) is not None}
    if not former:
        return list(observed)
    owners = articles.owners(tx, {*former, *former.values()})
    met = {id: old for id, old in former.items() if id not in owners and owners.get(old) == source}
    aliases.keep(tx, source, met)
    return [_under(one, met.get(one.article.id)) for one in observed]


def _former(one: ObservedArticle) -> str | None:
    """The id that the address made as people write it; null where there is but one form, or the id is of other make."""
    identity = one.identity
    if not identity.startswith("http") or ("%" not in identity and "xn--" not in identity):
        return None
    written = iri(identity)
    return None if written == identity or one.article.id != identity_id(identity) else identity_id(written)


def _under(one: ObservedArticle, id: str | None) -> ObservedArticle:
    return one if id is None else replace(one, article=one.article.model_copy(update={"id": id}))
