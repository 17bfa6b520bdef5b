"""The answer to a request, as it is parsed, and what it may cost."""

from __future__ import annotations

from functools import lru_cache

import httptools

from publisher import retryafter
from publisher.outbound.http1.sending import Sending
from publisher.outbound.results import PostResult

HEAD_LIMIT = 64 * 1024
"""Bytes of all heads of one answer, interim ones included."""

POST_LIMIT = 64 * 1024
"""Bytes of the whole answer, as they arrive: heads, framing and body."""

MAX_INTERIM = 32
"""Interim answers (1xx) before the final one; a server sends one or two."""

MAX_LINES = 128
MAX_LINE = 8190
"""Header lines of one head, and bytes of one."""

KEPT_HEAD = 4096
"""Bytes of an answer's headers, names and values, that are kept for people to look at."""

EXCERPT = 1024
"""Bytes of the body of an answer that is no success, kept for people to look at."""


class Answer:
    """One answer after the other of a connection. ``status`` is 0 until the final head is there.

    ``refused`` says why it is parsed no further; ``keep``: the connection may be used for another request; ``begun``:
    some of it has come; ``left``: bytes that may still come; ``spent``: milliseconds until the status line.
    """

    __slots__ = (
        "_excerpt", "_head", "_interim", "_kept", "_lines", "_parser", "_reads", "_retry_after", "begun", "complete",
        "keep", "left", "refused", "spent", "status",
    )  # fmt: skip

    def __init__(self) -> None:
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self.expect()

    def expect(self, *, reads: bool = False) -> None:
        """Begin to wait for an answer; with ``reads`` the beginning of its body is kept of a success too."""
        self._reads = reads
        self.status = 0
        self.refused: str | None = None
        self.complete = self.begun = False
        self.keep = True
        self.left = POST_LIMIT
        self.spent = 0
        self._interim = self._lines = 0
        self._retry_after: bytes | None = None
        self._excerpt = b""
        self._head: list[tuple[bytes, bytes]] = []
        self._kept = 0

    def close(self) -> None:
        """Parse no further."""
        self._parser = None  # it refers to this

    @property
    def enough(self) -> bool:
        """Whether everything is known that is told of it."""
        return (200 <= self.status < 300 and not self._reads) or len(self._excerpt) >= EXCERPT

    def feed(self, data: memoryview, size: int) -> None:
        """Parse what came: so many bytes."""
        self.begun = True
        self.left -= size
        if self.left < 0:
            data = data[: self.left]
        parser = self._parser
        if parser is None or self.refused is not None:
            return
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.keep = False
            if self.refused is None:
                self.refused = f"the answer cannot be read: {error}"[:300]
        if self.left < 0 and self.refused is None:
            self.refused = f"the answer is cut off: its head goes on after {HEAD_LIMIT} bytes"

    def result(self, sending: Sending) -> PostResult:
        """What is told of it, once its status is known."""
        sending.answered, sending.excerpt = self._head, self._excerpt[:EXCERPT]
        if self._retry_after is None and 200 <= self.status < 300 and not self._reads:
            return _success(self.status, self.spent)
        value = None if self._retry_after is None else self._retry_after.decode("utf-8", "replace")
        wait = retryafter.read(value, sending.pool.now())
        excerpt = None if 200 <= self.status < 300 and not self._reads else _text(sending.excerpt)
        return PostResult(self.status, None, wait.seconds, excerpt, self.spent, ignored=wait.ignored)

    def on_message_begin(self) -> None:
        """Called by the parser."""
        if self.complete:  # nothing was asked
            self.keep = False
            raise _Refused

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, for trailers too."""
        if self.status:
            return
        self._lines += 1
        size = len(name)
        if self._lines > MAX_LINES:
            self._refuse(f"its head has more than {MAX_LINES} lines")
        if size + len(value) > MAX_LINE:
            self._refuse(f"a line of its head has more than {MAX_LINE} bytes")
        self._kept += size + len(value)
        if self._kept <= KEPT_HEAD:
            self._head.append((name, value))
        if size == 11 and name.lower() == b"retry-after":
            self._retry_after = value

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        parser = self._parser
        if parser is None:
            return
        status = parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._interim += 1
            self._lines = 0
            self._retry_after = None
            self._head, self._kept = [], 0
            if self._interim > MAX_INTERIM:
                self._refuse(f"more than {MAX_INTERIM} interim answers (1xx) came before it")
            return
        self.status = status
        self.keep = parser.should_keep_alive() and status != 101

    def on_body(self, data: bytes) -> None:
        """Called by the parser."""
        if len(self._excerpt) < EXCERPT:
            self._excerpt += data[:EXCERPT]

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self.status:
            self.complete = True

    def _refuse(self, reason: str) -> None:
        self.refused = f"the answer is cut off: {reason}"
        raise _Refused


class _Refused(Exception):
    """Ends the parsing, whatever is left in the buffer."""


def _text(excerpt: bytes) -> str | None:
    return excerpt.decode("utf-8", "replace").replace("\x00", "") or None


@lru_cache(4096)
def _success(status: int, spent: int) -> PostResult:
    return PostResult(status, duration_ms=spent)
