"""How much one edit may remove at once.

A folder that was moved, a mount that is gone or a checkout half-way through looks as if its feeds had been removed, and
that tells every reader to stop fetching them. So an edit that would remove more than half of the feeds, and more than
two, is refused until an operator confirms it. Removals are counted against the feeds in force now and those ten minutes
ago, so that removing them one by one counts too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from publisher.errors import RemovalRefused

WINDOW_MICROS = 600_000_000
MORE_THAN = 2
"""Feeds that may always be removed at once."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The feeds in force, and when those added or removed within the window were added or removed (microseconds).

    ``sources`` is how many sources are read.
    """

    feeds: frozenset[str]
    sources: int = 0
    came: Mapping[str, int] = field(default_factory=dict)
    went: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Standing:
        """The inverse of :meth:`written`."""
        return cls(frozenset(value["feeds"]), value["sources"], value["came"], value["went"])

    def written(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "feeds": sorted(self.feeds),
            "sources": self.sources,
            "came": dict(self.came),
            "went": dict(self.went),
        }

    def before(self, now: int) -> frozenset[str]:
        """The feeds that were in force one window before ``now``."""
        lately, gone = _lately(self.came, now), _lately(self.went, now)
        return frozenset((self.feeds - lately.keys()) | (gone.keys() - lately.keys()))

    def moved(self, feeds: Collection[str], sources: int, now: int) -> Standing:
        """The standing once these feeds, and so many sources, are in force from ``now`` on."""
        came, went = _lately(self.came, now), _lately(self.went, now)
        came |= {name: now for name in feeds if name not in self.feeds and name not in went}
        went |= {name: now for name in self.feeds if name not in feeds}
        return Standing(frozenset(feeds), sources, came, {name: at for name, at in went.items() if name not in feeds})


def judge(
    standing: Standing, offered: Collection[str], now: int, *, missing: bool = False, emptied: bool = False
) -> None:
    """Raise RemovalRefused if replacing the feeds in force with these removes too much.

    ``missing``: the folder of feeds does not exist. ``emptied``: the file of sources is empty.
    """
    if emptied and standing.sources:
        raise RemovalRefused(
            f"config/sources.toml is empty, and {standing.sources} sources are read. Nothing was taken. "
            "Put its text back, or, if none is to be read: publisher apply --force",
            feeds=(),
            whole=True,
        )
    lost = sorted(standing.feeds - set(offered))
    if lost and not offered:
        what = "feeds is not there" if missing else "feeds holds no feed"
        raise RemovalRefused(
            f"{what}, and {_counted(lost)} in force: {_named(lost)}. Nothing was taken. "
            "Put the folder back, or, if they are to be removed: publisher apply --force",
            feeds=lost,
            whole=True,
        )
    for known in (standing.feeds, standing.before(now)):
        gone = sorted(known - set(offered))
        # Removals that were allowed before are no reason to refuse an edit that removes nothing more.
        if lost and len(gone) > MORE_THAN and 2 * len(gone) > len(known):
            raise RemovalRefused(
                f"{len(gone)} of {len(known)} feeds would be removed within ten minutes: {_named(gone)}. Nothing was "
                "taken. If it is meant: publisher apply --force, or SIGHUP once 10 s have passed",
                feeds=lost,
                whole=False,
            )


def _lately(moments: Mapping[str, int], now: int) -> dict[str, int]:
    return {name: at for name, at in moments.items() if at > now - WINDOW_MICROS}


def _counted(names: Collection[str]) -> str:
    return "one is" if len(names) == 1 else f"{len(names)} are"


def _named(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
