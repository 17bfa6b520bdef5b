"""A body stays under 20 KB whatever an item has, is still what it says it is, and tells what was cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.effort import QUADRATIC, growth
from support.items import an_article, an_event

from publisher.content import harmless, text_of
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import SingleEvent, Site
from publisher.delivery.transports.writing.envelope import LIMIT
from publisher.model import Change, EventType, Options, article_json

SITE = Site("Kabar", "https://kabar.example", "en", "UTC")
WITH_ITEMS = ("standard", "cloudevents")
LONG = ("<p>" + 'Harga "kopi" naik &amp; turun. ' * 20 + "</p><ul><li>satu</li><li>dua</li></ul>") * 60

either = pytest.mark.parametrize("format", WITH_ITEMS)


def sent(format: str, data: dict[str, Any], **asked: Any) -> bytes:
    event = an_event(EventType.ARTICLE_UPDATED, data=data, changed=("title", "body"))
    told = SingleEvent.of(event, event.type, Change.STAYED, site=SITE, asked=Options(**asked))
    return FORMATS[format].body(told)


def article(**fields: Any) -> dict[str, Any]:
    return {**article_json(an_article("a1")), **fields}


@either
def test_a_long_body_is_cut_to_html_with_a_link_to_the_whole(format: str) -> None:
    data = article(body=LONG, url="https://news.example/kopi?a=1&b=2", authors=["Ayu"])
    body = sent(format, data)
    told = json.loads(body)["data"]
    truncated = told.pop("truncated")

    assert 18_000 < len(body) < LIMIT
    assert harmless(told["body"]) == told["body"]
    assert told["body"].endswith(
        '<p><a href="https://news.example/kopi?a=1&amp;b=2" rel="noopener noreferrer">Read on</a></p>'
    )
    assert text_of(LONG).startswith(text_of(told["body"]).removesuffix("Read on").strip(" …"))
    assert {**told, "body": LONG} == data
    assert truncated == {
        "fields": ["body"],
        "url": "https://news.example/kopi?a=1&b=2",
        "api_url": "https://kabar.example/api/v1/articles/a1",
    }


def test_an_article_without_a_url_links_to_its_page_here() -> None:
    told = json.loads(sent("standard", article(body=LONG)))["data"]
    assert told["truncated"]["url"] == "https://kabar.example/articles/a1"
    assert 'href="https://kabar.example/articles/a1"' in told["body"]


@either
def test_what_is_short_is_sent_as_it_is(format: str) -> None:
    data = article()
    assert json.loads(sent(format, data))["data"] == data


def test_other_long_fields_are_cut_and_the_short_ones_stay() -> None:
    images = [{"url": f"https://news.example/{n}.jpg", "caption": "Kata " * 300} for n in range(100)]
    data = article(body=LONG, summary="Kata " * 5000, images=images, topics=["kopi"])
    body = sent("standard", data)
    told = json.loads(body)["data"]

    assert 15_000 < len(body) < LIMIT
    assert told["truncated"]["fields"] == ["summary", "body", "images"]
    assert told["summary"].endswith("…")
    assert 0 < len(told["images"]) < 100
    assert told["images"] == images[: len(told["images"])]
    assert len(told["body"]) > 1000
    assert (told["title"], told["topics"]) == (data["title"], ["kopi"])


def test_half_of_an_address_is_sent_to_nobody() -> None:
    told = json.loads(sent("standard", article(url="https://news.example/" + "x" * 30_000)))["data"]
    assert told["url"] is None
    assert told["truncated"] == {
        "fields": ["url"],
        "url": "https://kabar.example/articles/a1",
        "api_url": "https://kabar.example/api/v1/articles/a1",
    }


TEXTS = st.text(st.sampled_from('aé"\\\n<&📰 '), max_size=40).flatmap(
    lambda text: st.sampled_from((1, 100, 3000)).map(lambda times: text * times)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(("title", "summary", "section", "body", "editor", "url")), TEXTS),
       st.lists(TEXTS, max_size=5), st.sampled_from(WITH_ITEMS))  # fmt: skip
def test_no_body_is_larger_than_it_may_be(fields: dict[str, str], topics: list[str], format: str) -> None:
    data = article(**fields, topics=topics * 50)
    body = sent(format, data)
    told = json.loads(body)["data"]
    assert len(body) < LIMIT
    cut = told.pop("truncated", {"fields": []})["fields"]
    assert [name for name in data if told[name] != data[name]] == cut


@pytest.mark.parametrize(
    ("type_", "data", "links"),
    [
        (
            EventType.ARTICLE_UPDATED,
            article(url="https://news.example/x"),
            {"id": "a1", "url": "https://news.example/x", "api_url": "https://kabar.example/api/v1/articles/a1"},
        ),
        (
            EventType.INDICATOR_UPDATED,
            {"symbol": "USD/IDR", "value": "15635"},
            {
                "symbol": "USD/IDR",
                "url": "https://kabar.example/#indicator-usd-idr",
                "api_url": "https://kabar.example/api/v1/indicators/USD/IDR",
            },
        ),
        (
            EventType.WEBHOOK_FAILING,
            {"id": "wh_1", "host": "receiver.example", "error": "x"},
            {"id": "wh_1", "url": "https://kabar.example/", "api_url": "https://kabar.example/api/v1/webhooks/wh_1"},
        ),
        (
            EventType.SOURCE_FAILING,
            {"source": "desk", "error": "x"},
            {"source": "desk", "url": "https://kabar.example/", "api_url": "https://kabar.example/api/v1/sources"},
        ),
    ],
)
@either
def test_thin_content_is_ids_and_links(
    format: str, type_: EventType, data: dict[str, Any], links: dict[str, str]
) -> None:
    event = an_event(type_, data=data, changed=("value",), seq=7)
    thin = SingleEvent.of(event, type_, Change.STAYED, site=SITE, asked=Options(content="thin"))
    full = SingleEvent.of(event, type_, Change.STAYED, site=SITE)
    told, whole = json.loads(FORMATS[format].body(thin)), json.loads(FORMATS[format].body(full))
    assert told.pop("data") == links
    assert whole.pop("data") == data
    assert told == whole


@pytest.mark.parametrize("piece", ["<p>Kata kata.</p>", "kata ", "&amp;", "<b>x</b>", '"', "一"])
@pytest.mark.parametrize("field", ["body", "title"])
@pytest.mark.parametrize("format", FORMATS)
def test_writing_it_takes_time_linear_in_what_it_tells(format: str, field: str, piece: str) -> None:
    one = FORMATS[format]

    def told(size: int) -> SingleEvent:
        text = piece * (size // len(piece))
        event = an_event(EventType.ARTICLE_UPDATED, data=article(**{field: text}), changed=("title",))
        return SingleEvent.of(event, event.type, Change.STAYED, site=SITE, asked=one.example)

    assert growth(told, one.body, size=65_536) < QUADRATIC
