"""A body is written once for all who are told the same in the same way, within a bound of memory."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, ClassVar

import pytest
from support.items import an_article, an_event

from publisher.delivery import prepared
from publisher.delivery.prepared import PreparedEvents
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import Content, Format, Request, SingleEvent, Site
from publisher.model import Change, Event, EventType, Options, article_json
from publisher.model.options import PLAIN, template_text, written

TYPE, STAYED = EventType.ARTICLE_UPDATED, Change.STAYED


class Counting(Format):
    """Counts how often it writes."""

    name: ClassVar[str] = "counting"
    label: ClassVar[str] = "Counting"
    about: ClassVar[str] = "Bytes of a given size, each time counted."
    carries: ClassVar[frozenset[type[Content]]] = frozenset({SingleEvent})

    def __init__(self, size: int = 1) -> None:
        self.size = size
        self.wrote: Counter[str] = Counter()

    def content_type(self, content: Content) -> str:
        return "text/plain"

    def body(self, content: Content) -> bytes:
        self.wrote[content.id] += 1
        return b"x" * self.size


def event(seq: int = 1) -> Event:
    data = article_json(an_article("a1", title="Kopi"))
    return an_event(TYPE, seq=seq, data=data, before={**data, "title": "Dulu"}, changed=("title",))


def options(**fields: Any) -> str:
    return written(Options(**fields))


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda one: one.name)
def test_every_attempt_carries_the_same_bytes_also_after_a_restart(format: Format) -> None:
    one, asked = event(), written(format.example)

    def attempt(events: PreparedEvents) -> Request:
        events.add([one])
        return events.request(1, format, TYPE, STAYED, False, asked)

    first = PreparedEvents()
    assert attempt(first) == attempt(first) == attempt(PreparedEvents())


def test_it_is_written_once_however_many_are_told_the_same() -> None:
    format, events = Counting(), PreparedEvents()
    events.add([event()])
    for throttle in (60, 120, None):  # what has nothing to do with the body makes no other one
        for _ in range(3):
            events.request(1, format, TYPE, STAYED, False, options(throttle=throttle))
    assert format.wrote.total() == 1


def test_whoever_asks_otherwise_is_written_to_otherwise() -> None:
    events = PreparedEvents()
    events.add([event()])
    template = FORMATS["template"]
    asked = [options(template=template_text([text])) for text in ("{{ data.title }}", "{{ seq }}", "{{ data.title }}")]
    bodies = [json.loads(events.request(1, template, TYPE, STAYED, False, one).body) for one in asked]
    assert bodies == [["Kopi"], [1], ["Kopi"]]

    standard = FORMATS["standard"]
    full, thin = (
        json.loads(events.request(1, standard, TYPE, STAYED, False, one).body)["data"]
        for one in (PLAIN, options(content="thin"))
    )
    assert (full["title"], "title" in thin) == ("Kopi", False)

    topics = [options(parameters={"topic": topic}) for topic in ("satu", "dua")]
    found = [json.loads(events.request(1, FORMATS["ntfy"], TYPE, STAYED, False, one).body)["topic"] for one in topics]
    assert found == ["satu", "dua"]


def test_what_a_thousand_templates_make_of_an_event_is_kept_within_the_bound() -> None:
    size = prepared.KEPT_BYTES // 10
    format, events = Counting(size), PreparedEvents()
    events.add([event(1), event(2)])
    for n in range(100):
        events.request(1 + n % 2, format, TYPE, STAYED, False, options(parameters={"n": n}))
        kept = sum(one.size for seq in (1, 2) if (one := events.find(seq)) is not None)
        assert kept <= prepared.KEPT_BYTES
    assert set(events.known) == {1, 2}  # those who have claimed them count on them


def test_another_site_is_told_by_from_then_on() -> None:
    events = PreparedEvents(Site(url="https://old.example"))
    events.add([event()])
    before = events.request(1, FORMATS["cloudevents"], TYPE, STAYED, False)
    events.site = Site(url="https://new.example")
    after = events.request(1, FORMATS["cloudevents"], TYPE, STAYED, False)
    sources = [json.loads(one.body)["source"] for one in (before, after)]
    assert sources == ["https://old.example/", "https://new.example/"]
