"""The headline: which of those that a page gives, freed of the site's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from publisher.sources.html.unprofiled.evidence import PAGE, Claim, alike, decoded, plain

_SEPARATED = re.compile(r"\s*[|｜¦•·»«‹›]+\s*|\s+(?:[-–—―/~]|::|//|<|>|\\)+\s+|_(?=[^_]*$)|:\s+|\s*[-–—](?=[^-–—]*$)")
_ENDS = ("…", "...", "[…]", "[...]")
ENOUGH = 3
"""So many headlines that end alike name their site."""

_GENERIC = frozenset(("home", "news", "berita", "startseite", "accueil", "portada", "untitled", "index"))


def headline(claims: Sequence[Claim], shown: Sequence[str], sites: Iterable[str], url: str) -> Claim | None:
    """The headline of a page. ``claims`` are those that it states for others, the most trusted first; ``shown`` the
    headings that people see; ``sites`` what the site calls itself.
    """
    names = {plain(one) for one in (*sites, *_labels(url))} - {""}
    whole = [decoded(one.value).strip() for one in claims]
    headings = [
        one for one in map(decoded, shown) if _says_something(one, names) and not _is_masthead(one, whole, names)
    ]
    freed = [Claim(without_site(text, names, headings), one.origin) for text, one in zip(whole, claims, strict=True)]
    stated = [one for one in freed if _says_something(one.value, names)]
    return _agreed([Claim(_continued(one.value, stated, headings), one.origin) for one in stated], headings)


def _is_masthead(heading: str, titles: Sequence[str], names: set[str]) -> bool:
    """Whether a heading is the site's name in large letters, which a title names beside a longer headline."""
    if not _is_site(heading, names):
        return False
    rests = [title.removesuffix(heading) for title in titles if title != heading and title.endswith(heading)]
    rests += [title.removeprefix(heading) for title in titles if title != heading and title.startswith(heading)]
    return any(len(plain(rest)) > len(plain(heading)) for rest in rests)


def _agreed(stated: list[Claim], headings: list[str]) -> Claim | None:
    """The first that people see as a heading too, or a heading that says much the same; else one that is stated twice,
    else the first that is stated for others, else a heading.
    """
    seen = {plain(one) for one in headings}
    counted = [plain(one.value) for one in stated]
    same = next((one for one in stated if plain(one.value) in seen), None)
    repeated = next((one for one in stated if counted.count(plain(one.value)) > 1), None)
    near = next((line for line in headings if any(alike(line, one.value) for one in stated)), None)
    # A heading that is longer may hold a label besides.
    if near is not None and repeated is not None and len(plain(near)) > len(plain(repeated.value)):
        near = None
    if same or near:
        return same or Claim(near or "", PAGE)
    first = next((one for one in stated if one.origin != PAGE), None)
    heading = Claim(headings[0], PAGE) if headings else None
    return repeated or first or heading or next(iter(stated), None)


def shared_ending(titles: Sequence[str]) -> str | None:
    """What the headlines of several pages end with that is set apart, which is their site's name; None for fewer than
    three, and where one of them does not.
    """
    endings = {_ending(title) for title in titles}
    ending = endings.pop() if len(set(titles)) >= ENOUGH and len(endings) == 1 else None
    return ending if ending and len(ending) <= 60 else None


def without_ending(title: str, ending: str) -> str:
    """A headline without what the others of its site end with too; as it is where little else would be left."""
    rest = title.removesuffix(ending).rstrip()
    return rest if _long_enough(rest) else title


def _ending(title: str) -> str:
    parts = [one for one in _SEPARATED.finditer(title) if ":" not in one[0]]
    return title[parts[-1].start() :] if parts else ""


def without_site(title: str, names: set[str], headings: Sequence[str]) -> str:
    """A title without the site's name at its end or start; as it is where that is all, or where people see it so."""
    if any(plain(title) == plain(one) for one in headings):
        return title
    for heading in headings:
        if _is_framed(title, heading):
            return heading
    while True:
        parts = list(_SEPARATED.finditer(title))
        if not parts:
            return title
        left, right = title[: parts[-1].start()], title[parts[-1].end() :]
        if ":" not in parts[-1][0] and _is_site(right, names) and _long_enough(left):
            title = left.strip()
            continue
        left, right = title[: parts[0].start()], title[parts[0].end() :]
        if _is_site(left, names) and _long_enough(right):
            title = right.strip()
            continue
        return title


def _is_framed(title: str, heading: str) -> bool:
    """Whether a title is a heading with something before or behind it that is set apart."""
    at = title.find(heading)
    if at < 0 or len(heading) < 12 or not _long_enough(heading):
        return False
    before, behind = title[:at], title[at + len(heading) :]
    return (not before or bool(_SEPARATED.search(f"{before}\0") and before[-1].isspace())) and (
        not behind or _SEPARATED.match(behind) is not None
    )


def _is_site(part: str, names: set[str]) -> bool:
    folded = plain(part)
    if not folded or len(part.split()) > 6:
        return False
    return folded in names or any(
        len(name) >= 3 and (folded.startswith(name) or folded.endswith(name) or name.startswith(folded))
        and len(folded) >= 3 and abs(len(folded) - len(name)) <= 12
        for name in names
    )  # fmt: skip


def _long_enough(rest: str) -> bool:
    return len(rest.split()) >= 2 or (len(rest.strip()) >= 6 and not rest.isascii())


def _labels(url: str) -> list[str]:
    """A site's host, and the name in it: ``kanal.example`` and ``kanal``."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    parts = host.split(".")
    if len(parts) < 2 or parts[-1].isdigit():
        return []
    short = 2 if len(parts) > 2 and len(parts[-1]) == 2 and len(parts[-2]) <= 3 else 1
    label = parts[-short - 1]
    return [host, ".".join(parts[-short - 1 :]), *([label] if len(label) >= 3 else [])]


def _says_something(title: str, names: set[str]) -> bool:
    folded = plain(title)
    return bool(folded) and folded not in names and folded not in _GENERIC


def _continued(title: str, others: list[Claim], headings: list[str]) -> str:
    """A title that was cut off, as one that goes on says it."""
    cut = next((title[: -len(end)].rstrip() for end in _ENDS if title.endswith(end)), None)
    if cut is None or len(cut) < 10:
        return title
    longer = (*headings, *(one.value for one in others))
    begun = plain(cut)
    return next((one for one in longer if plain(one).startswith(begun) and len(plain(one)) > len(begun)), title)
