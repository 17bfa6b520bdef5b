"""``/api/v1/sources``: how the sources are doing, for those who run them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from support.clock import ManualClock
from webroom import Newsroom

from publisher.catalog import SourceDefinition
from publisher.clock import rfc3339
from publisher.model.refusals import Refusal, Refusals
from publisher.sources.kinds.page import PageOptions, PageSource
from publisher.storage.configuration import sources
from publisher.web.app import make_app
from publisher.web.services import Services

URL = "http://a.example/"


def page(name: str, **more: Any) -> SourceDefinition:
    return SourceDefinition(name, PageSource, PageOptions(url=URL), **more)


def with_sources(newsroom: Newsroom, *defined: SourceDefinition) -> Services:
    catalog = replace(newsroom.catalog, sources=defined)
    return replace(newsroom.services, catalog=lambda: catalog)


async def test_only_editors_and_operators_see_the_sources(newsroom: Newsroom) -> None:
    for role, status in ((None, 401), ("subscriber", 403), ("editor", 200), ("operator", 200)):
        answer = await newsroom.client.get("/api/v1/sources", headers=newsroom.as_(role) if role else {})
        assert answer.status == status, role


async def test_each_source_tells_when_it_was_read_what_came_of_it_and_what_went_wrong(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    services = with_sources(
        newsroom,
        page("well", every=60.0),
        page("ill", every=60.0, nodes=("a", "b")),
        page("new", every=None, cron="0 12 * * *"),
    )
    began = clock()
    due = began + timedelta(seconds=60)
    await newsroom.db.write(sources.claim, "well", "mine", 45, node="a")
    await newsroom.db.write(sources.release, "well", "mine")
    await newsroom.db.write(lambda tx: sources.succeeded(tx, "well", bookmark={}, items=12, events=3, next_run_at=due))
    refused = Refusals(found=(Refusal(origin="a.html", count=5, reason="a.html: body: no body"),))
    await newsroom.db.write(sources.refused, "well", refused)
    wait = began + timedelta(minutes=10)
    for _ in range(3):
        await newsroom.db.write(sources.failed, "ill", "answered 403 with a challenge page: blocked", wait)
    async with TestClient(TestServer(make_app(services))) as client:
        answer = await client.get("/api/v1/sources", headers=newsroom.as_("editor"))
        well, ill, new = (await answer.json())["sources"]
    assert (well["state"], well["last_success_at"], well["items"], well["events"]) == ("well", rfc3339(began), 12, 3)
    assert (well["refused"], well["refusals"]) == (5, ["a.html: body: no body"])
    assert (ill["refused"], ill["refusals"]) == (0, [])
    assert (well["next_run_at"], well["node"], well["nodes"]) == (rfc3339(due), "a", [])
    assert (ill["node"], ill["nodes"]) == (None, ["a", "b"])
    assert (ill["state"], ill["failures"], ill["last_error_at"]) == ("failing", 3, rfc3339(began))
    assert ill["last_error"] == "answered 403 with a challenge page: blocked"
    assert ill["next_run_at"] == rfc3339(wait)
    assert (new["name"], new["state"], new["cron"], new["next_run_at"]) == ("new", "never read", "0 12 * * *", None)


async def test_what_to_set_is_told_to_operators_alone(newsroom: Newsroom, clock: ManualClock) -> None:
    advice = 'to allow it, add "10.0.0.5/32:80" to [fetch] allow_private_networks'
    kept = Refusal(origin="b", reason="b: refused: 10.0.0.5 is not a public address", advice=advice)
    await newsroom.db.write(sources.failed, "site", "refused: 10.0.0.5 is not a public address", clock())
    await newsroom.db.write(sources.refused, "site", Refusals(found=(kept,), advice=advice))
    services = with_sources(newsroom, page("site"))
    async with TestClient(TestServer(make_app(services))) as client:
        answers = [await client.get("/api/v1/sources", headers=newsroom.as_(role)) for role in ("editor", "operator")]
        [editor], [operator] = [(await answer.json())["sources"] for answer in answers]
    assert "allow_private_networks" not in str(editor)
    assert operator["last_error"] == f"{editor['last_error']}; {advice}"
    assert operator["refusals"] == [f"{editor['refusals'][0]}; {advice}"]
