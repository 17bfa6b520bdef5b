"""What the process for documents makes of them is what this process makes of them, and no more."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fidelity.test_notations import TIMES
from hostile.cases import page
from sources.test_feed import FRIDAY, ITEM, RSS
from support.clock import ManualClock
from support.reading import FIXTURES, Answer, Server, open_source

from publisher.app.installation import DOCUMENT_JOBS
from publisher.errors import Faulty, FetchError
from publisher.isolation import Isolated
from publisher.model import IndicatorSpec
from publisher.model.languages import canonical_tag
from publisher.model.observed import Batch, Problem
from publisher.sources.base import Source
from publisher.sources.documents.limits import MAX_PROBLEMS
from publisher.sources.parsed import Parsed, written

URL = "https://contoh.id/a"
UNPROFILED = b"""<!doctype html><html lang="id"><head><meta property="og:title" content="Judul">
<meta property="article:published_time" content="9 Februari 2024 06:31 WIB">
<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Judul", "articleBody": "Isi.\\n\\nLagi.",
"datePublished": "Jumat, 9 Februari 2024 06:31 WIB", "author": {"name": "Nadia"},
"image": "/1.jpg"}</script></head></html>"""
UNSTATED = (
    "<!doctype html><html lang=en><head><meta property=og:locale content=id_ID>"
    "<title>Panen naik di Jawa | Kanal</title>"
    "<link rel=canonical href=/></head><body><h1>Panen naik di Jawa</h1><div class=byline>Oleh Budi Contoh, Bandung"
    " / Reuters</div><span class=date>Jumat, 9 Februari 2024 06:31 WIB</span><div class=isi>"
    + "<p>Petani yang memanen padi di desa itu mengatakan bahwa harga tidak naik, dan pada bulan ini akan dijual.</p>"
    * 9
    + "<p>Baca juga: <a href=/b>Lain</a></p></div></body></html>"
).encode()
LATIN = page("<p>Caf\u00e9</p>", head='<meta charset="iso-8859-15">').decode().encode("iso-8859-15")
SITEMAP = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://contoh.id/1</loc>
<lastmod>2024-02-09</lastmod></url></urlset>"""
JSON = b"""{"items": [{"u": "https://contoh.id/1", "t": "Judul", "b": "<p>Isi.</p>", "p": 1707435060,
"m": "09/02/2024 06:31"},
{"u": "https://contoh.id/2", "t": "", "b": ""}], "rates": [{"s": "USD/IDR", "v": "15.635,5"}]}"""
MAPPING: dict[str, Any] = {
    "url": URL,
    "locale": "id",
    "complete": True,
    "headers": {"Authorization": "Bearer secret"},
    "articles": {
        "items": "items[*]", "url": "u", "title": "t", "body": {"path": "b", "html": True},
        "published": {"path": "p", "format": "unix", "timezone": "Asia/Makassar"},
        "updated": {"path": "m", "format": "%d/%m/%Y %H:%M", "timezone": "Asia/Makassar"},
    },
    "indicators": {"items": "rates[*]", "symbol": "s", "value": "v"},
}  # fmt: skip
KONTAN = (FIXTURES / "kontan" / "cengkih.html").read_bytes()

DATED = RSS.format(
    "".join(
        f"<item><title>{number}</title><link>https://contoh.id/{number}</link><description>x</description>"
        f"<pubDate>{escape(one.text)}</pubDate></item>"
        for number, one in enumerate(TIMES)
        if one.locale in ("en", "id", "en_AU") and one.text
    )
).encode()

CASES: dict[str, tuple[str, str | None, bytes, dict[str, Any]]] = {
    "a page": ("page", "kontan", KONTAN, {"url": URL}),
    "a page in another character set": ("page", "kontan", LATIN, {"url": URL}),
    "a page that no profile describes": ("page", None, UNPROFILED, {"url": URL}),
    "a page that states little": ("page", None, UNSTATED, {"url": URL}),
    "RSS": ("feed", None, (RSS.format(ITEM.format(FRIDAY) + ITEM.format("Jumat, 9 Februari 2024"))).encode(),
            {"url": URL, "locale": "id"}),
    "RSS that is broken": ("feed", None, RSS.format(2 * ITEM.format(FRIDAY)).encode()[:-40], {"url": URL}),
    "RSS of many clocks": ("feed", None, DATED, {"url": URL, "locale": "id", "timezone": "Australia/Sydney"}),
    "RSS in its own language": ("feed", None, RSS.replace(">id<", ">ru<").format(
        ITEM.format("9 февраля 2024, 06:31").replace("contoh.id/1", "пример.рф/статья")).encode(), {"url": URL}),
    "a JSON Feed": ("feed", None, b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "T",'
                    b' "content_html": "<p>x", "tags": ["a"]}, 5]}', {"url": URL}),
    "JSON": ("json", None, JSON, MAPPING),
}  # fmt: skip


def opened(runner: Isolated | None, kind: str, home: Path, clock: ManualClock, /, **options: Any) -> Source:
    fixed = {name: options.pop(name) for name in ("profile", "http") if name in options}
    given = options if kind != "json" else {name: one for name, one in options.items() if name != "indicators"}
    source = open_source(kind, home, clock, **fixed, **given)
    if kind == "json":
        source.options = type(source).Options.model_validate(options)
    return ready(source, runner)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def documents() -> AsyncIterator[Isolated]:
    """One process for all that only read: to start it costs more than most documents."""
    one = Isolated(DOCUMENT_JOBS)
    yield one
    await one.close()


def ready(source: Source, runner: Isolated | None) -> Source:
    specs = {"USD/IDR": IndicatorSpec(symbol="USD/IDR", slug="usd-idr", name="Dolar", unit="IDR")}
    source.context = replace(source.context, runner=runner, indicators=specs)
    return source


async def test_documents_are_read_there_as_they_are_here(
    tmp_path: Path, clock: ManualClock, documents: Isolated
) -> None:
    async def read(case: str, runner: Isolated | None) -> Batch:
        kind, profile, body, options = CASES[case]
        http = Server(Answer(body, headers={"Content-Type": "text/html" if kind == "page" else ""}))
        source = opened(runner, kind, tmp_path, clock, profile=profile, http=http, **options)
        return await source.read({})

    here = {case: await read(case, None) for case in CASES}
    there = {case: await read(case, documents) for case in CASES}
    assert all(batch.articles for batch in here.values())
    assert there == here
    assert documents.pid is not None


@pytest.mark.parametrize("body", [SITEMAP, gzip.compress(SITEMAP), b"<ul><li><a href=/1>x</a></ul>"])
async def test_so_is_a_list(body: bytes, tmp_path: Path, clock: ManualClock, documents: Isolated) -> None:
    async def read(runner: Isolated | None) -> Batch:
        http = Server(Answer(body))
        return await opened(runner, "index", tmp_path, clock, profile="kontan", http=http, url=URL, links="li").read({})

    here, there = await read(None), await read(documents)
    assert [link for link, _ in here.bookmark["lists"][URL]["links"]] == ["https://contoh.id/1"]
    assert there == here


async def test_so_are_files(tmp_path: Path, clock: ManualClock, documents: Isolated) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.html").write_bytes(KONTAN)
    (inbox / "b.json").write_bytes(b'[{"id": "n-1", "title": "T", "body": "<p>x", "tilte": 1}, 5]')
    (inbox / "c.json").write_bytes(b"{")

    async def read(runner: Isolated | None) -> Batch:
        return await opened(runner, "folder", tmp_path, clock, profile="kontan", path="inbox").read({})

    here, there = await read(None), await read(documents)
    assert len(here.articles) == 2
    assert there == here


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("feed", RSS.format("<item/>" * 5_001).encode(), "has 5,001 entries, the limit is 5,000"),
        ("feed", b"<rss>" + b"<a/>" * 400_001, "has more than 200,000 elements"),
        ("feed", b'{"version": "https://jsonfeed.org/version/1", "items": [' + b"5," * 5_000 + b"5]}",
         "has 5,001 entries, the limit is 5,000"),
        ("page", page("<p " + " ".join(f"a{n}" for n in range(200_000)) + ">x"),
         "has an element with more than 500 attributes"),
        ("json", b'{"items": ' + b"[" * 100_000, "is nested too deeply"),
    ],
    ids=["entries", "elements", "items", "attributes", "depth"],
)  # fmt: skip
async def test_what_is_too_much_is_refused_by_its_limit_and_the_process_reads_on(
    kind: str, body: bytes, reason: str, tmp_path: Path, clock: ManualClock, documents: Isolated
) -> None:
    options = MAPPING if kind == "json" else {"url": URL}
    source = opened(documents, kind, tmp_path, clock, http=Server(Answer(body)), **options)
    with pytest.raises(FetchError, match=reason):
        await source.read({})
    assert documents.pid is not None


TAKEN_CASES = [("feed", {"url": URL}), ("page", {"url": URL}), ("folder", {"path": "inbox"})]


@pytest.mark.parametrize(("kind", "options"), TAKEN_CASES, ids=[kind for kind, _ in TAKEN_CASES])
async def test_whoever_took_the_process_over_puts_no_script_into_an_article(
    kind: str, options: dict[str, Any], tmp_path: Path, clock: ManualClock
) -> None:
    taken = Isolated("support.taken", root=Path(__file__).parents[1])
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.json").write_bytes(b"{}")
    clock.advance(86_400 * 10_000)
    source = opened(taken, kind, tmp_path, clock, http=Server(Answer(b"x")), **options)
    (one,) = (await source.read({})).articles
    assert one.article.body == '<p>Isi.</p><p><a rel="noopener noreferrer">y</a></p>'
    await taken.close()


async def test_nor_does_it_choose_what_is_asked_for_or_what_is_kept(tmp_path: Path, clock: ManualClock) -> None:
    taken = Isolated("support.taken", root=Path(__file__).parents[1])
    index = opened(taken, "index", tmp_path, clock, http=Server(Answer(b"x")), url=URL + "/list", links="a")
    batch = await index.read({})
    assert [link for link, _ in batch.bookmark["lists"][URL + "/list"]["links"]] == ["https://contoh.id/a"]
    index = opened(taken, "index", tmp_path, clock, http=Server(Answer(b"<nonsense>")), url=URL, links="a")
    with pytest.raises(Faulty, match="was read as something that it cannot be"):
        await index.read({})
    source = opened(taken, "json", tmp_path, clock, http=Server(Answer(JSON)), **MAPPING)
    with pytest.raises(Faulty, match="was read as something that it cannot be"):
        await source.read({})
    await taken.close()


async def test_a_page_starts_the_process_anew_only_for_a_language_that_many_write_in(
    tmp_path: Path, clock: ManualClock, documents: Isolated
) -> None:
    async def read(language: str, date: str) -> tuple[Any, int | None]:
        body = UNPROFILED.replace(b'lang="id"', f'lang="{language}"'.encode())
        body = body.replace(b"Jumat, 9 Februari 2024 06:31 WIB", date.encode())
        source = opened(documents, "page", tmp_path, clock, http=Server(Answer(body)), url=URL)
        (one,) = (await source.read({})).articles
        assert one.article.language == canonical_tag(language)
        return one.article.published, documents.pid

    first = await read("en", "February 9, 2024 06:31 WIB")
    assert await read("de", "9. Februar 2024 06:31 WIB") != first
    second = documents.pid
    assert first[0] is not None
    assert first[1] != second
    for language in ("sw", "zu-ZA", "yo", "de-CH", "EN-gb"):
        published, pid = await read(
            language, "February 9, 2024 06:31 WIB" if language[:2] != "de" else "9. Februar 2024 06:31 WIB"
        )
        assert (published, pid) == (first[0], second), language


async def test_a_document_that_takes_too_long_is_its_sources_failure_and_leaves_it_alone_for_a_while(
    tmp_path: Path, clock: ManualClock
) -> None:
    slow = Isolated("support.slow", root=Path(__file__).parents[1], deadline=0.5)
    source = opened(slow, "page", tmp_path, clock, http=Server(Answer(b"<p>x")), url=URL)
    with pytest.raises(FetchError, match=r"was not read within 0\.5 s") as caught:
        await source.read({})
    assert caught.value.retry_after == 300
    await slow.close()


async def test_the_headers_that_a_source_sends_are_no_business_of_who_reads_the_answer(
    tmp_path: Path, clock: ManualClock
) -> None:
    telling = Isolated("support.slow", root=Path(__file__).parents[1])
    source = opened(telling, "json", tmp_path, clock, http=Server(Answer(JSON)), **MAPPING)
    with pytest.raises(FetchError) as caught:
        await source.read({})
    assert "'articles'" in str(caught.value)
    assert "headers" not in str(caught.value)
    assert "secret" not in str(caught.value)
    await telling.close()


async def test_what_serves_goes_on_while_documents_are_read_and_checked(
    tmp_path: Path, clock: ManualClock, documents: Isolated
) -> None:
    items = "".join(ITEM.replace("g-1", f"g{n}").replace("/1?", f"/{n}?").format(FRIDAY) for n in range(300))
    source = opened(documents, "feed", tmp_path, clock, http=Server(Answer(RSS.format(items).encode())), url=URL)
    reading = asyncio.create_task(source.read({}))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(reading.result().articles) == 300
    assert turns > 300


async def test_of_very_many_values_the_first_are_taken_and_a_number_without_end_is_none(
    tmp_path: Path, clock: ManualClock
) -> None:
    tags = "".join(f'<meta property="article:tag" content="t{n}">' for n in range(1_001))
    body = f'<meta property="og:title" content="T">{tags}<script type="application/ld+json">'.encode()
    body += b'{"@type": "NewsArticle", "articleBody": "Isi."}</script>'
    (found,) = (await opened(None, "page", tmp_path, clock, http=Server(Answer(body)), url=URL).read({})).articles
    assert len(found.article.topics) == 1_000

    given = JSON.replace(b'"15.635,5"', b"1e999999999")
    batch = await opened(None, "json", tmp_path, clock, http=Server(Answer(given)), **MAPPING).read({})
    assert batch.indicators == ()
    assert any("value" in str(one) for one in batch.problems)


async def test_where_there_is_more_to_tell_than_is_told_errors_come_before_warnings() -> None:
    warnings = [Problem("x", "<script> is left out", severity="warning")] * MAX_PROBLEMS
    piece = next(written(Parsed(problems=[*warnings, Problem("x", "has no title")])))
    told = json.loads(piece[1:])
    assert told[0]["message"] == "has no title"
    assert (told[-1]["message"][:16], told[-1]["severity"]) == ("1 more problems ", "warning")
