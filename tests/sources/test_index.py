"""The kind ``index``: which pages it follows, when it asks for them, and what it makes of their answers."""

from __future__ import annotations

import gzip
import tomllib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.clock import ManualClock
from support.site import PROFILE, Answer, Site, article, client, linking, serving

from publisher.configfile import TomlFile
from publisher.errors import FetchError
from publisher.isolation import Isolated
from publisher.model.observed import Batch
from publisher.model.refusals import Refusals, after
from publisher.outbound import Outbound
from publisher.sources.base import SourceContext
from publisher.sources.html.listing import read_sitemap
from publisher.sources.kinds.index import IndexOptions, IndexSource
from publisher.sources.profiles.profile import parse_profile

TESTS = Path(__file__).parents[1]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as found:
        yield found


@pytest.fixture
async def http() -> AsyncIterator[Outbound]:
    async with client() as found:
        yield found


class Reader:
    """An index over a site; each reading is given the bookmark of the one before it."""

    def __init__(self, source: IndexSource) -> None:
        self.source = source
        self.bookmark: Mapping[str, Any] = {}

    async def read(self) -> Batch:
        batch = await self.source.read(self.bookmark)
        self.bookmark = batch.bookmark
        return batch


@pytest.fixture
def over(site: Site, http: Outbound, clock: ManualClock, tmp_path: Path) -> Any:
    def make(path: str = "/latest", **options: Any) -> Reader:
        profile = parse_profile(TomlFile("site.toml", PROFILE, tomllib.loads(PROFILE)))
        context = SourceContext(tmp_path, profile, http, "Asia/Jakarta", "en", now=clock)
        given = {"url": site.url + path, "recheck": "0s", **options}
        return Reader(IndexSource("news", IndexOptions.model_validate(given), context))

    return make


def titles(batch: Batch) -> list[str]:
    return [one.article.title for one in batch.articles]


async def test_a_page_whose_validators_stand_is_asked_for_and_not_read_again(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/b")
    site["/a"], site["/b"] = article("A"), article("B")
    index = over()
    assert titles(await index.read()) == ["A", "B"]
    site.forget()
    site["/b"] = article("B", "Changed.")
    batch = await index.read()
    assert titles(batch) == ["B"]
    assert site.asked == [("/latest", 304), ("/a", 304), ("/b", 200)]
    assert batch.problems == ()


async def test_what_it_links_to_is_shown_to_everybody(site: Site, over: Any) -> None:
    site["/latest"], site["/a"] = linking("/a"), article("A")
    assert (await over().read()).shown


async def test_a_page_of_the_same_bytes_is_not_read_again_where_the_site_has_no_validators(
    site: Site, over: Any
) -> None:
    site["/latest"] = linking("/a")
    site["/a"] = article("A")
    index = over()
    await index.read()
    index.bookmark["pages"][0].pop("etag")
    site.forget()
    assert titles(await index.read()) == []
    assert ("/a", 200) in site.asked


async def test_known_pages_are_left_alone_until_their_time_and_new_ones_are_not(
    site: Site, over: Any, clock: ManualClock
) -> None:
    site["/latest"] = linking("/a")
    site["/a"], site["/b"] = article("A"), article("B")
    index = over(recheck="10m")
    await index.read()
    site["/latest"] = linking("/b", "/a")
    clock.advance(60)
    site.forget()
    assert titles(await index.read()) == ["B"]
    assert [path for path, _ in site.asked] == ["/latest", "/b"]
    clock.advance(540)
    site.forget()
    await index.read()
    assert [path for path, _ in site.asked] == ["/latest", "/a"]


async def test_links_to_other_hosts_and_beyond_the_limit_are_not_followed(site: Site, over: Any) -> None:
    site["/latest"] = linking("http://other.example/x", "/a#top", "/a?utm_source=list", "/b", "/c", "mailto:x@y.z")
    for name in "abc":
        site[f"/{name}"] = article(name)
    assert titles(await over(limit=2).read()) == ["a", "b"]
    assert [path for path, _ in site.asked] == ["/latest", "/a", "/b"]


async def test_links_to_hosts_that_are_allowed_are_followed(site: Site, over: Any) -> None:
    async with serving() as other:
        site["/latest"] = linking(f"{other.url}/x")
        other["/x"] = article("X")
        assert titles(await over().read()) == []
        assert titles(await over(allow_hosts=["127.0.0.1"]).read()) == ["X"]


async def test_a_page_that_redirects_to_another_host_is_a_problem(site: Site, over: Any) -> None:
    async with serving() as other:
        site["/latest"] = linking("/a", "/b")
        site["/a"] = Answer(status=302, headers={"Location": f"{other.url}/x"})
        site["/b"], other["/x"] = article("B"), article("X")
        batch = await over().read()
    assert titles(batch) == ["B"]
    assert [problem.message.split(",")[0] for problem in batch.problems] == ["leads to another host"]


async def test_only_addresses_that_match_are_followed(site: Site, over: Any) -> None:
    site["/latest"] = linking("/video/a", "/news/b")
    site["/news/b"] = article("B")
    assert titles(await over(match="/news/").read()) == ["B"]
    assert [path for path, _ in site.asked] == ["/latest", "/news/b"]


async def test_a_page_that_left_the_list_is_still_looked_after(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/b")
    site["/a"], site["/b"] = article("A"), article("B")
    index = over()
    await index.read()
    site["/latest"], site["/a"] = linking("/b"), article("A", "Corrected.")
    batch = await index.read()
    assert titles(batch) == ["A"]
    assert batch.gone == frozenset()
    assert batch.listed is None


async def test_a_page_that_answers_410_is_gone_at_once_and_404_when_it_does_so_three_times(
    site: Site, over: Any
) -> None:
    site["/latest"] = linking("/a", "/b")
    site["/a"], site["/b"] = article("A"), article("B")
    index = over()
    a, b = [one.article.id for one in (await index.read()).articles]
    site["/latest"], site["/a"], site["/b"] = linking(), 410, 404
    site["/latest"] = linking("/c")
    site["/c"] = article("C")
    assert [(await index.read()).gone for _ in range(3)] == [{a}, {a}, {a, b}]


async def test_a_page_that_comes_back_is_read_again(site: Site, over: Any) -> None:
    site["/latest"], site["/a"] = linking("/a"), article("A")
    index = over()
    (one,) = (await index.read()).articles
    site["/a"] = 410
    assert (await index.read()).gone == {one.article.id}
    site["/a"] = article("A")
    batch = await index.read()
    assert (titles(batch), batch.gone) == (["A"], frozenset())


@pytest.mark.parametrize("status", [301, 308])
async def test_a_page_that_moved_for_good_stays_the_same_article(site: Site, over: Any, status: int) -> None:
    site["/latest"], site["/a"] = linking("/a"), article("A")
    index = over()
    (before,) = (await index.read()).articles
    site["/a"] = Answer(status=status, headers={"Location": "/2026/a"})
    site["/2026/a"] = article("A", "Changed.")
    (after,) = (await index.read()).articles
    assert after.article.id == before.article.id
    assert after.article.url == f"{site.url}/2026/a"
    site.forget()
    await index.read()
    assert site.asked == [("/latest", 304), ("/2026/a", 304)]


async def test_a_page_that_is_listed_under_its_new_address_stays_the_same_article(site: Site, over: Any) -> None:
    site["/latest"], site["/a"] = linking("/a"), article("A")
    index = over()
    (before,) = (await index.read()).articles
    site["/a"] = Answer(status=301, headers={"Location": "/b"})
    site["/latest"], site["/b"] = linking("/b"), article("A", "Changed.")
    (after,) = (await index.read()).articles
    assert (after.article.id, after.article.url) == (before.article.id, f"{site.url}/b")


async def test_an_address_to_which_a_page_is_sent_for_now_is_not_remembered(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a")
    site["/a"], site["/b"] = Answer(status=302, headers={"Location": "/b"}), article("A")
    index = over()
    await index.read()
    site.forget()
    await index.read()
    assert [path for path, _ in site.asked] == ["/latest", "/a", "/b"]


async def test_two_links_to_one_article_give_it_once(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/amp/a")
    site["/a"] = article("A")
    site["/amp/a"] = article("A", head='<link rel=canonical href="/a">')
    batch = await over().read()
    assert titles(batch) == ["A"]
    assert [problem.severity for problem in batch.problems] == ["warning"]


async def test_articles_that_give_one_address_for_themselves_are_known_by_their_links(site: Site, over: Any) -> None:
    shared = '<link rel=canonical href="/ekonomi/topik-utama">'
    site["/latest"] = linking("/a", "/b")
    site["/a"], site["/b"] = article("A", head=shared), article("B", head=shared)
    index = over()
    batch = await index.read()
    assert [one.article.url for one in batch.articles] == [f"{site.url}/a", f"{site.url}/b"]
    assert [one.identity for one in batch.articles] == [f"{site.url}/a", f"{site.url}/b"]
    assert any("other articles of this source give" in problem.message for problem in batch.problems)
    site["/latest"] = linking("/c", "/a", "/b")
    site["/c"] = article("C", head=shared)
    later = await index.read()
    assert [(one.article.title, one.article.url) for one in later.articles] == [("C", f"{site.url}/c")]


async def test_an_article_keeps_its_address_when_a_later_one_claims_it(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a")
    site["/a"] = article("A", head='<link rel=canonical href="/ekonomi/a">')
    index = over()
    (before,) = (await index.read()).articles
    site["/latest"] = linking("/b", "/a")
    site["/b"] = article("B", head='<link rel=canonical href="/ekonomi/a">')
    (later,) = (await index.read()).articles
    assert (later.article.title, later.article.url) == ("B", f"{site.url}/b")
    assert later.article.id != before.article.id


async def test_two_links_to_one_article_stay_one_when_its_headline_changes(site: Site, over: Any) -> None:
    site["/latest"] = linking("/amp/a", "/a")
    same = '<link rel=canonical href="/a">'
    site["/a"], site["/amp/a"] = article("A", head=same), article("A", head=same)
    index = over()
    (before,) = (await index.read()).articles
    site["/a"], site["/amp/a"] = article("New", head=same), article("New", head=same)
    assert [(one.article.id, one.article.title) for one in (await index.read()).articles] == [
        (before.article.id, "New")
    ]


async def test_what_all_headlines_of_a_site_end_with_is_its_name(site: Site, over: Any) -> None:
    def plain(title: str) -> str:
        text = "<p>Two sentences of some length stand here. They say that the harvest is good this year.</p>"
        return f"<!doctype html><title>{title} – The Rice Letter</title><article>{text}</article>"

    site["/latest"] = linking("/a", "/b", "/c")
    site["/a"], site["/b"], site["/c"] = plain("Harvest is up"), plain("Prices – and rain"), plain("Rain in May")
    index = over(links="ul.latest a")
    index.source = type(index.source)("news", index.source.options, replace(index.source.context, profile=None))
    assert titles(await index.read()) == ["Harvest is up", "Prices – and rain", "Rain in May"]
    site["/latest"] = linking("/d", "/a")
    site["/d"] = plain("Harvest is over")
    assert titles(await index.read()) == ["Harvest is over"]


async def test_one_page_that_cannot_be_read_is_a_problem_and_no_failure(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/b")
    site["/a"], site["/b"] = 500, article("B")
    batch = await over().read()
    assert titles(batch) == ["B"]
    assert [str(one) for one in batch.problems if one.severity == "error"] == [f"{site.url}/a: answered 500"]


async def test_a_site_that_lets_no_page_be_read_has_failed_and_it_is_said_why(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/b")
    site["/a"] = site["/b"] = Answer(b"<title>Just a moment...</title>", 403)
    with pytest.raises(FetchError, match=r"none of the 2 pages .*answered 403 with a challenge page: blocked"):
        await over().read()


async def test_a_server_that_says_it_is_asked_too_often_is_left_alone(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/b", "/c")
    site["/a"] = article("A")
    site["/b"] = Answer(status=429, headers={"Retry-After": "30"})
    site["/c"] = article("C")
    index = over()
    assert titles(await index.read()) == ["A"]
    assert [path for path, _ in site.asked] == ["/latest", "/a", "/b"]
    site["/b"] = article("B")
    assert titles(await index.read()) == ["B", "C"]


async def test_a_selector_that_finds_no_links_any_more_is_named(site: Site, over: Any) -> None:
    site["/latest"], site["/a"] = linking("/a"), article("A")
    index = over()
    await index.read()
    site["/latest"] = "<main><a href='/a'>A</a></main>"
    with pytest.raises(FetchError, match=r'"ul\.latest a" finds no links any more'):
        await index.read()


async def test_pages_of_which_none_is_an_article_any_more_are_a_failure_that_names_the_selectors(
    site: Site, over: Any
) -> None:
    site["/latest"] = linking("/a", "/b", "/c")
    for name in "abc":
        site[f"/{name}"] = article(name)
    index = over()
    await index.read()
    for name in "abc":
        site[f"/{name}"] = f"<h2>{name}</h2><div class=text>Text.</div>"
    said = r'none of 3 changed pages is an article any more: "h1" \(\[article\] title\) finds nothing any more'
    with pytest.raises(FetchError, match=said):
        await index.read()


async def test_a_list_that_never_had_links_is_told_with_the_selector(site: Site, over: Any) -> None:
    site["/latest"] = "<main></main>"
    (problem,) = (await over().read()).problems
    assert (problem.severity, problem.message) == ("error", '"ul.latest a" finds no links')


async def test_what_is_wrong_with_a_page_stands_until_the_page_is_read_again(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/b")
    site["/a"], site["/b"] = article("A"), "<h1>B</h1>"
    index, refused = over(), Refusals()

    async def reasons() -> list[str]:
        nonlocal refused
        batch = await index.read()
        refused = after(refused, batch, batch.problems)
        return list(refused.reasons)

    first = await reasons()
    assert len(first) == 1 and first[0].startswith(f"{site.url}/b: body: no body")
    assert await reasons() == first, "neither page was read again"
    site["/b"] = 500
    assert await reasons() == [f"{site.url}/b: answered 500"]
    site["/b"] = "<h1>B</h1>"
    assert await reasons() == first, "the same page as before is as wrong as before"
    site["/b"] = article("B")
    assert await reasons() == []


async def test_a_complete_list_says_what_there_is(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/b")
    site["/a"], site["/b"] = article("A"), article("B")
    index = over(complete=True)
    a, b = [one.article.id for one in (await index.read()).articles]
    site["/latest"] = linking("/a")
    assert (await index.read()).listed == {a}
    assert {a, b} == (await over(complete=True).read()).listed | {b}


async def test_a_list_longer_than_the_limit_is_not_taken_for_complete(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/b")
    site["/a"] = article("A")
    batch = await over(complete=True, limit=1).read()
    assert batch.listed is None
    assert "it is not taken for complete" in batch.problems[-1].message


def sitemap(*entries: tuple[str, str], root: str = "urlset", item: str = "url") -> bytes:
    said = "".join(f"<{item}><loc>{loc}</loc><lastmod>{at}</lastmod></{item}>" for loc, at in entries)
    return f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{said}</{root}>'.encode()


async def test_a_sitemap_is_followed_newest_first_and_a_page_when_its_stamp_changes(
    site: Site, over: Any, clock: ManualClock
) -> None:
    a, b = f"{site.url}/a", f"{site.url}/b"
    site["/sitemap.xml"] = sitemap((a, "2026-03-01"), (b, "2026-03-02T08:00:00+07:00"))
    site["/a"], site["/b"] = article("A"), article("B")
    index = over("/sitemap.xml", recheck="1h")
    assert titles(await index.read()) == ["B", "A"]
    site["/sitemap.xml"] = sitemap((a, "2026-03-03"), (b, "2026-03-02T08:00:00+07:00"))
    site["/a"] = article("A", "Changed.")
    site.forget()
    assert titles(await index.read()) == ["A"]
    assert [path for path, _ in site.asked] == ["/sitemap.xml", "/a"]


async def test_the_parts_of_a_sitemap_index_are_followed_also_gzipped(site: Site, over: Any) -> None:
    parts = (f"{site.url}/old.xml", "2026-01-01"), (f"{site.url}/new.xml.gz", "2026-03-01")
    site["/sitemap.xml"] = sitemap(*parts, root="sitemapindex", item="sitemap")
    site["/old.xml"] = sitemap((f"{site.url}/a", "2026-01-01"))
    site["/new.xml.gz"] = gzip.compress(sitemap((f"{site.url}/b", "2026-03-01")))
    site["/a"], site["/b"] = article("A"), article("B")
    assert titles(await over("/sitemap.xml").read()) == ["B", "A"]


def test_a_news_sitemap_is_ordered_by_its_dates() -> None:
    news = "http://www.google.com/schemas/sitemap-news/0.9"
    entry = (
        "<url><loc>http://a.example/{n}</loc><image:image><image:loc>http://a.example/p.jpg</image:loc></image:image>"
    )
    entry += "<n:news><n:publication_date>2026-03-0{n}T10:00:00Z</n:publication_date></n:news></url>"
    body = (
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="{news}" '
        'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">'
        f"{entry.format(n=1)}{entry.format(n=2)}</urlset>"
    )
    found = read_sitemap(body.encode(), "http://a.example/")
    assert [link.url for link in found.links] == ["http://a.example/2", "http://a.example/1"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'<!DOCTYPE u [<!ENTITY a "b">]><urlset>&a;</urlset>', "XML entities"),
        (b"<urlset><url>", "no well-formed sitemap"),
        (gzip.compress(b"<urlset></urlset>", mtime=0)[:12], "no well-formed sitemap"),
        (gzip.compress(b"<urlset>" + b" " * 60_000_000, mtime=0), "once unpacked"),
        (b"\x1f\x8bnothing", "cannot be unpacked"),
    ],
)
async def test_a_broken_or_hostile_sitemap_fails_the_source_in_words(
    site: Site, over: Any, body: bytes, said: str
) -> None:
    site["/sitemap.xml"] = body
    with pytest.raises(FetchError, match=said):
        await over("/sitemap.xml").read()


# --- what cannot be read, and what is cut off


def naming(site: Site, *paths: str, kind: str = "urlset", entry: str = "url") -> Answer:
    listed = "".join(f"<{entry}><loc>{site.url}{path}</loc></{entry}>" for path in paths)
    return Answer(f'<{kind} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</{kind}>'.encode())


def parts(site: Site, *paths: str) -> Answer:
    return naming(site, *paths, kind="sitemapindex", entry="sitemap")


async def test_a_list_with_a_part_that_cannot_be_read_is_not_complete_and_is_once_it_can(site: Site, over: Any) -> None:
    site["/latest"] = parts(site, "/one", "/two")
    site["/one"], site["/two"] = naming(site, "/a"), naming(site, "/b")
    site["/a"], site["/b"] = article("A"), article("B")
    index = over(complete=True)
    first = await index.read()
    assert len(first.listed or ()) == 2
    for broken in (Answer(status=500), Answer(b"<p>"), Answer(b"<urlset><"), parts(site, "/three")):
        site["/two"] = broken
        assert (await index.read()).listed is None
    site["/two"] = naming(site)
    assert len((await index.read()).listed or ()) == 1


async def test_a_list_of_more_parts_than_are_followed_is_not_complete(site: Site, over: Any) -> None:
    site["/latest"] = parts(site, *(f"/part{n}" for n in range(11)))
    for n in range(11):
        site[f"/part{n}"] = naming(site, f"/{n}")
        site[f"/{n}"] = article(str(n))
    batch = await over(complete=True).read()
    assert len(batch.articles) == 10
    assert batch.listed is None
    assert [one.message for one in batch.problems] == [
        "names more than 10 sitemaps, or 5,000 pages; it is not taken for complete"
    ]


async def test_a_list_that_cannot_be_read_with_the_means_at_hand_leaves_the_source_alone(site: Site, over: Any) -> None:
    slow = Isolated("support.slow", root=TESTS, seconds=0)
    site["/latest"] = linking("/a")
    index = over()
    index.source.context = replace(index.source.context, runner=slow)
    with pytest.raises(FetchError, match=r"/latest: took over 0 s") as caught:
        await index.read()
    assert caught.value.retry_after == 300
    await slow.close()


async def test_a_page_that_was_not_read_for_no_fault_of_its_own_is_asked_for_again(site: Site, over: Any) -> None:
    site["/latest"] = linking("/a", "/b")
    site["/a"], site["/b"] = article("A"), article("B")
    index = over(recheck="10m")
    first = await index.read()
    site["/b"] = article("B", "Changed.")
    site["/latest"] = linking("/b", "/c", "/a")
    site["/c"] = article("C")
    for page in index.bookmark["pages"]:
        page["at"] = 0
    good = index.source.context
    runner = Isolated("support.half", root=TESTS)
    index.source.context = replace(good, runner=runner)
    broken = await index.read()
    assert titles(broken) == ["C"]
    assert [one.severity for one in broken.problems] == ["warning"]
    assert f"{site.url}/b" in broken.unread
    index.source.context = good
    assert titles(await index.read()) == ["B"]
    assert titles(first) == ["A", "B"]
    await runner.close()
