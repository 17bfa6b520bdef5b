"""What one reading of a source found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from publisher.model.article import Article
from publisher.model.indicator import Indicator
from publisher.model.provenance import Doubt
from publisher.redaction import redacted


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read: where it was, which field, the text that stood there, and what is wrong.

    An ``error`` on an item means that the item is left out; on a field, that the field is None. A ``warning`` is kept
    beside an item that was taken. ``advice`` is what an operator can set, for operators alone.
    """

    origin: str
    message: str
    field: str | None = None
    text: str | None = None
    severity: Literal["error", "warning"] = "error"
    advice: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "origin", redacted(self.origin))
        object.__setattr__(self, "message", redacted(self.message))

    def __str__(self) -> str:
        where = f"{self.origin}: {self.field}" if self.field else self.origin
        read = self.text[:120] if self.text is not None else None
        found = f" (found {read!r})" if read is not None and repr(read) not in self.message else ""
        return f"{where}: {self.message}{found}"


@dataclass(frozen=True, slots=True)
class ObservedArticle:
    """An article as it was read. ``identity`` is what it is known by: URL, path, or pushed id.

    ``key`` is what its source knows it by, where that outlasts a change of the identity: the link of a list, the guid
    of a feed. ``origins`` says of each field where it came from (see :class:`~publisher.model.provenance.Provenance`),
    as far as there was a choice; ``doubts`` are about this article alone. ``fingerprint`` is that of its content, None
    where it has not been taken yet.
    """

    article: Article
    identity: str
    origin: str
    key: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str | None = None
    doubts: tuple[Doubt, ...] = ()
    keys: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that one reading found. ``bookmark`` is passed to the next reading.

    ``gone`` are ids of articles that the source says it has no more; naming one again does nothing. ``listed`` are the
    ids of all articles that it has, None where it does not list everything: one that was missing in ``gone_after``
    readings in a row is gone. Where more than the share ``hold_above`` of its articles is missing at once, it is taken
    for a fault of the source.

    ``shown``: the source shows its articles to everybody (a site, a feed), so that none of them waits for its time.

    What was refused earlier still is, where it was not read again: ``unread`` are the origins of problems for which
    that holds, ``unchanged`` says it of all.
    """

    articles: tuple[ObservedArticle, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    problems: tuple[Problem, ...] = ()
    bookmark: Mapping[str, Any] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    listed: frozenset[str] | None = None
    gone_after: int = 3
    hold_above: float = 0.3
    unread: frozenset[str] = frozenset()
    unchanged: bool = False
    shown: bool = False
