"""A job: something that is repeated as long as the service runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from publisher import telemetry
from publisher.errors import told
from publisher.storage.engine.turns import Urgency, writing_as

log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """``action`` is called at once, and again ``every`` seconds (monotonic) after it returned.

    An action that returns a float is called again after so many seconds, if that is sooner. ``urgency``: that of what
    it writes.
    """

    name: str
    every: float
    action: Callable[[], Coroutine[Any, Any, object]]
    urgency: Urgency = Urgency.UPKEEP

    async def run(self) -> None:
        """Repeat it until cancelled; a failure is logged, and the action is called again."""
        while True:
            wait = self.every
            try:
                with writing_as(self.urgency):
                    sooner = await self.action()
                if isinstance(sooner, float):
                    wait = min(wait, sooner)
            except Exception as error:
                if not told(error):
                    log.exception("service.task_failed", task=self.name)
            await asyncio.sleep(wait)
