"""What changes when a process switches to another version of the definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from publisher.app.readers import Reader
from publisher.app.versions import InForce
from publisher.catalog import Catalog
from publisher.catalog.history import Moves, moves
from publisher.settings import Shared


@dataclass(frozen=True, slots=True)
class Switch:
    """From ``before`` to ``after``, with the catalog as this process uses it and the readers for it.

    ``watched`` is the folder of each source that is read when a file in it changes; ``taken``: this process took the
    version itself.
    """

    before: InForce
    after: InForce
    catalog: Catalog
    readers: Mapping[str, Reader]
    watched: Mapping[str, Path]
    taken: bool = False

    @property
    def moves(self) -> Moves:
        """What differs."""
        return moves(_named(self.before.catalog, self.before.shared), _named(self.after.catalog, self.after.shared))


def _named(catalog: Catalog, shared: Shared) -> dict[str, object]:
    named: dict[str, object] = {f"source {one.name}": one for one in catalog.sources}
    named |= {f"feed {name}": feed for name, feed in catalog.feeds.items()}
    named |= {f"indicator {symbol}": spec for symbol, spec in catalog.indicators.items()}
    return named | {f"setting {name}.{key}": value for name, section in shared for key, value in section}
