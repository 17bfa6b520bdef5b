"""The nouns that an installation defines, as the rest of the program uses them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from publisher.model import FeedDefinition, IndicatorSpec
from publisher.sources.base import Source
from publisher.sources.profiles.profile import HtmlProfile, TextProfile

PUSHED = "api"
"""The built-in source of what is pushed; no other may have its name."""

EVERY = 60.0
"""How often (seconds) a source without ``every`` and ``cron`` is read."""


ANY_NODE = "*"
"""Instead of a node's name: every node."""


@dataclass(frozen=True, slots=True)
class SourceDefinition:
    """One table of ``config/sources.toml``. Exactly one of ``every`` (seconds) and ``cron`` is set.

    ``nodes`` are the names of the nodes that may read it; none, or ``*``: all.
    """

    name: str
    kind: type[Source]
    options: BaseModel
    profile: HtmlProfile | TextProfile | None = None
    every: float | None = EVERY
    cron: str | None = None
    backfill: Literal["quiet", "push"] = "quiet"
    nodes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A digest of how the source is read, and how much of it: if it changes, the source is read again at once."""
        written = f"{self.profile_digest}\n{self.options.model_dump_json()}"
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    @property
    def profile_digest(self) -> str:
        """A digest of how the source is read; if it changes, the next reading is a new baseline."""
        profile = self.profile.digest if self.profile else ""
        # How much and how often it is read does not change the items.
        options = self.options.model_dump_json(exclude=set(getattr(self.kind.Options, "pace", ())))
        written = f"{self.kind.kind}\n{profile}\n{options}"
        return hashlib.sha256(written.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every definition of an installation; indicators by symbol, feeds by name."""

    sources: tuple[SourceDefinition, ...]
    feeds: Mapping[str, FeedDefinition]
    indicators: Mapping[str, IndicatorSpec]
