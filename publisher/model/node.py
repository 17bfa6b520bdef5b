"""A node: one process that runs on an installation's database, and what it does there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

WEB, INGEST, DELIVER = "web", "ingest", "deliver"

ROLES = (WEB, INGEST, DELIVER)
"""What a process may do: answer requests; read sources and publish what waited; fan out and send."""


@dataclass(frozen=True, slots=True)
class Node:
    """One process, as it tells the others of itself.

    ``id`` is random; the leases that it holds begin with it. ``name`` is that of its machine, or of ``[server] node``.
    ``definitions`` is the number of those it goes by, ``problem`` why it goes by no newer ones. ``clock_offset`` is by
    how many seconds its own clock is ahead of the database's.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    pid: int
    version: str
    definitions: int = 0
    problem: str | None = None
    clock_offset: float = 0.0


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node as the database knows it. ``lost``: it was not heard of lately, and did not say that it stops.

    ``sources`` are those that it is reading. ``lanes`` is for how many of the lanes of endpoints it sends, and
    ``deliveries`` how many it has taken: that it is sending, or that wait in its lanes for their first attempt.
    """

    node: Node
    started_at: datetime
    seen_at: datetime
    lost: bool
    sources: tuple[str, ...] = field(default=())
    lanes: int = 0
    deliveries: int = 0
