"""What a page says of itself, with where it says so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from typing import Any

from publisher.content import one_line

JSONLD, OPENGRAPH, PAGE, EXTRACTED, GUESSED = "jsonld", "opengraph", "page", "extracted", "guessed"

_WORD = re.compile(r"[^\W_]+")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class Claim:
    """One value that the page states, and where: ``jsonld``, ``opengraph``, ``page`` or ``guessed``.

    ``firm``: it is said of what it is, so that another is a contradiction; a time that only stands there may be any.
    """

    value: str
    origin: str
    firm: bool = True


def word_set(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


def word_list(text: str) -> tuple[str, ...]:
    """The words of such a list, in order."""
    return tuple(text.split())


def text_value(value: Any) -> str | None:
    """A string on one line, without the entities that some encode once too often; None for anything else."""
    return one_line(decoded(value)) or None if isinstance(value, str) else None


def decoded(text: str) -> str:
    """The text without entities, however often it was encoded (``&amp;quot;``), at most three times."""
    for _ in range(3):
        if not _ENTITY.search(text):
            break
        text = unescape(text)
    return text


def distinct(values: Iterable[str | None]) -> list[str]:
    """The values that are not empty, each once."""
    return list(dict.fromkeys(value.strip() for value in values if value and value.strip()))


def words(text: str) -> list[str]:
    """The words of a text, folded; in scripts that part no words, pairs of characters stand for them."""
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        if _SPACELESS.search(word):
            found += [word[at : at + 2] for at in range(max(len(word) - 1, 1))]
        else:
            found.append(word)
    return found


def plain(text: str) -> str:
    """The letters and digits of a text, folded, in one: equal for two spellings of one headline."""
    return "".join(_WORD.findall(text.casefold()))


def alike(one: str | None, other: str | None) -> bool:
    """Whether two headlines are one, or one begins or ends with the other and is not much longer."""
    first, second = plain(one or ""), plain(other or "")
    if not first or not second:
        return False
    short, long = sorted((first, second), key=len)
    return short == long or (len(short) >= 12 and len(short) * 2 >= len(long) and short in long)
