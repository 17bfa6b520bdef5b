"""What is told of an attempt that failed, and when the next one comes."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from publisher.clock import EPOCH
from publisher.delivery.endpoints.retry import outcome
from publisher.model import Change, EventType
from publisher.outbound import PostResult
from publisher.storage.subscriptions.queue import Claimed

URL = "https://user:secret@hook.example/a?token=secret"


def claimed(number: int) -> Claimed:
    types = EventType.ARTICLE_PUBLISHED, Change.ENTERED
    return Claimed(7, 3, 1, "lease", number, "wh_1", URL, "standard", b"", *types, None, False, False)


def told(number: int, result: PostResult, schedule: list[float]) -> list[Any]:
    with capture_logs() as logged:
        outcome(claimed(number), EPOCH, result, schedule)
    return logged


def test_each_failed_attempt_is_one_line_with_the_url_without_its_secrets() -> None:
    (line,) = told(2, PostResult(500), [10.0, 10.0])
    assert "secret" not in repr(line)
    assert (line["event"], line["url"], line["attempt"]) == ("delivery.failed", "https://hook.example/a", 2)
    assert (line["status"], line["webhook"], line["seq"]) == (500, "wh_1", 3)
    assert 8 <= line["retry_in"] <= 12


def test_the_last_one_says_that_none_follows() -> None:
    (line,) = told(3, PostResult(None, "no answer within 20 s"), [10.0, 10.0])
    assert (line["event"], line["error"], line["attempt"]) == ("delivery.dead", "no answer within 20 s", 3)
    assert "retry_in" not in line


def test_a_delivery_that_arrived_is_no_line() -> None:
    assert told(1, PostResult(204), [10.0]) == []


@pytest.mark.parametrize(("asked", "least"), [(3600.0, 3600.0), (1.0, 8.0), (None, 8.0)])
def test_a_receiver_that_says_when_to_come_back_is_not_asked_before(asked: float | None, least: float) -> None:
    settled = outcome(claimed(1), EPOCH, PostResult(429, retry_after=asked), [10.0, 7200.0])
    assert settled.wait is not None
    assert least <= settled.wait <= max(12.0, least * 1.2)


def test_a_retry_after_that_is_ignored_is_told() -> None:
    (line,) = told(1, PostResult(503, ignored="Retry-After: 'soon' is ignored"), [10.0])
    assert line["ignored"] == "Retry-After: 'soon' is ignored"
