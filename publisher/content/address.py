"""Addresses in an article: absolute, and of a scheme that a reader may follow."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urljoin, urlsplit, urlunsplit

from publisher.model.uri import on_one_line, uri

__all__ = ["MAX_URL", "WEB", "absolute", "largest", "uri"]

WEB = frozenset(("http", "https"))
MAX_URL = 2048


def absolute(link: str | None, base: str | None, schemes: Collection[str] = WEB) -> str | None:
    """The URI that a link means on a page at ``base``, of one of the schemes; None where it means none.

    ``mailto`` and ``tel`` have no host. An address with a user name or a password is none: it would be shown to all.
    """
    if not link or len(link) > MAX_URL:
        return None
    text = on_one_line(link)
    try:
        joined = urljoin(base, text) if base else text
        parts = urlsplit(joined)
        if parts.scheme not in schemes:
            return None
        if parts.scheme not in WEB:
            return uri(joined) if parts.path else None
        valid = bool(parts.hostname) and "\\" not in parts.netloc and parts.port != 0
    except ValueError:
        return None
    if not valid or any(character.isspace() for character in parts.netloc) or parts.username is not None:
        return None
    return uri(urlunsplit(parts))


def largest(candidates: str) -> str | None:
    """The address of the largest picture that a ``srcset`` offers (HTML, "srcset attributes"); None if it has none."""
    found: list[tuple[float, int, str]] = []
    for number, candidate in enumerate(_candidates(candidates)):
        address, _, size = candidate.partition(" ")
        found.append((_size(size), -number, address))
    return max(found)[2] if found else None


def _candidates(text: str) -> list[str]:
    # A comma parts candidates where white space follows it, or a size stood before: addresses hold commas too.
    parts: list[str] = []
    for piece in text.replace(",\n", ", ").split(", "):
        parts += [one.strip() for one in _split_after_size(piece) if one.strip(" ,")]
    return parts


def _split_after_size(piece: str) -> list[str]:
    address, space, rest = piece.strip().partition(" ")
    if not space or "," not in rest:
        return [piece]
    size, _, following = rest.partition(",")
    return [f"{address} {size}", *_split_after_size(following)]


def _size(text: str) -> float:
    try:
        return float(text.strip(" ,")[:-1]) if text.strip(" ,") else 1.0
    except ValueError:
        return 0.0
