"""trafilatura, where it is installed: a second opinion on the text, and guesses at what a page does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from publisher.sources.html.body import Block, fragment_blocks
from publisher.sources.reading.draft import Reading

MAX_READ = 2_000_000
"""Characters of a page beyond which it is not called: it takes several times as long as our own reading."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What it makes of a page: the text, and a title, people and a day that it guesses."""

    blocks: tuple[Block, ...] = ()
    title: str | None = None
    authors: tuple[str, ...] = ()
    day: str | None = None


def installed() -> Any:
    """The library, None where it is not installed."""
    try:
        import trafilatura
    except ImportError:
        return None
    return trafilatura


def guess(text: str, url: str, reading: Reading) -> Guess:
    """What the library makes of a page; nothing where it is not installed, or fails."""
    library = installed()
    if library is None:
        return Guess()
    if len(text) > MAX_READ:
        return Guess()
    try:
        _spare_dateparser()
        html = library.extract(
            text,
            url=url or None,
            output_format="html",
            with_metadata=True,
            include_comments=False,
            include_formatting=True,
            include_links=True,
        )
    except Exception as error:  # whatever a strange page does to it, the rest of the page stands
        reading.warn(f"trafilatura failed: {type(error).__name__}: {error}", "body")
        return Guess()
    return _read(html) if html else Guess()


def _read(html: str) -> Guess:
    """What it writes: the text, and above it what it found out besides."""
    said = {
        node.attributes.get("name"): node.attributes.get("content") or ""
        for node in LexborHTMLParser(html).css("head meta[name]")
    }
    authors = tuple(part.strip() for part in said.get("author", "").split(";") if part.strip())
    return Guess(tuple(fragment_blocks(html)), said.get("title"), authors, _day(said.get("date")))


def _spare_dateparser() -> None:
    """Keep its search for a day from trying words in two hundred languages, which costs a process half a minute once.

    There is no option for that alone: without "extensive_search" it leaves out its search of the page's text as well,
    which finds the day of 11 pages of 59 (docs/benchmarks.md, "Reading pages").
    """
    from htmldate import extractors

    if hasattr(extractors, "_external_date"):
        extractors._external_date = _no_date


def _no_date(string: str) -> datetime | None:
    """Instead of dateparser's reading of a text."""
    return None


def _day(date: str | None) -> str | None:
    """A day that it read off a page; it never gives the hour."""
    try:
        return datetime.fromisoformat(date).date().isoformat() if date else None
    except ValueError:
        return None
