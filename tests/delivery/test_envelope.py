import json

from support.items import an_event

from publisher.delivery.transports import envelope
from publisher.model import Change, EventType

UPDATED = EventType.ARTICLE_UPDATED


def test_the_envelope_says_what_happened_and_where_in_the_log() -> None:
    event = an_event(UPDATED, seq=7, before={"title": "Old"}, changed=("title",))
    body = json.loads(envelope.body(event, UPDATED, Change.STAYED))

    assert list(body) == ["type", "timestamp", "id", "seq", "source", "change", "changed", "data"]
    assert body["data"] == event.data
    del body["data"]
    assert body == {
        "type": "article.updated",
        "timestamp": "2026-03-02T08:00:00Z",
        "id": event.id,
        "seq": 7,
        "source": None,
        "change": "stayed",
        "changed": ["title"],
    }


def test_the_type_is_the_one_that_the_follower_asked_for() -> None:
    body = json.loads(envelope.body(an_event(UPDATED), EventType.ARTICLE_PUBLISHED, Change.ENTERED))

    assert (body["type"], body["change"]) == ("article.published", "entered")


def test_a_follower_whose_feed_an_item_left_is_shown_what_it_was() -> None:
    event = an_event(UPDATED, before={"id": "a1", "title": "Public", "source": "wire"})
    body = json.loads(envelope.body(event, EventType.ARTICLE_WITHDRAWN, Change.LEFT))

    assert body["data"] == {"id": "a1", "title": "Public"}


def test_a_withdrawal_carries_the_item_as_it_last_was() -> None:
    event = an_event(EventType.ARTICLE_WITHDRAWN, before=None)
    body = json.loads(envelope.body(event, EventType.ARTICLE_WITHDRAWN, Change.LEFT))

    assert body["data"] == event.data


def test_the_same_event_and_match_are_the_same_bytes() -> None:
    event = an_event(UPDATED, before={"b": 1, "a": 2}, changed=("title", "body"))

    assert envelope.body(event, UPDATED, Change.LEFT) == envelope.body(event.model_copy(), UPDATED, Change.LEFT)


def test_the_full_text_is_not_for_a_follower_of_summaries() -> None:
    event = an_event(UPDATED, data={"id": "a1", "title": "T", "summary": "Short.", "body": "<p>Long.</p>"})
    body = json.loads(envelope.body(event, UPDATED, Change.STAYED, summary=True))

    assert body["data"] == {"id": "a1", "title": "T", "summary": "Short.", "body": None}


def test_only_operations_name_their_source() -> None:
    failing = EventType.SOURCE_FAILING
    event = an_event(failing, subject="desk", data={"source": "desk"})

    assert json.loads(envelope.body(event, failing, Change.ENTERED))["source"] == "desk"
