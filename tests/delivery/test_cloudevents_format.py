"""CloudEvents are read by the CloudEvents SDK, and hold what a standard webhook does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event, from_structured_event
from golden_contents import contents
from support.items import an_event

from publisher.delivery.prepared import PreparedEvents
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import Content, SingleEvent
from publisher.model import Change
from publisher.storage.subscriptions.queue import Claimed

CLOUDEVENTS = FORMATS["cloudevents"]
CONTENTS = contents()


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_the_sdk_reads_each_as_what_a_standard_webhook_says(content: Content) -> None:
    request = CLOUDEVENTS.request(content)
    event = from_http_event(HTTPMessage(headers=dict(request.headers), body=request.body))
    standard: dict[str, Any] = json.loads(FORMATS["standard"].body(content))

    assert event.get_specversion() == "1.0"
    assert event.get_id() == standard["id"]
    assert event.get_source() == "https://kabar.example/"
    assert event.get_type() == standard["type"]
    assert event.get_time() == content.timestamp
    assert event.get_datacontenttype() == "application/json"
    assert event.get_data() == standard["data"]


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_an_event_says_where_in_the_log_it_is_and_a_test_does_not(content: Content) -> None:
    told: dict[str, Any] = json.loads(CLOUDEVENTS.body(content))
    placed = {name: told.get(name) for name in ("sequence", "change", "changed", "dataschema")}
    if isinstance(content, SingleEvent):
        assert placed == {
            "sequence": f"{content.seq:019}",
            "change": content.change.value,
            "changed": ",".join(content.changed) or None,
            "dataschema": f"https://kabar.example/api/v1/event-types/{content.type.value}",
        }
        assert told["subject"] == next(
            told["data"][name] for name in ("id", "symbol", "source") if name in told["data"]
        )
    else:
        assert not any(placed.values())
        assert told["subject"] == content.webhook


def test_a_later_event_has_the_greater_sequence_as_text() -> None:
    event = next(one for one in CONTENTS.values() if isinstance(one, SingleEvent))
    seqs = (1, 9, 10, 99, 12_345, 2**63 - 1)
    told = [json.loads(CLOUDEVENTS.body(SingleEvent(**{**_fields(event), "seq": seq})))["sequence"] for seq in seqs]
    assert told == sorted(told)
    assert [int(one) for one in told] == list(seqs)


def test_a_batch_is_the_batched_mode_of_the_specification() -> None:
    claimed = [
        Claimed(
            0, seq, 1, "", 1, "wh_1", "https://r.example/", "cloudevents", b"", one.type, Change.STAYED, None, False, 0
        )
        for seq, one in enumerate((an_event(), an_event()), 1)
    ]
    events = PreparedEvents()
    events.add(an_event(seq=one.seq) for one in claimed)
    request = events.batch(CLOUDEVENTS, claimed)

    assert request.headers["Content-Type"].startswith("application/cloudevents-batch+json")
    each = [from_structured_event(HTTPMessage({}, json.dumps(one).encode())) for one in json.loads(request.body)]
    assert [event.get_extension("sequence") for event in each] == [f"{one.seq:019}" for one in claimed]


def _fields(event: SingleEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in SingleEvent.__dataclass_fields__}
