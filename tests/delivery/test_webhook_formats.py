"""What holds for every webhook format: each that is registered is judged here, and a new one is too by being there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from golden_contents import GOLDEN, asked, contents, written
from support.items import an_article, an_event

from publisher.delivery.transports import FORMATS, for_webhooks, named
from publisher.delivery.transports.base import Content, Format, SingleEvent
from publisher.errors import NotFound
from publisher.model import Change, Event, EventType, article_json

CONTENTS = contents()
PAIRS = [
    pytest.param(format, asked(format, content), id=f"{format.name}: {name}")
    for format in FORMATS.values()
    for name, content in CONTENTS.items()
    if type(content) in format.carries
]
EVENT_FORMATS = [one for one in FORMATS.values() if SingleEvent in one.carries]
OURS = {"content-type", "content-length", "content-encoding", "host", "transfer-encoding", "user-agent", "connection"}
UPDATED = EventType.ARTICLE_UPDATED

every_format = pytest.mark.parametrize("format", FORMATS.values(), ids=lambda one: one.name)
every_event_format = pytest.mark.parametrize("format", EVENT_FORMATS, ids=lambda one: one.name)
every_pair = pytest.mark.parametrize(("format", "content"), PAIRS)


@every_format
def test_its_requests_are_the_golden_ones_to_the_byte(format: Format) -> None:
    assert written(format) == (GOLDEN / f"{format.name}.http").read_bytes()


@every_format
def test_it_describes_itself(format: Format) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", format.name)
    assert format.label.strip()
    assert len(format.about.split()) >= 5
    assert "\n" not in format.label + format.about
    assert format.carries
    for name, one in format.parameters.model_fields.items():
        assert (one.description or "").strip(), name


@every_format
def test_its_example_is_one_that_it_takes(format: Format) -> None:
    assert list(format.refusals(format.example_url, format.example)) == []


@every_pair
def test_the_same_content_is_the_same_request(format: Format, content: Content) -> None:
    again = next(
        one for one in contents().values() if one.id == content.id and one == replace(content, asked=one.asked)
    )
    assert format.request(content) == format.request(asked(format, again))


@every_pair
def test_its_headers_are_plain_and_none_is_the_clients_or_the_signatures(format: Format, content: Content) -> None:
    own = format.headers(content)
    for name, value in {**own, "Content-Type": format.content_type(content)}.items():
        assert re.fullmatch(r"[A-Za-z0-9-]+", name)
        assert re.fullmatch(r"[\x20-\x7e]+", value)
    names = {name.lower() for name in own}
    assert not names & OURS
    assert not [name for name in names if name.startswith("webhook-")]


@every_pair
def test_its_body_is_of_the_type_that_it_says(format: Format, content: Content) -> None:
    body, content_type = format.body(content), format.content_type(content)
    if "json" in content_type:
        json.loads(body)
    if "json" in content_type or content_type.startswith("text/"):
        body.decode()
    assert body


@every_pair
def test_its_url_is_one_that_can_be_called(format: Format, content: Content) -> None:
    assert re.fullmatch(r"(/[A-Za-z]+)?", format.path(content))


@every_pair
def test_its_request_is_known_by_the_id_of_its_content(format: Format, content: Content) -> None:
    assert format.request(content).id == content.id


@every_event_format
def test_a_follower_of_summaries_gets_none_of_the_full_text(format: Format) -> None:
    data = {"id": "a1", "title": "T", "summary": "Short.", "body": "<p>Markfulltext.</p>"}
    event = an_event(UPDATED, data=data, before={**data, "title": "Old"})
    for change in Change:
        assert b"Markfulltext" not in _everything(format, event, change, summary=True)


@every_event_format
def test_a_follower_whose_feed_an_item_left_gets_nothing_of_what_it_is_now(format: Format) -> None:
    old = {"id": "a1", "title": "Was", "body": "<p>Was.</p>", "source": "marksource"}
    event = an_event(UPDATED, data={"id": "a1", "title": "Marknow", "body": "<p>Marknow.</p>"}, before=old)
    sent = _everything(format, event, Change.LEFT)
    assert b"Marknow" not in sent
    assert b"marksource" not in sent


@every_event_format
def test_no_source_of_an_item_is_named(format: Format) -> None:
    for type_ in (UPDATED, EventType.INDICATOR_UPDATED):
        assert b"marksource" not in _everything(format, an_event(type_, source="marksource"), Change.STAYED)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("standart", 'did you mean "standard"?'),
        ("x", f"known: {', '.join(for_webhooks())}"),
        ("x" * 9000, "known: "),
    ],
)
def test_a_format_that_is_not_there_is_refused_with_the_nearest(name: str, says: str) -> None:
    with pytest.raises(NotFound) as refused:
        named(name)
    assert "is no webhook format" in str(refused.value)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 300


@every_event_format
def test_its_body_is_bounded_whatever_an_item_has(format: Format) -> None:
    event = an_event(UPDATED, data=_huge(), before=_huge(), changed=("title",))
    assert len(_everything(format, event, Change.STAYED)) < 28_000


@every_event_format
def test_it_writes_what_a_later_program_made_and_this_one_lacks(format: Format) -> None:
    for type_ in EventType:
        assert _everything(format, an_event(type_, data={"id": "x1"}), Change.LEFT)


def _huge() -> dict[str, Any]:
    """An article of which everything is as long as it may be, and longer."""
    text, url = 'Kata "panjang" \\ \U0001f4f0 ' * 3000, "https://news.example/" + "x" * 30_000
    image = {"url": url, "caption": text, "credit": text}
    return {
        **article_json(an_article("a1")),
        **dict.fromkeys(("title", "summary", "editor", "agency", "dateline", "section"), text),
        **dict.fromkeys(("authors", "topics"), [text] * 20 + ["x"] * 20_000),
        "url": url,
        "body": f"<p>{text}</p>" * 20,
        "images": [image] * 20,
    }


def _everything(format: Format, event: Event, change: Change, *, summary: bool = False) -> bytes:
    told = SingleEvent.of(event, event.type, change, summary=summary, asked=format.example)
    request = format.request(told)
    return repr(request.headers).encode() + request.body
