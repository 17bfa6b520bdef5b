"""Jobs in the place of those that read documents, in which something goes wrong."""

from collections.abc import Iterator, Sequence
from typing import Any

from publisher.errors import ReadError


def prepare(needs: Sequence[str]) -> None:
    """Nothing is needed."""


def _fail(body: bytes, options: Any) -> Iterator[bytes]:
    raise KeyError("x")


def _pushed(body: bytes, options: Any) -> Iterator[bytes]:
    raise ReadError("takes more memory than there is")


JOBS = {"batch": _fail, "page": _fail, "folder": _fail, "feed": _fail, "index": _fail, "json": _fail, "pushed": _pushed}
