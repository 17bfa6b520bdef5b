"""What is wrong with a value, in words: what stood there, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

MAX_NAMES = 20
"""Names that are listed where none is near, or looked at first where there are very many."""

LONGEST_NAME = 100
"""Characters of a name for which a similar one is looked for, which takes time by the square of them."""

_WORDS = {
    "missing": "is missing",
    "model_type": "should be a table of keys and values",
    "dict_type": "should be a table of keys and values",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
}


def nearest(word: str, known: Iterable[str], *, most: int = 1, quote: str = '"') -> str:
    """``did you mean "news"?`` where something known is near, else what is known: the end of a sentence.

    ``most``: how many near names are offered. ``quote`` is what stands around them.
    """
    names = sorted(map(str, known))  # else an enumeration's members would be shown as Python shows them
    # Every fault of a file may come here, and every name of another be known: of many, those that begin alike.
    likely = names if len(names) <= MAX_NAMES else [name for name in names if name[:1] == word[:1]][: MAX_NAMES * 5]
    close = difflib.get_close_matches(word, likely, n=most, cutoff=0.6) if len(word) <= LONGEST_NAME else ()
    if close:
        return f"did you mean {' or '.join(f'{quote}{one}{quote}' for one in close)}?"
    if not names:
        return "none is defined"
    more = len(names) - MAX_NAMES
    return f"known: {', '.join(names[:MAX_NAMES])}" + (f" and {more:,} more" if more > 0 else "")


def explain(fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One of pydantic's faults in words: the value that stood there, and what would be right."""
    kind, value, location = fault["type"], fault["input"], fault["loc"]
    if kind == "extra_forbidden":
        known = _model_at(model, location[:-1])
        return f"is not a known key; {nearest(str(location[-1]), known.model_fields if known else ())}"
    if kind == "missing":
        return "is missing"
    message = in_words(fault)
    return message if kind == "value_error" else f"{shown(value)} {message}"


def in_words(fault: Mapping[str, Any]) -> str:
    """What would be right, of one of pydantic's faults: ``should be a list``; without the names of Python's types."""
    kind, bounds = fault["type"], fault.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "too_short" and bounds["min_length"] == 1:
        return "should not be empty"
    if kind in ("too_short", "too_long"):
        least, counted = kind == "too_short", "characters" if isinstance(fault["input"], str) else "entries"
        return (
            f"should have at {'least' if least else 'most'} {bounds['min_length' if least else 'max_length']} {counted}"
        )
    message = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    return message.partition(", unable")[0]


def shown(value: object) -> str:
    """A value as messages quote it."""
    if isinstance(value, str):
        return f'"{value[:120]}"'
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)[:120]


def _model_at(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for step in location:
        if isinstance(step, int) or found is None:
            continue
        declared = found.model_fields.get(step)
        found = _model_in(declared.annotation) if declared else None
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, list, tuple, Annotated):
        return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
    return None
