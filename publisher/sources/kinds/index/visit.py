"""One reading of an index while it is under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from publisher.errors import FetchError
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.kinds.index.bookmark import Page
from publisher.sources.reading.draft import Reading


@dataclass(slots=True)
class Visit:
    """What one reading has met so far; the pages in ``pages`` are changed as they are read.

    ``overloaded`` is set when the server, or the time, has had enough of it. ``judged`` are the addresses of what was
    read, or could not be: what was said of it before holds no more. ``cut`` is set when a list may have more than was
    read of it. ``fresh`` are the links of pages that gave no article before, ``shared`` the addresses that several
    articles give for themselves. ``silent`` is the first changed page that gave no article.
    """

    began: datetime
    pages: dict[str, Page]
    articles: list[ObservedArticle] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    requested: int = 0
    parsed: int = 0
    silent: Reading | None = None
    failures: list[FetchError] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    overloaded: bool = False
    cut: bool = False
    fresh: set[str] = field(default_factory=set)
    shared: tuple[str, ...] = ()
