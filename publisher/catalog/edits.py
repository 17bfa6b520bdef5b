"""Decides about files that a node offers: whether they are an edit, and of which version. Pure.

A node notes the digest of the files that it offered last, and the version that was in force then. That distinguishes
files that an operator edited here from files that are merely older than another node's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from publisher.clock import rfc3339
from publisher.errors import EditRefused


class Decision(Enum):
    """``AGREE``: they are in force already. ``ADOPT``: use the version in force instead. ``TAKE``: they are an edit."""

    AGREE = "agree"
    ADOPT = "adopt"
    TAKE = "take"


@dataclass(frozen=True, slots=True)
class Seen:
    """A node's note: the digest of the files that it offered last, and the number that was in force after that."""

    digest: str
    number: int


@dataclass(frozen=True, slots=True)
class Present:
    """The version in force: its number and digest, and who took it when."""

    number: int
    digest: str
    node: str
    taken_at: datetime


def decide(digest: str, seen: Seen | None, present: Present | None, *, applied: bool, wins: bool) -> Decision:
    """Decide about files of this ``digest``. ``applied``: files of this digest were in force before.

    ``wins``: the files are taken whatever is in force, as on SQLite, or if an operator says so. An edit may equal an
    older version: that is how a change is undone. Raises EditRefused for an edit if another version came in between.
    """
    if present is None:
        return Decision.TAKE
    if digest == present.digest:
        return Decision.AGREE
    if wins:
        return Decision.TAKE
    if seen is None:  # a new container, whose image may be older
        return Decision.ADOPT if applied else Decision.TAKE
    if digest == seen.digest:
        return Decision.ADOPT
    if present.number == seen.number:
        return Decision.TAKE
    raise EditRefused(
        f"these files were edited, and version {present.number} was {_applied(present)} since they were last taken "
        f"here. Nothing was taken. {_ADVICE}"
    )


def not_in_force(present: Present) -> str:
    """The error for an operator who applies files that were not edited while another version is in force."""
    return (
        f"version {present.number} is in force, {_applied(present)}, and these files are no edit of it: as they are, "
        f"they were taken before. Nothing was taken. {_ADVICE}"
    )


_ADVICE = "See what differs with publisher config diff; to take these files all the same: publisher apply --force"


def _applied(present: Present) -> str:
    by = f" by {present.node}" if present.node else ""
    return f"applied{by} at {rfc3339(present.taken_at.replace(microsecond=0))}"
