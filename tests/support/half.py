"""The jobs that read documents, in a process that dies of the page with the word "Changed."."""

import os
from collections.abc import Iterator
from typing import Any

from publisher.sources import parsing
from publisher.sources.parsing import prepare

__all__ = ["JOBS", "prepare"]


def _page(body: bytes, options: Any) -> Iterator[bytes]:
    if b"Changed." in body:
        os.abort()
    yield from parsing.JOBS["page"](body, options)


JOBS = {**parsing.JOBS, "page": _page}
