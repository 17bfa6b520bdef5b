"""Who wrote an article: people, of what a page says; never the site, an agency, a role or an address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from publisher.sources.forms.bylines import people
from publisher.sources.html.unprofiled.evidence import (
    GUESSED,
    JSONLD,
    OPENGRAPH,
    PAGE,
    distinct,
    plain,
    word_set,
    words,
)

_NOBODY = word_set(
    "admin administrator root webmaster user author editor redaktur redaksi staff guest anonymous unknown none"
    " null nan undefined reporter penulis writer autor auteur autore wordpress wpadmin superuser newsdesk by"
    " guestauthor guestwriter staffwriter oleh 기자 記者 记者"
)


A_GUESS = "is a guess, of a line that looks like a byline"
"""The warning for an author of whom nothing else is known."""


@dataclass(frozen=True, slots=True)
class Byline:
    """Names or lines that one part of a page gives, and its origin. ``organizations`` are those that say so."""

    lines: tuple[str, ...]
    origin: str
    organizations: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Credited:
    """The people of an article, each field with its origin where it has one, and what is doubtful about the authors."""

    authors: tuple[str, ...] = ()
    editor: str | None = None
    agency: str | None = None
    doubts: tuple[str, ...] = ()


def credited(byline: Byline, sites: Iterable[str]) -> Credited:
    """The people in what one part of a page gives."""
    own = tuple(sites)
    outlets = {plain(one) for one in own} - {""}
    authors: list[str] = []
    agencies: list[str] = []
    editors: list[str] = []
    doubts: list[str] = []
    for line in byline.lines:
        if "://" in line or plain(line) in outlets or plain(line) in _NOBODY:
            continue
        if line in byline.organizations:
            agencies.append(line)
            continue
        found = people(line, sites=own)
        authors += [one for one in found.authors if plain(one) not in _NOBODY and plain(one) not in outlets]
        agencies += [found.agency] if found.agency and plain(found.agency) not in outlets else []
        editors += [found.editor] if found.editor else []
        doubts += [found.doubt] if found.doubt else []
    return Credited(
        tuple(distinct(authors)),
        next(iter(editors), None),
        next(iter(agencies), None),
        tuple(distinct(doubts)) if authors else (),
    )


def chosen(bylines: Sequence[Byline], sites: Iterable[str]) -> tuple[Credited, dict[str, str]]:
    """The people of the first part of a page that names any, and the origin of each field that it has.

    Parts that name others are a doubt.
    """
    own = tuple(sites)
    read = [(credited(one, own), one.origin) for one in bylines]
    naming = [(found, origin) for found, origin in read if found.authors]
    in_order = [*naming[:1], *read]
    agency, of_agency = next(((found.agency, origin) for found, origin in in_order if found.agency), (None, PAGE))
    editor, of_editor = next(((found.editor, origin) for found, origin in in_order if found.editor), (None, PAGE))
    origins = {"editor": of_editor, "agency": of_agency}
    if not naming:
        return Credited((), editor, agency), origins
    taken, origin = naming[0]
    doubts = list(taken.doubts)
    if origin == GUESSED:
        doubts.append(A_GUESS)
    # A line that only looks like a byline is no word against what is stated for others.
    others = [one for one in naming[1:] if one[1] != GUESSED or origin not in (JSONLD, OPENGRAPH)]
    other = next(((found, where) for found, where in others if not _share(taken.authors, found.authors)), None)
    if other is not None:
        both = " and ".join(f"{', '.join(one.authors)} ({where})" for one, where in ((taken, origin), other))
        doubts.append(f"the page names {both}; the first is taken")
    return Credited(taken.authors, editor, agency, tuple(doubts)), origins | {"authors": origin}


def together(named: Sequence[str], besides: Sequence[str], lines: Iterable[str]) -> list[str]:
    """The people of an article with those whom it names ``besides``, as far as a line of the page names all of them:
    some news systems give only the first writer as the author.
    """
    shown = [plain(line) for line in lines]
    both = [plain(name) for name in (*named, *besides)]
    return [*named, *besides] if any(all(name in line for name in both) for line in shown) else list(named)


def _share(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two lists name one person at least: a name that both write, if only in part."""
    return bool({word for name in one for word in words(name)} & {word for name in other for word in words(name)})
