"""An article's fields, as they were read, put in the order in which they are published; what is left out is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from publisher.model.base import is_blank, no_language
from publisher.model.languages import canonical_tag
from publisher.model.names import is_name, no_name

_LISTS = ("authors", "topics")
_LINES = ("editor", "agency")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A value that was left out: at which place of the article, why, and the text that stood there."""

    at: tuple[str | int, ...]
    message: str
    text: str


def tidied(fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[LeftOut]]:
    """The fields with a canonical language, and without names and headlines that are none. What else is wrong stays."""
    found, doubts = dict(fields), list[LeftOut]()
    language = found.get("language")
    if isinstance(language, str) and language.strip():
        found["language"] = canonical_tag(language)
        if found["language"] is None:
            doubts.append(LeftOut(("language",), f"{no_language(language)}; it is left out", language))
    for key in _LISTS:
        if isinstance(names := found.get(key), list | tuple):
            faults = list(_not_names(key, names))
            doubts += faults
            left_out = {fault.at[1] for fault in faults}
            found[key] = [name for number, name in enumerate(names) if number not in left_out]
    for key in _LINES:
        if isinstance(name := found.get(key), str):
            fault = no_name(name)
            if fault:
                doubts.append(LeftOut((key,), fault, name))
            if fault or not is_name(name):
                found[key] = None
    if isinstance(related := found.get("related"), list | tuple):
        found["related"] = [one for one in related if not _is_untitled(one)]
    return found, doubts


def _is_untitled(related: Any) -> bool:
    """Whether a link to another article has no words of its own: no reader could follow it."""
    title = related.get("title") if isinstance(related, dict) else getattr(related, "title", None)
    return isinstance(title, str) and is_blank(title)


def _not_names(key: str, names: list[Any] | tuple[Any, ...]) -> Iterator[LeftOut]:
    for number, name in enumerate(names):
        if isinstance(name, str) and (fault := no_name(name)):
            yield LeftOut((key, number), fault, name)
