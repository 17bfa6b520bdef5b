"""How deliveries are written: one file per format.

A new format is one new file here with a :class:`~publisher.delivery.transports.base.Format`, and its golden file; it
is found by being here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from publisher.configfile import nearest
from publisher.delivery.transports.base import Content, Format, Ping, Request, SingleEvent
from publisher.errors import NotFound
from publisher.imports import classes_of
from publisher.model import Options

__all__ = ["FORMATS", "discovered", "for_webhooks", "named", "preview_body"]


def discovered(path: Iterable[str]) -> dict[str, Format]:
    """The formats of the files in these folders, which are on this package's path, by name.

    Raises ValueError where two have one name.
    """
    found: dict[str, Format] = {}
    for one in classes_of(__name__, path, Format):  # type: ignore[type-abstract]  # only to compare with
        if one.name in found:
            raise ValueError(f"{one.__module__}: the format {one.name!r} is there already")
        found[one.name] = one()
    return found


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


def preview_body(format: str, options: Options, content: Content) -> Request:
    """The request that a webhook with these options would be sent, unsigned; nothing is kept and nobody is asked.

    The options must be such that the format's ``refusals`` has none. Raises NotFound for what is no format, and
    Unwritable where a template makes too much of the content.
    """
    return named(format).request(replace(content, asked=options))
