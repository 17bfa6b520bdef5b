"""Jobs in the place of those that read documents: one that does not end, and one that tells what it was given."""

from collections.abc import Iterator, Sequence
from typing import Any

from publisher.errors import ReadError


def prepare(needs: Sequence[str]) -> None:
    """Nothing is needed."""


def _page(body: bytes, options: Any) -> Iterator[bytes]:
    while True:
        pass


def _json(body: bytes, options: Any) -> Iterator[bytes]:
    raise ReadError(f"{sorted(options)} {sorted(options['options'])} {options}")


JOBS = {"page": _page, "batch": _page, "index": _page, "folder": _page, "json": _json}
