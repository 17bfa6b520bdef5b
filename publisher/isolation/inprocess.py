"""Jobs in this process: for tests, and for who has nobody to serve meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from publisher.isolation.jobs import Job


class InProcess:
    """Does jobs in a thread. Nothing limits or stops them."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs

    async def run(
        self, job: str, body: bytes, options: Mapping[str, Any], *, needs: Sequence[str] = ()
    ) -> Sequence[bytes]:
        """See :class:`~publisher.isolation.jobs.Runner`."""
        return await asyncio.to_thread(lambda: list(self._jobs[job](body, options)))
