"""A feed format is one file: laid beside the others, it is served, linked, printed, counted and kept like them."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser
from support.commands import runner
from support.rights import SITE
from webroom import Newsroom

from publisher.publish import Publications
from publisher.publish.codings import GZIP
from publisher.render import FORMATS, formats
from publisher.web.ops.measures import Metrics

FILE = '''
"""Titles, one a line."""

from collections.abc import Iterable

from publisher.render.entry import Entry
from publisher.render.format import Format, Head


class Titles(Format):
    """Nothing but titles."""

    name = "txt"
    label = "TXT titles"
    short = "TXT"
    content_type = "text/plain; charset=utf-8"
    media_types = ("text/plain",)

    def fragment(self, entry: Entry) -> bytes:
        return f"{entry.title}\\n".encode() + (entry.content or "").encode()

    def document(self, head: Head, fragments: Iterable[bytes]) -> bytes:
        return f"{head.title} {head.url}\\n".encode() + b"".join(fragments)
'''


@pytest.fixture(autouse=True)
def titles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The file lies beside those of the other formats."""
    folder = tmp_path / "formats"
    folder.mkdir()
    (folder / "titles.py").write_text(FILE)
    with monkeypatch.context() as patched:
        patched.setattr(formats, "__path__", [*formats.__path__, str(folder)])
        patched.setattr(FORMATS, "_found", None)  # and the same objects again afterwards, which other tests hold
        FORMATS.discover()
        yield
    sys.modules.pop(f"{formats.__name__}.titles", None)


async def test_it_is_served_with_validators_and_codings(newsroom: Newsroom) -> None:
    await newsroom.push("brew", title="Kopi naik")
    answer = await newsroom.client.get("/feeds/news.txt", headers={"Accept-Encoding": "identity"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert await answer.text() == "Berita https://news.example/feeds/news.txt\nKopi naik\n<p>Isi brew.</p>"
    assert answer.headers["Link"] == '<https://news.example/feeds/news.txt>; rel="self"'
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert (await newsroom.client.get("/feeds/news.txt", headers=tag)).status == 304
    document = await newsroom.services.publications.current("news", "txt")
    packed = document.bodies[GZIP]
    assert isinstance(packed, bytes)
    assert gzip.decompress(packed) == document.body


async def test_whoever_asks_a_feeds_page_for_it_by_its_type_is_led_to_it(newsroom: Newsroom) -> None:
    accepted = {"Accept": "text/plain, text/html;q=0.9"}
    answer = await newsroom.client.get("/feeds/news", headers=accepted, allow_redirects=False)
    assert (answer.status, answer.headers["Location"], answer.headers["Vary"]) == (302, "/feeds/news.txt", "Accept")


async def test_it_is_named_where_another_is_asked_for_that_is_none(newsroom: Newsroom) -> None:
    answer = await newsroom.client.get("/feeds/news.xml")
    assert (answer.status, f"feeds come as {', '.join(FORMATS)}" in await answer.text()) == (404, True)


@pytest.mark.parametrize(("path", "feed"), [("/", "market"), ("/feeds/coffee", "coffee"), ("/articles/brew", "news")])
async def test_pages_link_to_it(newsroom: Newsroom, path: str, feed: str) -> None:
    await newsroom.push("brew")
    tree = LexborHTMLParser(await (await newsroom.client.get(path)).text())
    links = {link.attributes["href"]: link.attributes["type"] for link in tree.css("link[rel=alternate]")}
    assert links[f"https://news.example/feeds/{feed}.txt"] == "text/plain"
    if not path.startswith("/articles/"):
        shown = tree.css_first(f'.formats a[href="/feeds/{feed}.txt"]')
        assert shown is not None
        assert shown.text() == ("TXT" if path == "/" else "TXT titles")


async def test_it_is_made_anew_with_every_change_and_kept_until_then(newsroom: Newsroom) -> None:
    publications = newsroom.services.publications
    await newsroom.push("brew", title="Kopi naik")
    first = await publications.current("news", "txt")
    assert await publications.current("news", "txt") is first
    await newsroom.push("brew", title="Kopi turun")
    second = await publications.current("news", "txt")
    assert isinstance(second.body, bytes)
    assert b"Kopi turun" in second.body
    renamed = newsroom.catalog.feeds | {"news": newsroom.catalog.feeds["news"].model_copy(update={"title": "Kabar"})}
    publications.replace(renamed)
    assert (await publications.current("news", "txt")).body == second.body.replace(b"Berita", b"Kabar")
    publications.replace(renamed, replace(SITE, url="https://lain.example"))
    assert (await publications.current("news", "txt")).body.startswith(b"Kabar https://lain.example/feeds/news.txt")  # type: ignore[union-attr]


async def test_large_it_lies_on_disk_and_is_found_there_after_a_restart(newsroom: Newsroom, tmp_path: Path) -> None:
    for id in ("brew", "roast"):
        await newsroom.push(id, body=f"<p>{'kopi ' * 150_000}</p>")
    document = await newsroom.services.publications.current("news", "txt")
    assert isinstance(document.body, Path)
    assert document.body.name == f"news.txt.{document.etag}"
    again = Publications(newsroom.db, newsroom.catalog.feeds, SITE, tmp_path / "data")
    assert await again.current("news", "txt") == document


def test_requests_for_it_are_counted_by_its_name() -> None:
    metrics = Metrics()
    metrics.requested("/feeds/news.txt", 200)
    assert b'publisher_feed_requests_total{format="txt",status="200"} 1.0' in metrics.text("text/plain")[0]


def test_commands_print_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    publisher, home = runner(capfd), tmp_path / "home"
    assert publisher("init", home, "--port", 8080).code == 0
    shown = publisher("feeds", "show", "news", "--format", "txt", "--home", home)
    assert (shown.code, shown.out) == (0, "News http://127.0.0.1:8080/feeds/news.txt\n")
    unknown = publisher("feeds", "show", "news", "--format", "xml", "--home", home)
    assert unknown.code == 1
    assert f"feeds come as {', '.join(FORMATS)}" in unknown.err


def test_two_formats_of_one_name_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "formats/again.py"
    other.write_text(FILE)
    try:
        with pytest.raises(ValueError, match="two feed formats have one name"):
            FORMATS.discover()
    finally:
        other.unlink()
        sys.modules.pop(f"{formats.__name__}.again", None)
