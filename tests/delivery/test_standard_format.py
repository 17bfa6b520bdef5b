import json

from support.items import an_event

from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import SingleEvent
from publisher.model import Change, Event, EventType
from publisher.model.subscription import STANDARD

UPDATED = EventType.ARTICLE_UPDATED


def written(event: Event, type: EventType, change: Change, *, summary: bool = False) -> bytes:
    return FORMATS[STANDARD].body(SingleEvent.of(event, type, change, summary=summary))


def test_the_envelope_says_what_happened_and_where_in_the_log() -> None:
    event = an_event(UPDATED, seq=7, before={"title": "Old"}, changed=("title",))
    body = json.loads(written(event, UPDATED, Change.STAYED))

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
    body = json.loads(written(an_event(UPDATED), EventType.ARTICLE_PUBLISHED, Change.ENTERED))

    assert (body["type"], body["change"]) == ("article.published", "entered")


def test_a_follower_whose_feed_an_item_left_is_shown_what_it_was() -> None:
    event = an_event(UPDATED, before={"id": "a1", "title": "Public", "source": "wire"})
    body = json.loads(written(event, EventType.ARTICLE_WITHDRAWN, Change.LEFT))

    assert body["data"] == {"id": "a1", "title": "Public"}


def test_a_withdrawal_carries_the_item_as_it_last_was() -> None:
    event = an_event(EventType.ARTICLE_WITHDRAWN, before=None)
    body = json.loads(written(event, EventType.ARTICLE_WITHDRAWN, Change.LEFT))

    assert body["data"] == event.data


def test_the_same_event_and_match_are_the_same_bytes() -> None:
    event = an_event(UPDATED, before={"b": 1, "a": 2}, changed=("title", "body"))

    assert written(event, UPDATED, Change.LEFT) == written(event.model_copy(), UPDATED, Change.LEFT)


def test_the_full_text_is_not_for_a_follower_of_summaries() -> None:
    event = an_event(UPDATED, data={"id": "a1", "title": "T", "summary": "Short.", "body": "<p>Long.</p>"})
    body = json.loads(written(event, UPDATED, Change.STAYED, summary=True))

    assert body["data"] == {"id": "a1", "title": "T", "summary": "Short.", "body": None}


def test_only_operations_name_their_source() -> None:
    failing = EventType.SOURCE_FAILING
    event = an_event(failing, subject="desk", data={"source": "desk"})

    assert json.loads(written(event, failing, Change.ENTERED))["source"] == "desk"
