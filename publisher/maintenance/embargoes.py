"""Publishing each embargoed article at its time."""

from __future__ import annotations

from publisher.ingest import Intake

EVERY = 1.0
"""Seconds between two checks for an embargo that was set or moved, by this process or another."""


async def release(intake: Intake) -> float:
    """Publish what is due; returns the seconds until the next embargo ends, :data:`EVERY` at most."""
    await intake.release_due()
    due = await intake.next_due()
    return EVERY if due is None else min(due, EVERY)
