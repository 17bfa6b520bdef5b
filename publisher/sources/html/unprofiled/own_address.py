"""Whether two addresses are of one page, and which of those that a page names is its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser

from publisher.content import absolute
from publisher.sources.html.unprofiled.evidence import OPENGRAPH, PAGE, words
from publisher.sources.reading.draft import Reading
from publisher.sources.urls import canonical

_HOME = re.compile(r"/*(?:[a-z]{2}(?:[-_][a-z]{2})?/?)?(?:(?:index|home|default)(?:\.\w{2,5})?/?)?", re.IGNORECASE)
_ASIDE = re.compile(
    r"(?:amp|print|printer|full|all|single|page|seite|halaman|pagina|index|comments?|share|\d{1,3}|p\d{1,3})(?:\.\w{2,5})?",
    re.IGNORECASE,
)
_LOCAL = re.compile(r"localhost|[\d.]+|\[.*\]")
_PREFIX = re.compile(r"^(?:www\d?|m|mobile|amp|touch|wap)\.")


@dataclass(frozen=True, slots=True)
class Address:
    """The URL of a page and where the page says so."""

    url: str
    origin: str


def host_of(url: str) -> str:
    """The host without what stands for a variant of the site (``www.``, ``m.``, ``amp.``)."""
    return _PREFIX.sub("", (urlsplit(url).hostname or "").lower())


def path_of(url: str) -> str:
    """The path as it is compared: decoded, without a slash at its end."""
    return unquote(urlsplit(url).path).rstrip("/").casefold()


def is_home(url: str) -> bool:
    """Whether it is the front page of a site, or of one of its languages."""
    parts = urlsplit(url)
    return not parts.query and _HOME.fullmatch(parts.path) is not None


def same_page(one: str, other: str) -> bool:
    """Whether two addresses are of one page, on whatever variant of the site; a front page is the same as none."""
    first, second = urlsplit(canonical(one)), urlsplit(canonical(other))
    if path_of(one) != path_of(other):
        return False
    if first.query and second.query and first.query != second.query:
        return False
    return bool(path_of(one)) or (host_of(one) == host_of(other) and first.query == second.query)


def own_address(tree: LexborHTMLParser, base: str, fetched: str, title: str, reading: Reading) -> Address:
    """The page's canonical URL: what it states, unless that cannot be its own; else where it was fetched from."""
    for url, origin, name in _stated(tree, base):
        said = _why_not(url, fetched, title)
        if said is None:
            return Address(url, origin)
        reading.warn(f"{name} {said}; it is ignored", "url", url)
    return Address(fetched, PAGE)


def contradicted(taken: str, fetched: str, others: Iterable[str | None]) -> str | None:
    """The address that the page names elsewhere, which is where it was fetched from, while ``taken`` is of another page
    of the site: a link that one template gave to several pages. None where it names none such.
    """
    here, there = path_of(fetched), path_of(taken)
    # One within the other is a further view of it, or has the headline added.
    if not fetched or same_page(taken, fetched) or here.startswith(f"{there}/") or there.startswith(f"{here}/"):
        return None
    named = [one for one in others if one]
    if any(same_page(one, taken) for one in named):
        return None
    return next((one for one in named if same_page(one, fetched)), None)


def _stated(tree: LexborHTMLParser, base: str) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for selector, attribute, origin, name in (
        ("link[rel~=canonical]", "href", PAGE, "the canonical link"),
        ('meta[property="og:url"]', "content", OPENGRAPH, "og:url"),
    ):
        node = tree.css_first(selector)
        url = absolute((node.attributes.get(attribute) or "").strip(), base) if node is not None else None
        if url:
            found.append((url, origin, name))
    return found


def _why_not(url: str, fetched: str, title: str) -> str | None:
    """Why an address cannot be the page's own; None where it can."""
    if not fetched or same_page(url, fetched) or is_home(fetched):
        return None
    if is_home(url):
        return "is that of a front page"
    if _is_above(url, fetched):
        return "is that of a section"
    if host_of(url) != host_of(fetched) and not _is_near(url, fetched, title):
        return "is that of another site's page"
    return None


def _is_above(url: str, fetched: str) -> bool:
    """Whether it is the folder of the page, and the page no further view of it (``/amp``, ``/2``)."""
    upper, lower = path_of(url), path_of(fetched)
    if urlsplit(url).query or not lower.startswith(f"{upper}/"):
        return False
    return not all(_ASIDE.fullmatch(part) for part in lower[len(upper) + 1 :].split("/"))


def _is_near(url: str, fetched: str, title: str) -> bool:
    """Whether a page of another host can be this one: a site's other host, or one that tells the same."""
    here, there = host_of(fetched), host_of(url)
    if _LOCAL.fullmatch(here) or here.endswith(f".{there}") or there.endswith(f".{here}"):
        return True
    if _site_of(here) == _site_of(there):
        return True
    last = path_of(url).rpartition("/")[2]
    told = set(words(last)) & (set(words(title)) | set(words(path_of(fetched).rpartition("/")[2])))
    return last == path_of(fetched).rpartition("/")[2] or sum(len(word) > 3 for word in told) >= 2


def _site_of(host: str) -> str:
    parts = host.split(".")
    # co.id, com.br, or.jp: a short name before the country's.
    size = 3 if len(parts) > 2 and len(parts[-1]) == 2 and len(parts[-2]) <= 3 else 2
    return ".".join(parts[-size:])
