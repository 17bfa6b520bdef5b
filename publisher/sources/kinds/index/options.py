"""The keys of an index in ``config/sources.toml``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from publisher.configfile import Duration, Whole, Zone
from publisher.model.base import Frozen
from publisher.sources.base import GoneAfter, HoldAbove, as_list
from publisher.sources.fetching.request import web_address
from publisher.sources.profiles.patterns import Pattern, Selector


class IndexOptions(Frozen):
    """The keys of an index. ``url`` is one list or several, ``limit`` how many pages are followed and remembered.

    ``links`` selects the links, or what they stand in; without it the profile's ``[index]`` does. ``match``: a pattern
    that an address must match. ``allow_hosts``: hosts besides the list's own that may be followed to. ``identity``:
    what an article is known by at first, ``url`` its canonical URL, ``path`` the link. ``timezone`` holds where the
    pages' dates name none, and no profile does.
    """

    url: Annotated[tuple[str, ...], BeforeValidator(as_list), Field(min_length=1)]
    links: Annotated[tuple[Selector, ...], BeforeValidator(as_list)] = ()
    match: Pattern | None = None
    limit: Annotated[Whole, Field(ge=1, le=1000)] = 50
    recheck: Duration = 600.0
    allow_hosts: tuple[str, ...] = ()
    timezone: Zone | None = None
    identity: Literal["url", "path"] = "url"
    complete: bool = False
    gone_after: GoneAfter = 3
    hold_above: HoldAbove = 0.3

    pace: ClassVar[frozenset[str]] = frozenset(("limit", "recheck", "complete", "gone_after", "hold_above"))

    @field_validator("url")
    @classmethod
    def _web(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(web_address, value))
