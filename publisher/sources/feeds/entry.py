"""One entry of a feed, as it was written: before its dates are read and its text is cleaned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from publisher.content import one_line
from publisher.model import Attachment, Image
from publisher.model.base import xml_legal
from publisher.sources.documents.limits import MAX_VALUES


@dataclass(frozen=True, slots=True)
class Note:
    """What is doubtful about a field of an entry, and the text that stood there."""

    field: str
    message: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A text: HTML, or plain text where ``html`` is false. ``base`` is what its links are relative to, if it says.

    ``stated``: whether the feed says which of them it is; else it was told by its looks.
    """

    value: str
    html: bool
    base: str | None = None
    stated: bool = False


@dataclass(slots=True)
class Entry:
    """An entry. ``id`` is its guid, ``link`` an absolute address; ``is_home`` where the link is the site's own.

    ``contents`` are its texts, the best first; ``summary`` is plain text. ``published`` and ``updated`` are dates as
    written, the best first. ``origins`` says of a field that it was guessed.
    """

    id: str | None = None
    link: str | None = None
    is_home: bool = False
    title: str | None = None
    contents: list[Content] = field(default_factory=list)
    summary: str | None = None
    authors: list[str] = field(default_factory=list)
    editor: str | None = None
    agency: str | None = None
    section: str | None = None
    topics: list[str] = field(default_factory=list)
    language: str | None = None
    published: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    has_small_picture: bool = False
    """Whether its only picture is so small that one in its text is better."""
    base: str | None = None
    cut: bool = False
    """Whether the document ended within it."""
    origins: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def note(self, name: str, message: str, text: str | None = None) -> None:
        """Say what is doubtful."""
        self.notes.append(Note(name, message, text))


def lines(values: Iterable[str | None], entry: Entry, name: str) -> list[str]:
    """Each text once, on one line; blank ones dropped, and no more than an article may have."""
    found = dict.fromkeys(line for value in values if value and (line := one_line(xml_legal(value))))
    if len(found) > MAX_VALUES:
        entry.note(name, f"{len(found):,} of them; the first {MAX_VALUES:,} are taken")
    return list(found)[:MAX_VALUES]
