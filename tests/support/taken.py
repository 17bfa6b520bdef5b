"""Jobs in the place of those that read documents, as someone would answer who had taken their process over."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

HTML = "<p>Isi.</p><script>x()</script><p><a href='javascript:x()'>y</a></p>"
ARTICLE = {"article": {"id": "n-1", "title": "T", "body": HTML}, "identity": "n-1", "origin": "o", "key": None,
           "origins": {}, "fingerprint": None}  # fmt: skip


def prepare(needs: Sequence[str]) -> None:
    """Nothing is needed."""


def _items(body: bytes, options: Any) -> Iterator[bytes]:
    yield b"a" + orjson.dumps(ARTICLE)


def _batch(body: bytes, options: Any) -> Iterator[bytes]:
    yield orjson.dumps({"id": "n-1", "article": ARTICLE, "problems": []})


def _page(body: bytes, options: Any) -> Iterator[bytes]:
    yield b"r" + orjson.dumps({"fields": {"title": "T", "body": HTML, "url": "https://contoh.id/a"}})


def _list(body: bytes, options: Any) -> Iterator[bytes]:
    if body == b"<nonsense>":
        yield b"r" + orjson.dumps({"links": [["/a", 5]], "further": []})
        return
    links = [[url, ""] for url in ("http://169.254.169.254/", "file:///etc/passwd", "https://contoh.id/a")]
    yield b"r" + orjson.dumps({"links": links, "further": [], "cut": False})


def _nonsense(body: bytes, options: Any) -> Iterator[bytes]:
    yield b'a{"article": 5}'


JOBS = {"pushed": _items, "batch": _batch, "page": _page, "folder": _items, "feed": _items, "json": _nonsense,
        "index": _list}  # fmt: skip
