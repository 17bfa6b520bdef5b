"""``/api/v1/articles``: pushing, withdrawing, reading, and who sees what."""

from __future__ import annotations

import pytest
from support.clock import ManualClock
from webroom import Newsroom

FIELDS = [
    "id", "url", "title", "summary", "body", "authors", "editor", "agency", "dateline", "section", "topics",
    "language", "published", "updated", "images", "attachments",
    "related",
]  # fmt: skip


async def test_a_new_article_is_created_and_the_same_again_is_unchanged(newsroom: Newsroom) -> None:
    article = {
        "title": "Kopi naik",
        "body": "<p>Naik.</p>",
        "topics": ["kopi"],
        "published": "2026-03-01T07:00:00+07:00",
    }
    answers = [
        await newsroom.client.put("/api/v1/articles/kopi-1", json=body, headers=newsroom.as_("editor"))
        for body in (article, article, {**article, "title": "Kopi turun"})
    ]
    bodies = [await answer.json() for answer in answers]
    assert [answer.status for answer in answers] == [201, 200, 200]
    assert [body["outcome"] for body in bodies] == ["new", "unchanged", "changed"]
    assert answers[0].headers["Location"] == "https://news.example/api/v1/articles/kopi-1"
    assert list(bodies[0]["article"]) == FIELDS
    assert bodies[0]["article"]["published"] == "2026-03-01T00:00:00Z"


async def test_what_was_pushed_is_what_is_read(newsroom: Newsroom) -> None:
    pushed = await newsroom.push("kopi-1", images=[{"url": None, "caption": "Kebun", "credit": "Uji"}], agency="Uji")
    read = await newsroom.get("/api/v1/articles/kopi-1")
    del read["provenance"]
    assert read == pushed["article"]


async def test_an_article_without_a_date_is_taken_with_a_warning(newsroom: Newsroom) -> None:
    undated = await newsroom.push("kopi-1")
    dated = await newsroom.push("kopi-2", published="2026-03-01T00:00:00Z")
    assert undated["article"]["published"] is None
    assert ([one["path"] for one in undated["warnings"]], dated["warnings"]) == (["published"], [])


async def test_scripts_are_taken_out_of_a_pushed_body(newsroom: Newsroom) -> None:
    body = '<p onclick="x()">Aman<script>alert(1)</script></p>'
    pushed = await newsroom.push("kopi-1", body=body)
    assert "script" not in pushed["article"]["body"]
    assert "onclick" not in pushed["article"]["body"]
    assert "Aman" in pushed["article"]["body"]


async def test_a_withdrawn_article_is_gone_and_withdrawing_again_changes_nothing(newsroom: Newsroom) -> None:
    await newsroom.push("kopi-1")
    first = await newsroom.client.delete("/api/v1/articles/kopi-1", headers=newsroom.as_("editor"))
    second = await newsroom.client.delete("/api/v1/articles/kopi-1", headers=newsroom.as_("editor"))
    read = await newsroom.client.get("/api/v1/articles/kopi-1")
    assert [first.status, second.status, read.status] == [200, 200, 410]
    assert (await first.json())["outcome"] == "withdrawn"
    assert (await newsroom.get("/api/v1/articles"))["articles"] == []
    events = (await newsroom.get("/api/v1/events"))["events"]
    assert [(event["type"], event["change"]) for event in events] == [
        ("article.published", "entered"),
        ("article.withdrawn", "left"),
    ]


async def test_withdrawing_what_never_was_is_404(newsroom: Newsroom) -> None:
    answer = await newsroom.client.delete("/api/v1/articles/none", headers=newsroom.as_("editor"))
    assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"body": "<p>x</p>"}, "title"),
        ({"title": " ", "body": "<p>x</p>"}, "title"),
        ({"title": "x"}, "body"),
        ({"title": "x", "body": "<p>x</p>", "published": "yesterday"}, "published"),
        ({"title": "x", "body": "<p>x</p>", "images": [{"url": "picture.jpg"}]}, "images[0].url"),
        ({"title": "x", "body": "<p>x</p>", "headline": "x"}, "headline"),
        ({"title": "x", "body": "<p>x</p>", "id": "other"}, "id"),
    ],
)
async def test_an_article_of_the_wrong_shape_is_refused_by_field(
    newsroom: Newsroom, body: dict[str, object], path: str
) -> None:
    answer = await newsroom.client.put("/api/v1/articles/kopi-1", json=body, headers=newsroom.as_("editor"))
    problem = await answer.json()
    assert (answer.status, answer.content_type) == (422, "application/problem+json")
    assert path in [error["path"] for error in problem["errors"]]
    assert (await newsroom.client.get("/api/v1/articles/kopi-1")).status == 404


async def test_an_id_that_is_none_is_refused(newsroom: Newsroom) -> None:
    article = {"title": "x", "body": "<p>x</p>"}
    answer = await newsroom.client.put("/api/v1/articles/-bad%20id", json=article, headers=newsroom.as_("editor"))
    assert answer.status == 422


async def test_every_article_stands_on_one_page_of_the_list_newest_first(
    newsroom: Newsroom, clock: ManualClock
) -> None:
    ids = [f"kopi-{number}" for number in range(7)]
    for id_ in ids:
        await newsroom.push(id_)
        clock.advance(60)
    pages, path = [], "/api/v1/articles?limit=3"
    while path:
        page = await newsroom.get(path)
        pages.append([article["id"] for article in page["articles"]])
        path = page["next"] and f"/api/v1/articles?limit=3&after={page['next']}"
    assert pages == [["kopi-6", "kopi-5", "kopi-4"], ["kopi-3", "kopi-2", "kopi-1"], ["kopi-0"]]


async def test_paging_passes_over_what_is_not_public(newsroom: Newsroom, clock: ManualClock) -> None:
    for number in range(12):
        await newsroom.push(f"a-{number}", "kopi" if number % 4 == 0 else "rahasia")
        clock.advance(60)
    first = await newsroom.get("/api/v1/articles?limit=2")
    second = await newsroom.get(f"/api/v1/articles?limit=2&after={first['next']}")
    shown = [[article["id"] for article in page["articles"]] for page in (first, second)]
    assert (shown, second["next"]) == ([["a-8", "a-4"], ["a-0"]], None)
    assert len((await newsroom.get("/api/v1/articles", "editor"))["articles"]) == 12


async def test_the_list_is_narrowed_by_facets(newsroom: Newsroom) -> None:
    await newsroom.push("a-1", "Kopi", section="Pasar")
    await newsroom.push("a-2", "emas", section="Pasar")
    await newsroom.push("a-3", "emas", section="Dunia")

    async def ids(query: str) -> set[str]:
        return {article["id"] for article in (await newsroom.get(f"/api/v1/articles?{query}"))["articles"]}

    assert await ids("topic=emas") == {"a-2", "a-3"}
    assert await ids("topic=emas&topic=kopi") == {"a-1", "a-2", "a-3"}
    assert await ids("topic=EMAS&section=pasar") == {"a-2"}


async def test_articles_are_narrowed_by_source_for_editors_alone(newsroom: Newsroom) -> None:
    await newsroom.push("a-1")
    path = "/api/v1/articles?source=api"
    assert [article["id"] for article in (await newsroom.get(path, "editor"))["articles"]] == ["a-1"]
    assert (await newsroom.client.get(path)).status == 401
    assert (await newsroom.client.get(path, headers=newsroom.as_("subscriber"))).status == 403


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "limit=%D9%A3", "after=x", "after=1", "after=1-%2F"]
)
async def test_a_wrong_query_parameter_is_refused(newsroom: Newsroom, query: str) -> None:
    assert (await newsroom.client.get(f"/api/v1/articles?{query}")).status == 422


async def test_without_an_editors_key_only_what_a_public_feed_selects_is_seen(newsroom: Newsroom) -> None:
    await newsroom.push("open", "kopi")
    await newsroom.push("closed", "rahasia")
    for role, seen in ((None, {"open"}), ("subscriber", {"open"}), ("editor", {"open", "closed"})):
        listed = await newsroom.get("/api/v1/articles", role)
        assert {article["id"] for article in listed["articles"]} == seen
        one = await newsroom.client.get("/api/v1/articles/closed", headers=newsroom.as_(role) if role else {})
        assert one.status == (200 if "closed" in seen else 404)


async def test_a_withdrawn_article_that_was_not_public_is_unknown_and_not_gone(newsroom: Newsroom) -> None:
    await newsroom.push("closed", "rahasia")
    await newsroom.client.delete("/api/v1/articles/closed", headers=newsroom.as_("editor"))
    assert (await newsroom.client.get("/api/v1/articles/closed")).status == 404
