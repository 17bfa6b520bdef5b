"""What a job is, and who does it: the same jobs in this process, or in one that can be killed (``isolated``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

Job = Callable[[bytes, Any], Iterable[bytes]]
"""What is done with a document, by options that are plain JSON: pieces of JSON. Raises ReadError.

It is pure: what it needs besides is in the options, and is made ready by their ``prepare`` before the document is seen.
"""


class Runner(Protocol):
    """Does jobs by their names."""

    async def run(
        self, job: str, body: bytes, options: Mapping[str, Any], *, needs: Sequence[str] = ()
    ) -> Sequence[bytes]:
        """The pieces that a job makes of a document. ``needs`` are what it has to find ready, such as ``locale:id``.

        Raises ReadError for what the job refuses, Overrun for what was too much for it, and Unread where the document
        is not at fault.
        """
        ...


class InProcess:
    """Does jobs in a thread of this process: for tests, and where no requests are served. Nothing limits them."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs

    async def run(
        self, job: str, body: bytes, options: Mapping[str, Any], *, needs: Sequence[str] = ()
    ) -> Sequence[bytes]:
        """See :class:`Runner`."""
        return await asyncio.to_thread(lambda: list(self._jobs[job](body, options)))
