"""JSON-LD of schema.org: which of its nodes is the article of this page, and what that says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from publisher.content import absolute
from publisher.sources.html.unprofiled.evidence import alike, plain, text_value, word_set
from publisher.sources.html.unprofiled.own_address import is_home, same_page
from publisher.sources.html.unprofiled.scripts import nodes

Node = Mapping[str, Any]

_ARTICLE = re.compile(
    r"(?:https?://schema\.org/|schema:)?"
    r"(?:\w*Article|BlogPosting|LiveBlogPosting|SocialMediaPosting|Report|(?:Critic|User)?Review|PressRelease)"
)
_PAGE = re.compile(r"(?:https?://schema\.org/|schema:)?(?:\w*Page|WebSite)")
_SITE = re.compile(r"(?:https?://schema\.org/|schema:)?(?:WebSite|NewsMediaOrganization|Organization)")
_PARTS = word_set(
    "hasPart isPartOf itemListElement citation mentions about relatedLink related liveBlogUpdate comment"
    " isBasedOn subjectOf review exampleOfWork workExample itemReviewed significantLink significantLinks"
)
"""What stands under these is another work than the one that names it."""


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes of a page, each with the key it stands under, and by ``@id``."""

    nodes: tuple[tuple[Node, str], ...] = ()
    by_id: Mapping[str, Node] = field(default_factory=dict)

    def values(self, node: Node, name: str) -> list[Any]:
        """What a property holds, as a list, references followed once."""
        return [self.resolved(one) for one in listed(node.get(name))]

    def resolved(self, value: Any) -> Any:
        """The node that a reference means."""
        if isinstance(value, dict) and "@id" in value and len(value) <= 2:
            return self.by_id.get(str(value["@id"]), value)
        return value


@dataclass(frozen=True, slots=True)
class Chosen:
    """The article's nodes, the best first, and the page's own. ``foreign``: the address of one that was passed over
    though there was no other; ``uncertain``: that several were as good.
    """

    articles: tuple[Node, ...] = ()
    page: Node | None = None
    foreign: str | None = None
    uncertain: bool = False


def graph_of(documents: Iterable[Any]) -> Graph:
    """The nodes of a page's documents; a node that only refers to another is none."""
    found = tuple(nodes(documents))
    by_id: dict[str, Node] = {}
    for node, _ in found:
        if "@id" in node and len(node) > len(by_id.get(str(node["@id"]), {"@id": ""})):
            by_id[str(node["@id"])] = node
    return Graph(found, by_id)


def choose(graph: Graph, urls: Iterable[str], headlines: Iterable[str], base: str) -> Chosen:
    """The nodes of the page at one of ``urls`` whose headline is one of ``headlines`` as far as those are known.

    A node whose address is this page's wins over one that has none, and that over one whose headline alone is this
    page's; one of another page is passed over.
    """
    addresses, shown = [url for url in urls if url], [line for line in headlines if line]
    ranked: list[tuple[int, Node]] = []
    foreign: str | None = None
    for node, key in graph.nodes:
        if not _is(node, _ARTICLE) or not (_headline(node) or node.get("datePublished") or node.get("articleBody")):
            continue
        named = addresses_of(node, base)
        own = any(same_page(one, url) for one in named for url in addresses)
        agrees = any(alike(_headline(node), line) for line in shown)
        if named and not own:  # a longer headline under another address is that of another article
            agrees = agrees and any(plain(_headline(node) or "") in plain(line) for line in shown)
        if not own and not agrees and (named or key in _PARTS):
            foreign = foreign or next(iter(named), None)
            continue
        ranked.append((_rank(own=own, agrees=agrees, part=key in _PARTS), node))
    ranked.sort(key=lambda one: one[0])
    page = next((node for node, key in graph.nodes if _is_own_page(node, key, addresses, base)), None)
    if not ranked:
        return Chosen(page=page, foreign=foreign)
    best = [node for rank, node in ranked if rank == ranked[0][0]]
    uncertain = ranked[0][0] >= 2 and any(not alike(_headline(best[0]), _headline(one)) for one in best[1:])
    kept = best[:1] if uncertain else [node for rank, node in ranked if rank <= 1] or best[:1]
    return Chosen(tuple(kept), page, uncertain=uncertain)


def _rank(*, own: bool, agrees: bool, part: bool) -> int:
    if own:
        return 0
    if agrees:
        return 1
    return 3 if part else 2


def addresses_of(node: Node, base: str) -> list[str]:
    """The addresses that a node gives itself; a front page is none, nor is a name that is no address."""
    found = []
    for name in ("url", "mainEntityOfPage", "@id"):
        for one in listed(node.get(name)):
            for text in (one.get("@id"), one.get("url")) if isinstance(one, dict) else (one,):
                url = _address(text, base)
                if url and not is_home(url):
                    found.append(url)
    return found


def _address(text: Any, base: str) -> str | None:
    if not isinstance(text, str) or text.startswith(("#", "_:")):
        return None
    return absolute(text.partition("#")[0], base)


def _is_own_page(node: Node, key: str, urls: list[str], base: str) -> bool:
    if not _is(node, _PAGE) or key in _PARTS:
        return False
    return any(same_page(one, url) for one in addresses_of(node, base) for url in urls)


def _is(node: Node, kinds: re.Pattern[str]) -> bool:
    return any(kinds.fullmatch(kind) for kind in listed(node.get("@type")) if isinstance(kind, str))


def _headline(node: Node) -> str | None:
    return text_value(node.get("headline")) or text_value(node.get("name"))


def listed(value: Any) -> list[Any]:
    """A value as a list, which JSON-LD makes of one just as well."""
    return value if isinstance(value, list) else [] if value is None else [value]


def named(value: Any, *keys: str) -> str | None:
    """A string, or what an object has under the first of the keys that holds one."""
    if isinstance(value, dict):
        return next((text for key in (*keys, "@value") if (text := named(value.get(key)))), None)
    if isinstance(value, list):
        return next((text for one in value if isinstance(one, str) and (text := text_value(one))), None)
    return text_value(value)


def site_names(graph: Graph) -> list[str]:
    """What the site calls itself: the name of its publisher, and its own."""
    found: list[str | None] = []
    for node, key in graph.nodes:
        found += [named(one, "name") for one in graph.values(node, "publisher")]
        if _is(node, _SITE) and key in ("", "isPartOf", "publisher"):
            found += [named(node, "name"), named(node, "alternateName")]
    return list(dict.fromkeys(one for one in found if one))
