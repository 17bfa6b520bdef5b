"""What a job is, whoever does it."""

from __future__ import annotations

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
