"""Importing: others' modules without what they would bring along and never use here; and what a package consists of."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def without(module: str) -> Iterator[None]:
    """Let imports within find that ``module``, optional to them, is not installed.

    If it is loaded already nothing is gained, and they get it.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # ModuleNotFoundError for whoever imports it
    try:
        yield
    finally:
        del sys.modules[module]


class _Empty(ModuleType):
    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


@contextlib.contextmanager
def emptied(*modules: str) -> Iterator[None]:
    """Let imports within find these modules with None for everything in them; whoever imports them later gets all."""
    missing = [name for name in modules if name not in sys.modules]
    sys.modules.update({name: _Empty(name) for name in missing})
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = import_module(self.__name__)
        # From now on it costs what any module's attributes cost.
        self.__dict__.update(vars(found))
        return getattr(found, name)


def later(module: str) -> Any:
    """The module, imported once something of it is used."""
    return _Later(module)


def classes_of(package: str, path: Iterable[str], base: type[T]) -> Iterator[type[T]]:
    """The classes of a base that the files of a package define, file by file; ``path`` is where its files lie.

    A folder counts as a file: what is defined within it, and named by its ``__init__``, is its own. Classes that a file
    imports from elsewhere are not.
    """
    for found in iter_modules(path, f"{package}."):
        named = vars(import_module(found.name)).values()
        classes = (one for one in named if isinstance(one, type) and issubclass(one, base) and not isabstract(one))
        yield from (one for one in classes if f"{one.__module__}.".startswith(f"{found.name}."))
