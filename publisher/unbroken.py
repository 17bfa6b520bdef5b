"""Awaiting work that must not be cancelled half-way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` to its end even when cancelled meanwhile; the cancellation comes after it.

    A transaction that is cancelled half-way takes its connection with it, and may have been committed all the same.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():  # it may be cancelled again, as by a timeout and then by a stop
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        raise
