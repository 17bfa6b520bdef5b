"""Importing others' modules without what they would bring along and never use here."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


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
