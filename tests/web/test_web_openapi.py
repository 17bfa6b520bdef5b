"""The description of the API for programs says what the API does."""

from __future__ import annotations

import pytest
from describing import Described
from openapi_spec_validator import OpenAPIV31SpecValidator
from support.clock import ManualClock
from support.receiver import receiving
from support.rights import judge
from webroom import Newsroom

from publisher.model import EventType
from publisher.storage.configuration import installation
from publisher.web.api.described.document import OPERATIONS, routes_of
from publisher.web.http.parameters import _NOTHING, _TAKEN

PATH = "/api/openapi.json"
EVENTS = "/api/v1/events"


@pytest.fixture
async def described(newsroom: Newsroom) -> Described:
    return Described(newsroom, await newsroom.get(PATH))


async def test_it_is_valid_openapi(described: Described) -> None:
    OpenAPIV31SpecValidator(described.document).validate()


async def test_every_route_of_the_api_is_described(newsroom: Newsroom) -> None:
    app = newsroom.client.app
    assert [one.key for one in routes_of(app) if one.operation is None] == []
    assert {one.key for one in routes_of(app)} == OPERATIONS.keys()


async def test_every_operation_says_what_it_does_under_a_name_of_its_own(described: Described) -> None:
    operations = [one for methods in described.document["paths"].values() for one in methods.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["summary"] and "\n" not in one["summary"] for one in operations)


async def test_the_parameters_are_those_that_each_route_takes(newsroom: Newsroom) -> None:
    for route in routes_of(newsroom.client.app):
        assert route.operation is not None
        taken = _TAKEN.get(route.handler, _NOTHING)
        said = {one.name: one.schema for one in route.operation.parameters if one.place == "query"}
        assert said.keys() == taken.once | taken.many, route.key
        assert {name for name, schema in said.items() if schema["type"] == "array"} == taken.many, route.key
        placed = {one.name for one in route.operation.parameters if one.place == "path"}
        assert placed == {part[1:-1] for part in route.path.split("/") if part.startswith("{")}, route.key


async def test_types_of_events_are_those_that_there_are(described: Described) -> None:
    parameters = {one["name"]: one for one in described.operation("GET", EVENTS)["parameters"]}
    assert parameters["type"]["schema"]["items"]["enum"] == [type.value for type in EventType]


@pytest.mark.parametrize("name", ["limit", "wait"])
async def test_the_bounds_are_those_that_are_held(described: Described, newsroom: Newsroom, name: str) -> None:
    await newsroom.push("a1")
    (schema,) = [one["schema"] for one in described.operation("GET", EVENTS)["parameters"] if one["name"] == name]
    for value, status in (
        (schema["minimum"], 200),
        (schema["maximum"], 200),
        (schema["minimum"] - 1, 422),
        (schema["maximum"] + 1, 422),
    ):
        assert (await described.ask("GET", EVENTS, query=f"{name}={value}"))[0] == status


async def test_as_many_feeds_may_be_named_as_it_says(described: Described) -> None:
    parameters = described.operation("GET", EVENTS)["parameters"]
    (most,) = {one["schema"]["maxItems"] for one in parameters if one["schema"]["type"] == "array"}
    for count, status in ((most, 200), (most + 1, 422)):
        assert (await described.ask("GET", EVENTS, query="&".join(["feed=news"] * count)))[0] == status


@pytest.mark.parametrize("role", [None, "operator"])
async def test_a_page_of_the_log_is_what_it_says(described: Described, newsroom: Newsroom, role: str | None) -> None:
    await newsroom.push("a1")
    await newsroom.push("a1", title="Lain")
    await newsroom.push("a1", "rahasia")
    status, page = await described.ask("GET", EVENTS, role, query="limit=9")
    assert (status, len(page["events"])) == (200, 3)


async def test_refusals_are_what_it_says(described: Described, newsroom: Newsroom) -> None:
    await newsroom.db.write(installation.claim, b"proof")
    await newsroom.push("a1")
    old = (await newsroom.get(EVENTS))["next"]
    await newsroom.db.write(installation.renew, 0)
    for query, role, status in ((f"after={old}", None, 410), ("feed=desk", "editor", 403), ("feed=x", None, 422)):
        assert (await described.ask("GET", EVENTS, role, query=query))[0] == status


async def test_articles_are_what_it_says(described: Described, clock: ManualClock) -> None:
    path = "/api/v1/articles/{id}"
    image = {"url": "https://news.example/a.jpg", "caption": "Kopi", "width": 8, "height": 6}
    article = {"title": "Kopi", "body": "<p>Isi</p><script>x</script>", "topics": ["kopi"], "images": [image]}
    later = {**article, "published": "2099-01-01T00:00:00Z"}
    assert (await described.ask("PUT", path, "editor", json=article, id="a1"))[0] == 201
    assert (await described.ask("PUT", path, "editor", json=article, id="a1"))[0] == 200
    assert (await described.ask("PUT", path, "editor", json=later, id="a2"))[0] == 202
    assert (await described.ask("PUT", path, "editor", json={"title": ""}, id="a3"))[0] == 422
    assert (await described.ask("PUT", path, json=article, id="a3"))[0] == 401
    assert (await described.ask("PUT", path, "subscriber", json=article, id="a3"))[0] == 403
    many = [{**article, "id": "b1"}, {**later, "id": "b2"}, {"id": "b3"}]
    assert (await described.ask("POST", "/api/v1/articles", "editor", json=many))[1]["taken"] == 2
    assert (await described.ask("POST", "/api/v1/articles", "editor", json=[{}]))[0] == 422
    for role in (None, "editor"):
        assert (await described.ask("GET", path, role, id="a1"))[0] == 200
        assert len((await described.ask("GET", "/api/v1/articles", role))[1]["articles"]) == 2
        assert (await described.ask("GET", path, role, id="a2"))[0] == (200 if role else 404)
    assert (await described.ask("DELETE", path, "editor", id="a1"))[0] == 200
    assert (await described.ask("GET", path, id="a1"))[0] == 410
    assert (await described.ask("DELETE", path, "editor", id="a1", query="erase=true"))[0] == 200
    assert (await described.ask("DELETE", path, "editor", id="none"))[0] == 404
    events = (await described.ask("GET", EVENTS))[1]["events"]
    assert {one["type"] for one in events} >= {"article.published", "article.withdrawn"}


async def test_indicators_are_what_it_says(described: Described) -> None:
    path = "/api/v1/indicators"
    rate = {"symbol": "USD/IDR", "value": "15635.00", "change": "-20.00", "percent": "-0.13"}
    jump = {"symbol": "USD/IDR", "value": "99999.00"}
    assert (await described.ask("POST", path, "editor", json=[rate, {"symbol": "EMAS"}]))[0] == 201
    assert (await described.ask("POST", path, "editor", json=jump))[0] == 202
    assert (await described.ask("POST", path, "editor", json={**rate, "as_of": "2026-01-01"}))[0] == 422
    assert len((await described.ask("GET", path))[1]["indicators"]) == 1
    _, shown = await described.ask("GET", path + "/{symbol}", "editor", symbol="USD%2FIDR")
    assert shown["held"]
    assert (await described.ask("GET", path + "/{symbol}", symbol="PERAK"))[0] == 404


async def test_webhooks_and_deliveries_are_what_it_says(described: Described, newsroom: Newsroom) -> None:
    path = "/api/v1/webhooks"
    async with receiving(lambda _n: 500) as receiver:
        one = {"url": receiver.url, "feeds": ["news"], "where": {"topic": ["kopi"]}, "expression": "true"}
        status, made = await described.ask("POST", path, "subscriber", json=one)
        assert status == 201
        id_ = made["id"]
        assert (await described.ask("POST", path + "/{id}/test", "subscriber", id=id_))[1]["status"] == 500
    assert (await described.ask("POST", path, "subscriber", json={**one, "feeds": []}))[0] == 422
    await newsroom.push("a1")
    await judge(newsroom.db)
    assert (await described.ask("POST", path + "/preview", "subscriber", json={"feeds": ["news"]}))[1]["taken"] == 1
    assert len((await described.ask("GET", path, "subscriber"))[1]["webhooks"]) == 1
    assert (await described.ask("GET", path + "/{id}", "subscriber", id=id_))[0] == 200
    assert (await described.ask("GET", path + "/{id}", "subscriber:other", id=id_))[0] == 404
    _, page = await described.ask("GET", path + "/{id}/deliveries", "subscriber", id=id_, query="limit=1")
    assert len(page["deliveries"]) == 1
    event = page["deliveries"][0]["event"]
    assert (await described.ask("GET", EVENTS + "/{id}/deliveries", "operator", id=event))[1]["matched"] == 1
    assert (await described.ask("GET", EVENTS + "/{id}/deliveries", "operator", id="none"))[0] == 404
    changed = {"state": "disabled", "description": "x", "where": None}
    assert (await described.ask("PATCH", path + "/{id}", "subscriber", id=id_, json=changed))[0] == 200
    assert (await described.ask("DELETE", path + "/{id}", "subscriber", id=id_))[0] == 204


async def test_what_is_said_of_itself_is_what_it_says(described: Described) -> None:
    assert (await described.ask("GET", "/api/v1/event-types"))[0] == 200
    assert (await described.ask("GET", "/api/v1/event-types/{type}", type="webhook.test"))[0] == 200
    assert (await described.ask("GET", "/api/v1/event-types/{type}", type="article.publish"))[0] == 404
    assert (await described.ask("GET", PATH))[0] == 200
    assert (await described.ask("GET", "/api/v1/sources", "editor"))[0] == 200


async def test_it_can_be_read_by_pages_of_other_sites_and_where_it_was_first(newsroom: Newsroom) -> None:
    for path in (PATH, "/api/v1/openapi.json"):
        answer = await newsroom.client.get(path)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert await answer.json() == await newsroom.get(PATH)
