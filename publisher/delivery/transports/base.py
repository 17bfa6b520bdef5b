"""What is sent, apart from how it is written: contents, the formats that write them, and the request that comes of it.

Signing (``signing.py``) and posting (``posting.py``) know of requests alone; formats know of contents alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, final

from pydantic import ValidationError

from publisher.configfile import explain
from publisher.content import summarised
from publisher.model import Change, Event, EventType, Options
from publisher.model.base import Frozen
from publisher.model.options import DEFAULT
from publisher.model.uri import uri

if TYPE_CHECKING:
    from publisher.outbound import PostResult


@dataclass(frozen=True, slots=True)
class Site:
    """The site that tells: addresses begin with ``url``, and words, numbers and times are in its language and zone."""

    title: str = "Publisher"
    url: str = "http://127.0.0.1:8080"
    language: str = "en"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", uri(self.url).rstrip("/"))


SITE = Site()
"""One that nothing is known of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleEvent:
    """One event as one follower may know it; what a follower may not know is not in here, whatever the format.

    ``id`` is the event's, the same over every attempt, and ``seq`` its place in the log. ``type`` is the one that the
    follower is told, ``change`` what the event meant to what it follows, ``changed`` the fields that differ. ``data``
    is the item: as it was then, or, for one that left, as it last stood in the feed. ``source`` is None but for
    operations: the names of sources are not for everyone who may follow a feed. ``site`` is who tells it, and ``asked``
    how the follower asked to be told.
    """

    id: str
    seq: int
    type: EventType
    timestamp: datetime
    source: str | None
    change: Change
    changed: Sequence[str]
    data: Mapping[str, Any]
    site: Site = SITE
    asked: Options = DEFAULT

    @classmethod
    def of(
        cls,
        event: Event,
        type: EventType,
        change: Change,
        *,
        summary: bool = False,
        site: Site = SITE,
        asked: Options = DEFAULT,
    ) -> SingleEvent:
        """What a follower is told of an event by its match; with ``summary`` the item's full text is not for it."""
        data = _data(event, change)
        return cls(
            id=event.id,
            seq=event.seq,
            type=type,
            timestamp=event.timestamp,
            source=event.source if type.items == "operations" else None,
            change=change,
            changed=event.changed,
            data=summarised(data) if summary else data,
            site=site,
            asked=asked,
        )


def _data(event: Event, change: Change) -> dict[str, Any]:
    if change is not Change.LEFT or event.before is None:
        return event.data
    # The item as it is now may be what this follower must not see: it gets what it knew. A source in it says whose
    # item it was, and is no part of the item.
    return {key: value for key, value in event.before.items() if key != "source"}


@dataclass(frozen=True, slots=True)
class Ping:
    """A test of a webhook (its id): no event, and in no log. ``id`` is its own."""

    id: str
    timestamp: datetime
    webhook: str
    site: Site = SITE
    asked: Options = DEFAULT


Content = SingleEvent | Ping
"""Whatever can be sent: formats tell one from the other by its class, and mypy that none is left out."""


@dataclass(frozen=True, slots=True)
class Request:
    """A content, written: what is signed and posted. ``id`` is the content's; ``headers`` hold no signature.

    ``path`` is appended to the path of the webhook's URL. ``reads_answer``: whether it was taken is said in the body of
    the answer, whose beginning is waited for.
    """

    id: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    reads_answer: bool = False


class Parameters(Frozen):
    """What a format needs, or takes, besides the URL: a field of this for each, with its description."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a webhook cannot be had: the field (``parameters.topic``) and what is wrong with it."""

    field: str
    said: str


class Format(ABC):
    """One format, which describes itself; adding one is a file beside ``standard.py`` that looks like it.

    ``name`` is what it is called in the API, in commands and in storage; ``label`` what people call it; ``about`` one
    sentence for docs/formats.md, which a test compares. ``carries`` are the classes of contents that it can write.
    ``takes`` names those of ``content`` and ``template`` that it heeds, ``parameters`` declares what else it does.
    ``reads_answers``: a 2xx alone is no success, see :meth:`refusal`. ``example`` is what a follower could ask for, and
    ``example_url`` a URL of the kind that it is sent to: for documents and tests.

    What it writes is a function of the content alone: every attempt carries the same bytes.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    about: ClassVar[str]
    carries: ClassVar[frozenset[type[Content]]]
    takes: ClassVar[frozenset[str]] = frozenset()
    parameters: ClassVar[type[Parameters]] = Parameters
    reads_answers: ClassVar[bool] = False
    example: ClassVar[Options] = DEFAULT
    example_url: ClassVar[str] = "https://receiver.example/hook"
    batch_type: ClassVar[str | None] = None
    """The ``Content-Type`` of a JSON array of bodies, None where several events cannot be sent at once."""

    @abstractmethod
    def content_type(self, content: Content) -> str:
        """The ``Content-Type`` of the body."""

    @abstractmethod
    def body(self, content: Content) -> bytes:
        """The content, written. Raises Unwritable where what was asked for makes too much of it."""

    def headers(self, content: Content) -> Mapping[str, str]:
        """What headers it needs beside the type of the body and the signature: none, by default."""
        return {}

    def path(self, content: Content) -> str:
        """What is appended to the path of the webhook's URL: nothing, by default."""
        return ""

    def refusal(self, answer: str) -> str | None:
        """Why an answer with a 2xx is no success; None where it is one. Asked if it ``reads_answers``.

        ``answer`` is the first kilobyte of the body, or as much as came within a second. What it does not say for
        certain is a success: what was taken must not be sent again.
        """
        return None

    def wait(self, answer: str) -> float | None:
        """Seconds that the body of a failure asks to wait, beside ``Retry-After``; None where it says nothing."""
        return None

    def url_refusal(self, url: str) -> str | None:
        """Why this format cannot be sent to a URL, None where it can."""
        return None

    @final
    def refusals(self, url: str, options: Options) -> Iterator[Refusal]:
        """All that is wrong with these for this format; no other URL or options are ever written by."""
        if (said := self.url_refusal(url)) is not None:
            yield Refusal("url", said)
        given = {"content": options.content != "full", "template": options.template is not None}
        for name in sorted(name for name, there in given.items() if there and name not in self.takes):
            yield Refusal(name, f'the format "{self.name}" has none; leave it out')
        if "template" in self.takes:
            yield from self.template_refusals(options.template)
        try:
            self.parameters.model_validate(options.parameters)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                where, said = str(fault["loc"][0]), explain(fault, self.parameters)
                if fault["type"] == "missing":
                    said += f": {self.parameters.model_fields[where].description}"
                yield Refusal(f"parameters.{where}", said)

    def template_refusals(self, template: str | None) -> Iterator[Refusal]:
        """What is wrong with a template, for a format that takes one."""
        return iter(())

    @final
    def request(self, content: Content) -> Request:
        """The request that carries the content, unsigned. Raises Unwritable as :meth:`body`."""
        headers = {"Content-Type": self.content_type(content), **self.headers(content)}
        return Request(content.id, self.body(content), headers, self.path(content), self.reads_answers)

    @final
    def judged(self, result: PostResult) -> PostResult:
        """How an attempt went, once its answer is read as this format's receivers mean it."""
        if result.status is None:
            return result
        answer = result.response_excerpt or ""
        if result.delivered:
            reason = self.refusal(answer) if self.reads_answers else None
            if reason is None:
                return replace(result, response_excerpt=None) if result.response_excerpt else result
            result = result.but_refused(reason)
        wait = self.wait(answer)
        return result if wait is None else result.asking_to_wait(wait)
