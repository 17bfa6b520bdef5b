"""A job that does not end, in the place of those that read documents."""

from collections.abc import Iterator, Sequence
from typing import Any


def prepare(needs: Sequence[str]) -> None:
    """Nothing is needed."""


def _page(body: bytes, options: Any) -> Iterator[bytes]:
    while True:
        pass


JOBS = {"page": _page, "batch": _page}
