"""Where items come from: one file per kind of source.

A new kind is one new file with a :class:`~publisher.sources.base.Source`, and a line in :data:`KINDS`. An
installation's own kind needs neither: it is named as ``"module:Class"``.
"""

from __future__ import annotations

from importlib import import_module

from publisher.errors import ReadError
from publisher.sources.base import Source
from publisher.sources.kinds.feed import FeedSource
from publisher.sources.kinds.folder import FolderSource
from publisher.sources.kinds.index import IndexSource
from publisher.sources.kinds.jsonapi import JsonSource
from publisher.sources.kinds.page import PageSource

_SHIPPED: tuple[type[Source], ...] = (FolderSource, PageSource, FeedSource, IndexSource, JsonSource)

KINDS: dict[str, type[Source]] = {kind.kind: kind for kind in _SHIPPED}
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
