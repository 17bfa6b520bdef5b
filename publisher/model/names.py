"""Names of people, outlets and topics: one line each, without empty ones."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

MAX_NAME = 200
"""Characters of a name; what is longer is a sentence that stood where a name should."""

MAX_CREDIT = 1000
"""Characters of a picture's credit, which may name several people and their licence."""

# What programs write where there is no name.
_PLACEHOLDERS = frozenset(
    ("n/a", "#n/a", "n.a.", "null", "(null)", "none", "(none)", "undefined", "[object object]", "no author")
)


def named(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each as one line, without those that hold nothing to read; of two that differ in case, the first."""
    found: dict[str, str] = {}
    for name in names:
        line = " ".join(name.split())
        if is_name(line):
            found.setdefault(line.casefold(), line)
    return tuple(found.values())


def joined(names: Sequence[str]) -> str:
    """Names on one line, as in a byline; parted by semicolons where one holds a comma, as degrees do."""
    return ("; " if any("," in name for name in names) else ", ").join(names)


def is_name(text: str) -> bool:
    """Whether it has a letter, a digit or a pictograph; a dash alone is not a name."""
    return any(one.isalnum() or unicodedata.category(one) in ("So", "Sc") for one in text)


def no_name(text: str, most: int = MAX_NAME) -> str | None:
    """Why a text that can be read is no name, in words; None where it may be one."""
    if " ".join(text.split()).casefold() in _PLACEHOLDERS:
        return "is what a program writes for no name; it is left out"
    if len(text) > most:
        return f"has {len(text):,} characters, and a name at most {most}; it is left out"
    return None
