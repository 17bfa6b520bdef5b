"""Where items come from: one file per kind of source, and every file here is found by itself.

A new kind is one new file, or a folder for a large one, with a :class:`~publisher.sources.base.Source` that has a
``kind``. An installation's own kind needs no file here: it is named as ``"module:Class"``.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from publisher.errors import ReadError
from publisher.imports import classes_of
from publisher.sources.base import Source


def shipped_kinds() -> Iterator[type[Source]]:
    """Every source of this package that has a ``kind``, in the order of its files."""
    return classes_of(__name__, __path__, Source)  # type: ignore[type-abstract]  # only to compare with


KINDS: dict[str, type[Source]] = {kind.kind: kind for kind in shipped_kinds()}
"""The kinds that ship, by name."""


def kind_for(name: str) -> type[Source]:
    """The class of a kind: one of :data:`KINDS`, or a :class:`Source` of one's own as ``module:Class``.

    Raises ReadError saying what is wrong with the name.
    """
    if name in KINDS:
        return KINDS[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ReadError(f'"{name}" is no kind of source; known: {", ".join(KINDS)}, or "module:Class"')
    try:
        found = getattr(import_module(module), attribute)
    except ImportError as error:
        raise ReadError(f"{module} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ReadError(f"{module} has no {attribute}") from error
    if not (isinstance(found, type) and issubclass(found, Source)):
        raise ReadError(f"{name} is no subclass of publisher.sources.base.Source")
    return found
