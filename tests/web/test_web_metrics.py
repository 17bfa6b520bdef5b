import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from prometheus_client.parser import text_string_to_metric_families
from support.clock import ManualClock
from support.deliveries import append, fan_out
from support.statements import counting
from webroom import Newsroom, open_newsroom

from publisher.storage.configuration import sources
from publisher.storage.engine.database import Database
from publisher.web.app import make_app
from publisher.web.ops.measures import Metrics
from publisher.web.ops.metrics import Access, add_metrics, local

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
async def room(sqlite_db: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Newsroom]:
    """The parts of an application, to make others of."""
    async with open_newsroom(sqlite_db, tmp_path / "data", clock) as running:
        yield running


class Measured:
    """An application with metrics."""

    def __init__(
        self, room: Newsroom, access: Access = "loopback", trusted: Sequence[str] = ("192.0.2.1/32",), **options: Any
    ) -> None:
        app = make_app(replace(room.services, trusted_proxies=trusted))
        self.metrics: Metrics = add_metrics(app, access=access, **options)
        self.client = TestClient(TestServer(app))

    async def __aenter__(self) -> "Measured":
        await self.client.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def scrape(self) -> Samples:
        """What Prometheus' own parser finds."""
        answer = await self.client.get("/metrics", headers={"Accept": "text/plain"})
        assert answer.status == 200, await answer.text()
        families = text_string_to_metric_families(await answer.text())
        return {(one.name, tuple(one.labels.items())): one.value for family in families for one in family.samples}


def sample(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, tuple(labels.items())))


async def test_requests_for_feeds_are_counted_by_format_and_status(room: Newsroom) -> None:
    async with Measured(room) as it:
        etag = (await it.client.get("/feeds/news.atom")).headers["ETag"]
        await it.client.get("/feeds/news.atom", headers={"If-None-Match": etag})
        await it.client.get("/feeds/nothing.rss")
        await it.client.get("/feeds/news.pdf")
        await it.client.get("/healthz")
        found = await it.scrape()
    counted = {
        tuple(labels): value for (name, labels), value in found.items() if name == "publisher_feed_requests_total"
    }
    assert counted == {
        (("format", "atom"), ("status", "200")): 1,
        (("format", "atom"), ("status", "304")): 1,
        (("format", "rss"), ("status", "404")): 1,
        (("format", "other"), ("status", "404")): 1,
    }


async def test_a_scrape_shows_how_things_stand_now(room: Newsroom, clock: ManualClock) -> None:
    async with Measured(room) as it:
        await room.db.write(sources.succeeded, "desk", bookmark={})
        clock.advance(60)
        first = await it.scrape()
        await append(room.db, 3)
        second = await it.scrape()
        await fan_out(room.db)
        third = await it.scrape()
    assert sample(first, "publisher_source_last_success_age_seconds", source="desk") == 60
    assert sample(first, "publisher_source_failures", source="desk") == 0
    lags = [sample(found, "publisher_fanout_lag_events") for found in (first, second, third)]
    assert lags == [0, 3, 0]
    assert sample(third, "publisher_log_last_seq") == 3


async def test_only_sources_that_are_configured_are_shown(room: Newsroom) -> None:
    await room.db.write(sources.failed, "old", "gone", None)
    await room.db.write(sources.failed, "desk", "gone", None)
    async with Measured(room, sources=lambda: {"desk"}) as it:
        found = await it.scrape()
    assert sample(found, "publisher_source_failures", source="desk") == 1
    assert sample(found, "publisher_source_failures", source="old") is None


async def test_events_are_counted_from_the_start_on_and_each_once(room: Newsroom) -> None:
    await append(room.db, 5)
    async with Measured(room) as it:
        found = [await it.scrape()]
        await append(room.db, 2)
        found += await asyncio.gather(it.scrape(), it.scrape())
        found.append(await it.scrape())
    counts = [sample(one, "publisher_events_total", type="article.published") for one in found]
    assert counts == [0, 2, 2, 2]


async def test_whole_tables_are_not_counted_for_every_scrape(room: Newsroom) -> None:
    async with Measured(room) as it:
        await it.scrape()
        with counting(room.db) as sent:
            await it.scrape()
    assert sent
    assert not [statement for statement, _ in sent if "GROUP BY deliveries.state" in statement]


async def test_attempts_are_counted_by_class_and_successes_by_age(room: Newsroom) -> None:
    async with Measured(room) as it:
        for status, age in [(503, None), (302, None), (None, None), (204, 4.5), (200, -9.0)]:
            it.metrics.attempted(status, age)
        found = await it.scrape()
    counts = {
        status: sample(found, "publisher_delivery_attempts_total", status=status)
        for status in ("2xx", "3xx", "5xx", "none")
    }
    assert counts == {"2xx": 2, "3xx": 1, "5xx": 1, "none": 1}
    assert sample(found, "publisher_delivery_event_age_seconds_count") == 2
    assert sample(found, "publisher_delivery_event_age_seconds_sum") == 4.5
    assert sample(found, "publisher_delivery_event_age_seconds_bucket", le="5.0") == 2


async def test_each_application_counts_for_itself(room: Newsroom) -> None:
    async with Measured(room) as one, Measured(room) as other:
        await one.client.get("/feeds/news.rss")
        assert sample(await one.scrape(), "publisher_feed_requests_total", format="rss", status="200") == 1
        assert sample(await other.scrape(), "publisher_feed_requests_total", format="rss", status="200") is None


async def test_the_process_itself_is_shown(room: Newsroom) -> None:
    async with Measured(room) as it:
        found = await it.scrape()
    assert (sample(found, "process_resident_memory_bytes") or 0) > 1_000_000


async def test_no_sample_tells_when_it_was_made(room: Newsroom) -> None:
    async with Measured(room) as it:
        await it.client.get("/feeds/news.rss")
        assert [name for name, _ in await it.scrape() if name.endswith("_created")] == []


async def test_openmetrics_is_answered_to_whoever_prefers_it(room: Newsroom) -> None:
    async with Measured(room) as it:
        answer = await it.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert (await answer.text()).endswith("# EOF\n")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_who_comes_through_a_proxy_is_not_this_machine(room: Newsroom, header: str) -> None:
    async with Measured(room) as it:
        assert (await it.client.get("/metrics")).status == 200
        answer = await it.client.get("/metrics", headers={header: "127.0.0.1"})
        assert answer.status == 401
        from_afar = room.as_("operator", **{header: "203.0.113.9"})
        assert (await it.client.get("/metrics", headers=from_afar)).status == 200


async def test_where_no_proxy_is_named_any_that_says_nothing_may_stand_between(room: Newsroom) -> None:
    async with Measured(room, trusted=()) as it:
        refused = await it.client.get("/metrics")
        assert (refused.status, "trusted_proxies" in await refused.text()) == (401, True)
        assert (await it.client.get("/metrics", headers=room.as_("operator"))).status == 200


@pytest.mark.parametrize(
    ("access", "role", "status"),
    [("key", None, 401), ("key", "editor", 403), ("key", "operator", 200), ("open", None, 200)],
)
async def test_the_setting_says_who_may_read_it(room: Newsroom, access: Access, role: str | None, status: int) -> None:
    async with Measured(room, access) as it:
        headers = {"X-Forwarded-For": "203.0.113.9", **(room.as_(role) if role else {})}
        assert (await it.client.get("/metrics", headers=headers)).status == status


@pytest.mark.parametrize(
    ("peer", "is_local"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", False),
     ("10.0.0.1", False), ("", False)],
)  # fmt: skip
def test_only_loopback_is_this_machine(peer: str, is_local: bool) -> None:
    assert local(make_mocked_request("GET", "/metrics").clone(remote=peer)) is is_local
