"""What holds for every request: keys, bodies, methods, errors, health."""

from __future__ import annotations

import gzip

import pytest
from aiohttp.test_utils import make_mocked_request
from webroom import Newsroom

from publisher.model import Role
from publisher.storage.access import keys
from publisher.web.http.proxies import client_address

ARTICLE = b'{"title": "x", "body": "<p>x</p>"}'
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/articles/a"),
        ("DELETE", "/api/v1/articles/a"),
        ("POST", "/api/v1/indicators"),
        ("POST", "/api/v1/webhooks"),
        ("GET", "/api/v1/webhooks"),
        ("GET", "/api/v1/webhooks/wh_x"),
        ("PATCH", "/api/v1/webhooks/wh_x"),
        ("DELETE", "/api/v1/webhooks/wh_x"),
        ("POST", "/api/v1/webhooks/wh_x/test"),
        ("GET", "/api/v1/webhooks/wh_x/deliveries"),
    ],
)
async def test_without_a_key_the_answer_says_which_is_needed(newsroom: Newsroom, method: str, path: str) -> None:
    answer = await newsroom.client.request(method, path)
    problem = await answer.json()
    assert (answer.status, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "publisher keys create --role" in problem["detail"]


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic eDp5", "Bearer \xff"])
async def test_a_key_that_opens_nothing_is_401_even_where_none_is_needed(newsroom: Newsroom, header: str) -> None:
    answer = await newsroom.client.get("/api/v1/articles", headers={"Authorization": header})
    assert answer.status == 401


async def test_a_revoked_key_opens_nothing(newsroom: Newsroom) -> None:
    key, secret = await newsroom.db.write(keys.create, Role.OPERATOR, "gone")
    await newsroom.db.write(keys.revoke, key.id)
    answer = await newsroom.client.get("/api/v1/webhooks", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 401


async def test_a_role_that_does_not_suffice_is_403_naming_the_one_that_does(newsroom: Newsroom) -> None:
    answer = await newsroom.client.put("/api/v1/articles/a", data=ARTICLE, headers=newsroom.as_("subscriber", **JSON))
    assert answer.status == 403
    assert "'editor'" in (await answer.json())["detail"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b'{"title": "x",\n "body": }', JSON, 400, "line 2, column"),
        (b"\xff\xfe", JSON, 400, "no JSON"),
        (b"", JSON, 400, "no JSON"),
        (b"[1]", JSON, 422, "object"),
        (ARTICLE, {"Content-Type": "text/plain"}, 415, "application/json"),
        (ARTICLE, {"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
        (b'{"title": "' + b"x" * 1_000_000 + b'"}', JSON, 413, "1000000 bytes"),
        (gzip.compress(b" " * 2_000_000, mtime=0), {**JSON, "Content-Encoding": "gzip"}, 413, "1000000 bytes"),
        (b'{"a":' * 100_000, JSON, 400, "no JSON"),
        (ARTICLE, {**JSON, "Content-Encoding": "gzip"}, 400, "Can not decode content-encoding: gzip"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_with_the_reason(
    newsroom: Newsroom, body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    answer = await newsroom.client.put("/api/v1/articles/a", data=body, headers=newsroom.as_("editor", **headers))
    problem = await answer.json()
    assert (answer.status, problem["status"]) == (status, status)
    assert says in problem["detail"]


async def test_a_method_that_is_not_served_names_those_that_are(newsroom: Newsroom) -> None:
    wrong = await newsroom.client.post("/api/v1/articles/a")
    asked = await newsroom.client.options("/api/v1/articles/a")
    assert (wrong.status, asked.status) == (405, 204)
    assert wrong.headers["Allow"] == asked.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/nothing", "/feeds/a/b"])
async def test_an_unknown_address_is_a_problem(newsroom: Newsroom, path: str) -> None:
    answer = await newsroom.client.get(path)
    assert (answer.status, (await answer.json())["title"]) == (404, "Not Found")


@pytest.mark.parametrize("id_", ["%00", "a%00b", "%F0%9F%98%80", "%ED%A0%80", "a%2Fb", "%25", "a" * 300])
@pytest.mark.parametrize(
    "path", ["/api/v1/articles/", "/api/v1/indicators/", "/api/v1/webhooks/", "/feeds/x.", "/articles/"]
)
async def test_what_can_be_no_id_is_not_found(newsroom: Newsroom, path: str, id_: str) -> None:
    url = newsroom.client.make_url("/").with_path(path + id_, encoded=True)
    answer = await newsroom.client.session.get(url, headers=newsroom.as_("operator"))
    assert answer.status == 404


async def test_a_browser_at_an_unknown_address_gets_a_page(newsroom: Newsroom) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    page = await newsroom.client.get("/nothing", headers=browser)
    api = await newsroom.client.get("/api/v1/nothing", headers=browser)
    assert [(one.status, one.content_type) for one in (page, api)] == [
        (404, "text/html"),
        (404, "application/problem+json"),
    ]


@pytest.mark.parametrize("path", ["/api/v1/articles", "/api/v1/indicators", "/api/v1/events", "/feeds/news.json"])
async def test_pages_of_other_sites_may_read_what_is_open(newsroom: Newsroom, path: str) -> None:
    answer = await newsroom.client.get(path)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_pages_of_other_sites_may_not_read_webhooks(newsroom: Newsroom) -> None:
    answer = await newsroom.client.get("/api/v1/webhooks", headers=newsroom.as_("subscriber"))
    asked = await newsroom.client.options("/api/v1/webhooks")
    assert "Access-Control-Allow-Origin" not in {**answer.headers, **asked.headers}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/api/v1/articles", "/api/v1/events", "/healthz", "/feeds/news.rss", "/feeds/none.rss"]
)
async def test_head_answers_as_get_without_a_body(newsroom: Newsroom, path: str) -> None:
    got = await newsroom.client.get(path)
    head = await newsroom.client.head(path)
    assert (head.status, head.headers["Content-Length"]) == (got.status, got.headers["Content-Length"])
    assert await head.read() == b""


async def test_the_process_is_healthy_and_ready(newsroom: Newsroom) -> None:
    assert await newsroom.get("/healthz") == {"status": "ok"}
    assert await newsroom.get("/readyz") == {
        "status": "ok",
        "parts": {"database": "ok", "scheduler": "ok", "deliverer": "ok"},
    }


async def test_a_part_that_does_not_run_makes_it_unready_and_not_unhealthy(newsroom: Newsroom) -> None:
    newsroom.running["deliverer"] = False
    answer = await newsroom.client.get("/readyz")
    assert answer.status == 503
    assert (await answer.json())["parts"] == {"database": "ok", "scheduler": "ok", "deliverer": "not running"}
    assert (await newsroom.client.get("/healthz")).status == 200


async def test_while_stopping_requests_are_answered_and_connections_closed(newsroom: Newsroom) -> None:
    assert newsroom.client.app is not None
    await newsroom.client.app.shutdown()
    answer = await newsroom.client.get("/api/v1/articles")
    ready = await newsroom.client.get("/readyz")
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    assert (ready.status, (await ready.json())["parts"]["service"]) == (503, "stopping")


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("198.51.100.1", "10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_stranger_before_the_trusted_proxies(remote: str, forwarded: str, client: str) -> None:
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-For": forwarded}).clone(remote=remote)
    assert client_address(request, ["10.0.0.0/8"]) == client
