"""What the bytes of a feed's documents depend on besides the items that it shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import babel
import orjson

from publisher import render
from publisher.model import FeedDefinition
from publisher.model.uri import uri
from publisher.render import identity


@dataclass(frozen=True, slots=True)
class SiteInfo:
    """How the installation names itself; every address in the documents is built from ``url``, every id from ``ids``.

    ``ids`` is the beginning of the ids (``identity.beginning``), by default that of a new installation at ``url``.
    """

    title: str
    url: str
    language: str
    timezone: str
    ids: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", uri(self.url))
        if not self.ids:
            object.__setattr__(self, "ids", identity.beginning(self.url))


def appearance(feed: FeedDefinition, site: SiteInfo) -> str:
    """A digest of all that. Storage is told of it for each feed, so that the feed has changed when any of it has.

    Numbers and dates in the titles of indicators are written as the installed release of babel knows them.
    """
    parts = (
        [feed.digest, render.RENDERER_VERSION, babel.__version__ if feed.items == "indicators" else ""],
        [site.title, site.url.rstrip("/"), site.language, site.timezone, site.ids],
    )
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]
