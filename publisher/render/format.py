"""What every feed format can do, and what it is told of a feed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import ClassVar

from publisher.clock import rfc3339
from publisher.render.entry import Entry

GENERATOR = "publisher"


@dataclass(frozen=True, slots=True)
class Head:
    """A feed without its entries. ``updated`` is when it last changed; ``deleted`` are (entry id, when) that left it.

    ``url`` is that of the document, ``home_url`` of the feed's page for people, ``site_url`` of the site's.
    """

    id: str
    title: str
    description: str
    language: str
    updated: datetime
    url: str
    home_url: str
    site_title: str
    site_url: str
    items: str = "articles"
    deleted: Sequence[tuple[str, datetime]] = ()


class Format(ABC):
    """One feed format, as it describes and writes itself. Adding one: a subclass in a file of ``render/formats/``.

    What is large is imported there when the first entry is written: a process that publishes nothing asks formats for
    their names all the same.
    """

    name: ClassVar[str]
    """The ending of its URLs: ``rss``; of small letters and digits."""

    label: ClassVar[str]
    """What people call it: ``RSS 2.0``."""

    short: ClassVar[str]
    """The same where there is little room: ``RSS``."""

    content_type: ClassVar[str]
    """Of its documents, with their charset."""

    media_types: ClassVar[tuple[str, ...]]
    """What a request accepts that would have it: its own type first, in small letters."""

    place: ClassVar[int] = 100
    """Where it stands among the others, where people are shown them: by this number, then by name."""

    printed: ClassVar[bool] = False
    """Whether it is printed where none is asked for."""

    for_programs: ClassVar[bool] = False
    """Whether a program is told to read it."""

    @property
    def media_type(self) -> str:
        """Its own media type, without parameters."""
        return self.media_types[0]

    @abstractmethod
    def fragment(self, entry: Entry) -> bytes:
        """One entry, written so that it can stand in any document of this format."""

    @abstractmethod
    def document(self, head: Head, fragments: Iterable[bytes]) -> bytes:
        """The whole document, the entries in the order given."""


def rfc822(moment: datetime) -> str:
    """``Sun, 22 Nov 2026 08:00:00 +0000``, in English whatever the locale (RFC 822, with a four-digit year)."""
    return format_datetime(moment)


def zulu(moment: datetime) -> str:
    """RFC 3339 to the second."""
    return rfc3339(moment.replace(microsecond=0))
