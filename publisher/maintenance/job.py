"""A job: something that is done again and again as long as the service runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from publisher import telemetry
from publisher.errors import told

log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """``action`` is done at once, and again ``every`` seconds (monotonic) after it was done.

    An action that returns a float says itself in how many seconds it wants to be called, if that is sooner.
    """

    name: str
    every: float
    action: Callable[[], Coroutine[Any, Any, object]]

    async def run(self) -> None:
        """Do it until cancelled; one failure is logged and is not the last try."""
        while True:
            wait = self.every
            try:
                sooner = await self.action()
                if isinstance(sooner, float):
                    wait = min(wait, sooner)
            except Exception as error:
                if not told(error):
                    log.exception("service.task_failed", task=self.name)
            await asyncio.sleep(wait)
