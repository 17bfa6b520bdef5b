"""An article's fields, as they were read, put in the order in which they are published; what is left out is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from publisher.model.base import is_blank, no_language
from publisher.model.languages import canonical_tag
from publisher.model.names import MAX_CREDIT, is_name, no_name

_LISTS = ("authors", "topics")
_LINES = ("editor", "agency")
_PLACES = ("dateline", "section")


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
    for key in _PLACES:
        if isinstance(name := found.get(key), str) and (fault := no_name(name)):
            doubts.append(LeftOut((key,), fault, name))
            found[key] = None
    if isinstance(related := found.get("related"), list | tuple):
        doubts += _unfollowed(related)
        found["related"] = [one for one in related if not _is_untitled(one)]
    if isinstance(images := found.get("images"), list | tuple):
        uncredited = list(_no_credits(images))
        doubts += uncredited
        places = {one.at[1] for one in uncredited}
        found["images"] = [_without_credit(one) if at in places else one for at, one in enumerate(images)]
    return found, doubts


def _said(one: Any, name: str) -> Any:
    """A value of a part of an article, which is an object of JSON or has been made a model."""
    return one.get(name) if isinstance(one, dict) else getattr(one, name, None)


def _unfollowed(related: Iterable[Any]) -> Iterator[LeftOut]:
    for number, one in enumerate(related):
        if _is_untitled(one) and isinstance(url := _said(one, "url"), str) and url:
            yield LeftOut(("related", number), "has no words to follow it by; it is left out", url)


def _no_credits(images: Iterable[Any]) -> Iterator[LeftOut]:
    for number, one in enumerate(images):
        if isinstance(credit := _said(one, "credit"), str) and (fault := no_name(credit, MAX_CREDIT)):
            yield LeftOut(("images", number, "credit"), fault, credit)


def _without_credit(image: Any) -> Any:
    return {**image, "credit": None} if isinstance(image, dict) else image.model_copy(update={"credit": None})


def _is_untitled(related: Any) -> bool:
    """Whether a link to another article has no words of its own: no reader could follow it."""
    title = _said(related, "title")
    return isinstance(title, str) and is_blank(title)


def _not_names(key: str, names: list[Any] | tuple[Any, ...]) -> Iterator[LeftOut]:
    for number, name in enumerate(names):
        if isinstance(name, str) and (fault := no_name(name)):
            yield LeftOut((key, number), fault, name)
