"""The language that a document names, looked for in its first bytes before it is parsed.

A locale has to be at hand by the time that a document is parsed, in a process that can open no file any more. So the
service looks for the name itself, in a few kilobytes and by a parser that is Python throughout: those that are faster
are never shown a stranger's bytes where requests are served.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

COMMON = frozenset(
    ["ar", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "ms", "nl", "pl", "pt", "ru", "th", "tr", "vi", "zh"]
)
"""Languages that a document may name for its dates, besides the installation's own: each loads something when it is
first met, and strangers are not to choose how often. Dates in others are read as English ones."""

PAGE_READ, FEED_READ = 4_096, 16_384
"""Bytes of a page and of a feed in which the name of its language is looked for."""

_STEP = 4_096
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?(?![A-Za-z0-9])")
_MEMBER = re.compile(rb'"language"\s{0,20}:\s{0,20}"([A-Za-z]{2,3})\b')


def language_of_page(body: bytes) -> str | None:
    """The ``lang`` of a page's ``<html>`` in lower case, its first two parts at most; None where it names none."""
    return _found(body[:PAGE_READ], _Page())


def language_of_feed(body: bytes) -> str | None:
    """The first language that RSS, Atom or JSON Feed names, without its region; None where it names none."""
    start = body[:FEED_READ]
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        member = _MEMBER.search(start)
        return member[1].decode().lower() if member else None
    found = _found(start, _Feed())
    return found.partition("-")[0] if found else None


class _Scanner(HTMLParser):
    """Reads until ``language`` is set."""

    language: str | None = None

    def take(self, value: str | None) -> None:
        found = _TAG.match((value or "").strip())
        self.language = self.language or (found[0].lower() if found else None)


class _Page(_Scanner):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "html":
            self.take(dict(attrs).get("lang"))


class _Feed(_Scanner):
    """Of RSS ``<language>`` and ``<dc:language>``, of Atom ``xml:lang``."""

    _within = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.take(dict(attrs).get("xml:lang"))
        self._within = tag.rpartition(":")[2] == "language"

    def handle_endtag(self, tag: str) -> None:
        self._within = False

    def handle_data(self, data: str) -> None:
        if self._within:
            self.take(data)

    def unknown_decl(self, data: str) -> None:
        """A CDATA section."""
        self.handle_data(data.removeprefix("CDATA["))

    def handle_comment(self, data: str) -> None:
        """A CDATA section, too: to HTML it is a comment outside of SVG, and so some versions of the parser tell it."""
        if data.startswith("[CDATA["):
            self.handle_data(data.removeprefix("[CDATA["))


def _found(start: bytes, scanner: _Scanner) -> str | None:
    text = start.decode("latin-1").removeprefix("\u00ef\u00bb\u00bf")
    for at in range(0, len(text), _STEP):
        scanner.feed(text[at : at + _STEP])
        if scanner.language:
            break
    return scanner.language
