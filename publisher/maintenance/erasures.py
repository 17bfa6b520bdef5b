"""Leaving nothing of an erased article in what this process keeps beside the database's tables.

The process that was asked to erase it does so at once. This is for what a reader of the database delayed, and for the
other processes, which have documents of their own in memory and on their disks.
"""

from __future__ import annotations

from publisher.ingest import Intake
from publisher.publish import Publications

EVERY = 1.0
"""Seconds between two looks at whether anything was erased."""


async def wipe(intake: Intake) -> None:
    """Wipe the database's journal."""
    await intake.wipe()


async def forget(publications: Publications) -> None:
    """Forget documents that may hold an erased article."""
    await publications.forget_erased()
