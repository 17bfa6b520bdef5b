"""The pages for people: what they show, to whom, and that a browser may trust them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from content.markup import is_allowed
from content.test_clean import CASES
from selectolax.lexbor import LexborHTMLParser
from webroom import Newsroom

from publisher.model import FeedDefinition, Selection
from publisher.render import FORMATS
from publisher.storage.configuration import sources
from publisher.web import pages
from publisher.web.pages import assets
from publisher.web.pages.localised import Localised
from publisher.web.pages.texts import TEXTS

STYLE_LIMIT = 20_000
FULL = {
    "summary": "Ringkasan.",
    "authors": ["Rani Wulandari"],
    "editor": "Dimas Hartawan",
    "agency": "Kawat Niaga",
    "dateline": "JAKARTA",
    "section": "Industri",
    "published": "2026-01-04T01:00:00Z",
    "url": "https://asal.example/berita",
    "images": [{"url": "https://foto.example/a.png", "caption": "Kebun kopi", "credit": "Kawat Niaga/Lim"}],
    "related": [{"title": "Berita lain", "url": "https://asal.example/lain"}, {"title": "Tanpa alamat"}],
}
USD = {"symbol": "USD/IDR", "value": "16199", "change": "95.00", "percent": "0.58"}
GOLD = {"symbol": "EMAS", "value": "1533000", "change": "-1000", "percent": "-0.07"}


async def page(newsroom: Newsroom, path: str, status: int = 200) -> LexborHTMLParser:
    answer = await newsroom.client.get(path)
    assert (answer.status, answer.content_type) == (status, "text/html")
    return LexborHTMLParser(await answer.text())


async def observe(newsroom: Newsroom, *observations: dict[str, Any]) -> None:
    headers = newsroom.as_("editor")
    answer = await newsroom.client.post("/api/v1/indicators", json=list(observations), headers=headers)
    assert answer.status in (200, 201), await answer.text()


def text(tree: Any, selector: str) -> str:
    found = tree.css_first(selector)
    assert found is not None, selector
    return " ".join(found.text().split())


async def test_an_empty_front_page_says_what_will_come(newsroom: Newsroom) -> None:
    tree = await page(newsroom, "/")
    assert text(tree, "#latest .empty") == TEXTS["latest_none"]
    assert tree.css_first("#ticker") is None


async def test_the_front_page_names_each_public_feed_in_each_format_and_no_other(newsroom: Newsroom) -> None:
    tree = await page(newsroom, "/")
    expected = {f"https://news.example/feeds/{name}.{end}" for name in ("news", "coffee", "market") for end in FORMATS}
    assert {link.attributes["href"] for link in tree.css("link[rel=alternate]")} == expected
    assert {button.attributes["data-copy"] for button in tree.css("#feeds .copy")} == expected


async def test_the_ticker_follows_the_catalog_and_tells_up_from_down_without_colour(newsroom: Newsroom) -> None:
    await observe(newsroom, GOLD, USD, {"symbol": "SECRET", "value": "1"})
    cells = (await page(newsroom, "/")).css("#ticker li:not(.stamp)")
    assert [cell.attributes["id"] for cell in cells] == ["indicator-usd-idr", "indicator-emas"]
    assert [text(cell, "data") for cell in cells] == ["16.199", "1.533.000"]
    assert [text(cell, ".move") for cell in cells] == ["▲up+0,58%+95,00", "▼down−0,07%−1.000"]


async def test_the_front_page_shows_the_newest_first_and_only_what_a_public_feed_shows(newsroom: Newsroom) -> None:
    await newsroom.push("old", "emas", published="2026-01-02T00:00:00Z")
    await newsroom.push("new", "kopi", published="2026-01-03T00:00:00Z")
    await newsroom.push("inner", "rahasia", published="2026-01-04T00:00:00Z")
    tree = await page(newsroom, "/")
    assert [link.attributes["href"] for link in tree.css("#latest h3 a")] == ["/articles/new", "/articles/old"]


async def test_the_example_of_a_registration_names_this_site_and_a_feed_it_has(newsroom: Newsroom) -> None:
    example = text(await page(newsroom, "/"), "#webhooks .commands:last-of-type code")
    assert "https://news.example/api/v1/webhooks" in example
    assert '"feeds": ["coffee"]' in example


async def test_an_article_page_carries_the_text_as_it_is_stored_and_nothing_that_is_not_allowed(
    newsroom: Newsroom,
) -> None:
    for number, (given, _) in enumerate(CASES.values()):
        await newsroom.push(f"a{number}", body=f"<p>x</p>{given}")
        answer = await newsroom.client.get(f"/api/v1/articles/a{number}", headers=newsroom.as_("editor"))
        body = (await answer.json())["body"]
        assert is_allowed(body)
        shown = await (await newsroom.client.get(f"/articles/a{number}")).text()
        assert body in shown
        assert "onload=" not in shown


async def test_a_feed_page_lists_its_items_and_its_addresses(newsroom: Newsroom) -> None:
    await newsroom.push("brew", "kopi")
    await newsroom.push("ore", "emas")
    tree = await page(newsroom, "/feeds/coffee")
    assert [link.attributes["href"] for link in tree.css("#items h3 a")] == ["/articles/brew"]
    assert [link.text() for link in tree.css(".address")] == [
        f"https://news.example/feeds/coffee.{end}" for end in FORMATS
    ]


async def test_a_feed_of_indicators_is_a_table(newsroom: Newsroom) -> None:
    await observe(newsroom, USD)
    row = (await page(newsroom, "/feeds/market")).css_first(".quotes tbody tr")
    assert row is not None
    assert [" ".join(cell.text().split()) for cell in row.css("th, td")][:2] == ["USD/IDR", "16.199"]


@pytest.mark.parametrize("path", ["/feeds/desk", "/feeds/operations", "/feeds/none", "/articles/none"])
async def test_what_is_not_public_or_not_there_is_the_same_404(newsroom: Newsroom, path: str) -> None:
    assert text(await page(newsroom, path, 404), "h1") == TEXTS["not_found"]


async def test_an_article_page_shows_all_that_is_known_of_it(newsroom: Newsroom) -> None:
    await newsroom.push("full", body="<p>Panen <b>naik</b>.</p><script>alert(1)</script>", **FULL)
    tree = await page(newsroom, "/articles/full")
    assert text(tree, "h1") == "Judul full"
    assert text(tree, ".dateline") == "JAKARTA"
    assert [" ".join(one.text().split()) for one in tree.css(".credits dd")] == [
        "Rani Wulandari",
        "Kawat Niaga",
        "Dimas Hartawan",
        "4 Jan 2026 08.00 WIB",
    ]
    assert text(tree, "figcaption") == "Kebun kopi Photo: Kawat Niaga/Lim"
    assert text(tree, ".body p") == "Panen naik."
    assert [item.text() for item in tree.css(".after li")] == ["Berita lain", "Tanpa alamat", "kopi", "Berita", "Kopi"]
    assert tree.css_first(".body script") is None
    canonical = tree.css_first("link[rel=canonical]")
    assert canonical is not None
    assert canonical.attributes["href"] == "https://asal.example/berita"


async def test_names_that_hold_a_comma_are_told_apart_on_a_page(newsroom: Newsroom) -> None:
    await newsroom.push("dua", authors=["Dr. Sari Dewi, M.Si.", "Budi Santoso"])
    tree = await page(newsroom, "/articles/dua")
    assert text(tree, ".credits dd") == "Dr. Sari Dewi, M.Si.; Budi Santoso"
    said = tree.css_first("meta[name=author]")
    assert said is not None
    assert said.attributes["content"] == "Dr. Sari Dewi, M.Si.; Budi Santoso"


@pytest.mark.parametrize(
    ("language", "direction"), [("ar", "rtl"), ("az-Arab", "rtl"), ("en", "auto"), ("tlh", "auto")]
)
async def test_an_article_runs_as_its_language_is_written(newsroom: Newsroom, language: str, direction: str) -> None:
    await newsroom.push("arah", language=language)
    [story] = (await page(newsroom, "/")).css("article.story")
    tree = await page(newsroom, "/articles/arah")
    parts = (story, *tree.css("header.title, .body"))
    assert [one.attributes["dir"] for one in parts] == [direction] * 3


async def test_an_article_page_links_recordings_and_files(newsroom: Newsroom) -> None:
    files = [{"url": "https://suara.example/naskah kopi.pdf"}, {"url": "https://suara.example/pagi.mp3"}]
    await newsroom.push("siaran", attachments=files)
    links = (await page(newsroom, "/articles/siaran")).css(".after li a")
    shown = [(link.text(), link.attributes["href"]) for link in links][:2]
    assert shown == [
        ("pagi.mp3", "https://suara.example/pagi.mp3"),
        ("naskah kopi.pdf", "https://suara.example/naskah%20kopi.pdf"),
    ]


async def test_a_page_links_by_uris_and_names_a_host_as_people_write_it(newsroom: Newsroom) -> None:
    odd = "https://bücher.example/ä[1]"
    meant = "https://xn--bcher-kva.example/%C3%A4%5B1%5D"
    await newsroom.push("odd", url=odd, images=[{"url": odd}], related=[{"title": "R", "url": odd}])
    tree = await page(newsroom, "/articles/odd")
    assert "bücher.example" in text(tree, ".original")
    for selector, name in ((".original a", "href"), ("figure img", "src"), (".after li a", "href")):
        link = tree.css_first(selector)
        assert link is not None
        assert link.attributes[name] == meant


async def test_pages_name_the_outlet_of_an_article_and_never_its_source(newsroom: Newsroom) -> None:
    newsroom.catalog.feeds["pool"] = FeedDefinition(name="pool", title="Pool", select=Selection(sources=("api",)))
    await newsroom.db.write(sources.failed, "gudang-rahasia", "refused", None)
    await newsroom.push("agency", agency="Kawat Niaga", url="https://asal.example/1")
    await newsroom.push("host", url="https://www.asal.example/2")
    await newsroom.push("numbers", url="http://127.0.0.1:8081/3")
    for path in ("/", "/feeds/pool", "/articles/host"):
        tree = await page(newsroom, path)
        assert "gudang-rahasia" not in tree.html
        assert "source" not in " ".join(tree.body.text().split()).casefold()
    kickers = text(await page(newsroom, "/feeds/pool"), ".stories")
    assert "Kawat Niaga ·" in kickers
    assert "asal.example ·" in kickers
    assert "www." not in kickers and "127.0.0.1" not in kickers


@pytest.mark.parametrize("path", ["/", "/feeds/news", "/articles/a1", "/nowhere", "/static/site.css"])
async def test_what_is_compressed_or_negotiated_says_so_to_caches(newsroom: Newsroom, path: str) -> None:
    await newsroom.push("a1")
    answer = await newsroom.client.get(path, headers={"Accept": "text/html"})
    assert "Accept-Encoding" in answer.headers["Vary"]
    if path == "/nowhere":
        assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    elif path.startswith(("/feeds", "/articles")):
        again = await newsroom.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status, again.headers["Vary"]) == (304, answer.headers["Vary"])


async def test_an_article_without_an_address_is_canonical_here(newsroom: Newsroom) -> None:
    await newsroom.push("own")
    canonical = (await page(newsroom, "/articles/own")).css_first("link[rel=canonical]")
    assert canonical is not None
    assert canonical.attributes["href"] == "https://news.example/articles/own"


async def test_a_title_with_markup_in_it_stays_text(newsroom: Newsroom) -> None:
    await newsroom.push("odd", title='<img src=x onerror="alert(1)"> & Co')
    for path in ("/", "/feeds/news", "/articles/odd"):
        tree = await page(newsroom, path)
        assert tree.css_first("img[onerror]") is None
        assert '<img src=x onerror="alert(1)"> & Co' in text(tree, "main")


async def test_a_withdrawn_article_is_gone_and_says_nothing_of_its_text(newsroom: Newsroom) -> None:
    await newsroom.push("brief", title="Judul yang ditarik")
    await newsroom.client.delete("/api/v1/articles/brief", headers=newsroom.as_("editor"))
    tree = await page(newsroom, "/articles/brief", 410)
    assert text(tree, "h1") == TEXTS["gone"]
    assert "Judul yang ditarik" not in tree.html


@pytest.mark.parametrize("path", ["/", "/feeds/news", "/articles/one", "/articles/none"])
async def test_no_page_runs_or_styles_anything_but_our_own_files(newsroom: Newsroom, path: str) -> None:
    await newsroom.push("one")
    answer = await newsroom.client.get(path)
    tree = LexborHTMLParser(await answer.text())
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'; img-src https: http: data:;")
    assert tree.css("style, [style], script:not([src])") == []
    own = [
        node.attributes.get("src") or node.attributes.get("href") for node in tree.css("script, link[rel=stylesheet]")
    ]
    assert own
    for address in own:
        assert address is not None
        assert address.startswith("/static/")
        assert (await newsroom.client.get(address)).status == 200


async def test_a_page_that_a_browser_has_is_not_sent_again_until_it_changes(newsroom: Newsroom) -> None:
    first = await newsroom.client.get("/")
    asked = {"If-None-Match": first.headers["ETag"]}
    assert (await newsroom.client.get("/", headers=asked)).status == 304
    await newsroom.push("news")
    assert (await newsroom.client.get("/", headers=asked)).status == 200


async def test_our_own_files_are_kept_for_good_only_in_the_version_asked_for(newsroom: Newsroom) -> None:
    asset = assets.load()["site.css"]
    current = await newsroom.client.get(asset.path)
    old = await newsroom.client.get("/static/site.css?v=old")
    assert (current.content_type, current.headers["Cache-Control"]) == (
        "text/css",
        "public, max-age=31536000, immutable",
    )
    assert old.headers["Cache-Control"] == "public, max-age=300"
    assert (await newsroom.client.get("/static/none.css")).status == 404


def test_the_style_sheet_stays_small() -> None:
    assert len(assets.load()["site.css"].content) < STYLE_LIMIT


def test_every_text_is_used() -> None:
    folder = Path(pages.__file__).parent
    files = [*folder.glob("templates/*.html"), folder / "handlers.py", folder / "views.py"]
    written = "\n".join(path.read_text() for path in files)
    # These are chosen by what is shown: t["holds_" ~ …], t["in_" ~ …], t[quote.direction].
    chosen = ("select_", "holds_", "in_", "up", "down", "flat")
    unused = [key for key in TEXTS if f"t.{key}" not in written and f'"{key}"' not in written]
    assert [key for key in unused if not key.startswith(chosen)] == []


async def test_an_article_under_embargo_is_on_no_page(newsroom: Newsroom) -> None:
    await newsroom.push("later", published="2099-01-01T00:00:00Z")
    await page(newsroom, "/articles/later", 404)
    for path in ("/", "/feeds/news"):
        assert "Judul later" not in (await page(newsroom, path)).html


@pytest.mark.parametrize(
    ("language", "number", "percent"),
    [
        ("id", "−1.234,50", "+0,58%"),
        ("en", "−1,234.50", "+0.58%"),
        ("de", "−1.234,50", "+0,58\u00a0%"),
        ("tlh", "−1,234.50", "+0.58%"),
    ],
)
def test_numbers_are_written_in_the_language_of_the_site(language: str, number: str, percent: str) -> None:
    formats = Localised(language, "Asia/Jakarta")
    assert formats.number(Decimal("-1234.50"), signed=True) == number
    assert formats.percent(Decimal("0.58")) == percent
