"""How deliveries are written: one file per format.

A new format is one new file here with a :class:`~publisher.delivery.transports.base.Format`, and its golden file; it
is found by being here.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from inspect import isabstract

from publisher.configfile import nearest
from publisher.delivery.transports.base import Format, Ping, SingleEvent
from publisher.errors import NotFound

__all__ = ["FORMATS", "discovered", "for_webhooks", "named"]


def discovered(path: Iterable[str]) -> dict[str, Format]:
    """The formats of the files in these folders, which are on this package's path, by name.

    Raises ValueError where two have one name.
    """
    found: dict[str, Format] = {}
    for info in pkgutil.iter_modules(path, f"{__name__}."):
        for one in vars(import_module(info.name)).values():
            if _is_format(one, info.name):
                if one.name in found:
                    raise ValueError(f"{info.name}: the format {one.name!r} is there already")
                found[one.name] = one()
    return found


def _is_format(one: object, module: str) -> bool:
    return isinstance(one, type) and issubclass(one, Format) and one.__module__ == module and not isabstract(one)


FORMATS: dict[str, Format] = discovered(__path__)
"""Every format, by name."""


def for_webhooks() -> dict[str, Format]:
    """The formats that a webhook can be registered with: those that carry events one by one, and a test."""
    return {name: one for name, one in FORMATS.items() if {SingleEvent, Ping} <= one.carries}


def named(name: str) -> Format:
    """The format that a webhook is registered with; raises NotFound, with the nearest one, for what is none."""
    known = for_webhooks()
    if name not in known:
        raise NotFound(f'"{name[:80]}" is no webhook format; {nearest(name, known)}')
    return known[name]
