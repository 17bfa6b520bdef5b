"""The kind ``feed``."""

from pathlib import Path

import orjson
import pytest
from support.clock import ManualClock
from support.reading import Answer, Server, open_source

from publisher.errors import FetchError
from publisher.model.observed import Batch

URL = "https://contoh.id/rss"
RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Contoh</title>
 <language>id</language>{}</channel></rss>"""
ITEM = """<item><title>Panen &amp;amp; harga</title><link>https://contoh.id/1?utm_medium=rss</link><guid>g-1</guid>
 <dc:creator>Nadia</dc:creator><category>Pangan</category><pubDate>{}</pubDate><description>Ringkas.</description>
 <content:encoded><![CDATA[<p>Isi <a href="/2">lanjut</a></p>]]></content:encoded>
 <media:content url="https://contoh.id/1.jpg" medium="image"/></item>"""
FRIDAY = "Fri, 09 Feb 2024 06:31:00 +0700"


async def _read(body: str | bytes, home: Path, clock: ManualClock, **options: object) -> Batch:
    data = body.encode() if isinstance(body, str) else body
    source = open_source("feed", home, clock, http=Server(Answer(data)), url=URL, **options)
    return await source.read({})


async def test_an_rss_entry_becomes_an_article(tmp_path: Path, clock: ManualClock) -> None:
    batch = await _read(RSS.format(ITEM.format(FRIDAY)), tmp_path, clock, agency="Contoh")
    [found] = batch.articles
    article = found.article
    assert found.identity == "https://contoh.id/1"
    assert (article.title, article.summary, article.agency) == ("Panen & harga", "Ringkas.", "Contoh")
    assert article.body == '<p>Isi <a href="https://contoh.id/2" rel="noopener noreferrer">lanjut</a></p>'
    assert (article.authors, article.topics, article.language) == (("Nadia",), ("Pangan",), "id")
    assert (article.published and article.published.isoformat()) == "2024-02-08T23:31:00+00:00"
    assert [one.url for one in article.images] == ["https://contoh.id/1.jpg"]
    assert batch.problems == ()


@pytest.mark.parametrize(
    ("written", "options", "expected"),
    [
        ("Fri, 09 Feb 2024 06:31:00 WIB", {}, "2024-02-08T23:31:00+00:00"),
        ("Jumat, 09 Februari 2024 06:31:00 WIB", {"locale": "id"}, "2024-02-08T23:31:00+00:00"),
        ("2024-02-09T06:31:00+07:00", {}, "2024-02-08T23:31:00+00:00"),
        ("09 Feb 2024 06:31", {}, "2024-02-08T23:31:00+00:00"),
    ],
)
async def test_dates_that_feed_readers_get_wrong_are_read_right(
    written: str, options: dict[str, str], expected: str, tmp_path: Path, clock: ManualClock
) -> None:
    batch = await _read(RSS.format(ITEM.format(written)), tmp_path, clock, **options)
    assert [one.article.published and one.article.published.isoformat() for one in batch.articles] == [expected]


async def test_a_value_that_no_article_can_have_is_told_and_left_out(tmp_path: Path, clock: ManualClock) -> None:
    feed = RSS.replace("<language>id<", "<language>Bahasa Indonesia<").format(ITEM.format(FRIDAY))
    batch = await _read(feed, tmp_path, clock)
    [found], [problem] = batch.articles, batch.problems
    assert (found.article.title, found.article.language) == ("Panen & harga", None)
    assert (problem.field, problem.text) == ("language", "Bahasa Indonesia")


async def test_a_date_outside_all_calendars_is_an_error_on_that_field(tmp_path: Path, clock: ManualClock) -> None:
    batch = await _read(RSS.format(ITEM.format("Mon, 01 Jan 0001 00:00:00 +1400")), tmp_path, clock)
    [found], [problem] = batch.articles, batch.problems
    assert (found.article.published, problem.field) == (None, "published")


async def test_a_date_that_cannot_be_read_is_an_error_on_that_field(tmp_path: Path, clock: ManualClock) -> None:
    batch = await _read(RSS.format(ITEM.format("kemarin sore")), tmp_path, clock)
    assert [one.article.published for one in batch.articles] == [None]
    assert [(one.field, one.text, one.severity) for one in batch.problems] == [("published", "kemarin sore", "error")]


async def test_what_is_left_out_of_a_text_is_told_and_the_entry_is_taken(tmp_path: Path, clock: ManualClock) -> None:
    item = ITEM.replace("lanjut</a>", "lanjut</a><script>x()</script><a href='javascript:x()'>y</a>")
    batch = await _read(RSS.format(item.format(FRIDAY)), tmp_path, clock)
    [found] = batch.articles
    assert found.article.body.endswith("lanjut</a>y</p>")
    assert [(one.field, one.message, one.severity) for one in batch.problems] == [
        ("body", "a link to 'javascript:x()' is left out: it is no address that can be kept", "warning"),
        ("body", "<script> is left out", "warning"),
    ]


async def test_a_summary_has_a_space_where_a_line_ends(tmp_path: Path, clock: ManualClock) -> None:
    item = ITEM.replace("Ringkas.", "&lt;p&gt;Satu&lt;/p&gt;&lt;p&gt;dua&lt;br&gt;tiga&lt;/p&gt;")
    [found] = (await _read(RSS.format(item.format(FRIDAY)), tmp_path, clock)).articles
    assert found.article.summary == "Satu dua tiga"


async def test_an_atom_entry_becomes_an_article(tmp_path: Path, clock: ManualClock) -> None:
    atom = """<feed xmlns="http://www.w3.org/2005/Atom"><title>C</title><entry><id>tag:contoh.id,2024:1</id>
    <title>Judul</title><link href="https://contoh.id/1"/><updated>2024-02-09T00:00:00Z</updated>
    <content type="html">&lt;p&gt;Isi&lt;/p&gt;</content></entry></feed>"""
    [found] = (await _read(atom, tmp_path, clock, identity="id")).articles
    assert (found.identity, found.article.title, found.article.body) == ("tag:contoh.id,2024:1", "Judul", "<p>Isi</p>")
    assert found.article.published is None
    assert found.article.updated is not None


async def test_a_json_feed_item_becomes_an_article(tmp_path: Path, clock: ManualClock) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "language": "id",
        "items": [
            {
                "id": "1",
                "url": "https://contoh.id/1",
                "title": "Judul",
                "content_text": "Satu < dua.\n\nTiga.",
                "date_published": "2024-02-09T00:00:00Z",
                "tags": ["Pangan"],
                "authors": [{"name": "Nadia"}],
            },
            "noise",
        ],
    }
    batch = await _read(orjson.dumps(feed), tmp_path, clock)
    [found] = batch.articles
    assert found.article.body == "<p>Satu &lt; dua.</p>\n<p>Tiga.</p>"
    assert (found.article.authors, found.article.topics) == (("Nadia",), ("Pangan",))
    assert [one.field for one in batch.problems] == ["items[1]"]


async def test_an_entry_that_is_only_a_link_has_its_title_for_a_text_and_says_so(
    tmp_path: Path, clock: ManualClock
) -> None:
    bare = f"<item><title>Hanya &lt; judul</title><link>https://contoh.id/9</link><pubDate>{FRIDAY}</pubDate></item>"
    batch = await _read(RSS.format(bare), tmp_path, clock)
    [found], [problem] = batch.articles, batch.problems
    assert found.article.body == '<p><a href="https://contoh.id/9" rel="noopener noreferrer">Hanya &lt; judul</a></p>'
    assert found.origins["body"] == "guessed"
    assert (problem.field, problem.message, problem.severity, problem.origin) == (
        "body",
        "has no text: its title is taken for it",
        "warning",
        found.origin,
    )


async def test_an_entry_without_a_title_has_the_first_words_of_its_text_for_one(
    tmp_path: Path, clock: ManualClock
) -> None:
    text = "Harga beras turun lagi di tiga pasar induk pagi ini, kata para pedagang yang kami temui di sana."
    item = f"<item><link>https://contoh.id/9</link><pubDate>{FRIDAY}</pubDate><description>{text}</description></item>"
    batch = await _read(RSS.format(item), tmp_path, clock)
    [found], [problem] = batch.articles, batch.problems
    assert found.article.title == "Harga beras turun lagi di tiga pasar induk pagi ini, kata para pedagang yang…"
    assert (found.origins["title"], problem.field, problem.severity) == ("guessed", "title", "warning")


async def test_an_entry_with_neither_title_nor_text_is_refused_and_the_others_stay(
    tmp_path: Path, clock: ManualClock
) -> None:
    bare = "<item><link>https://contoh.id/9</link></item><item><title>T</title></item>"
    batch = await _read(RSS.format(bare + ITEM.format(FRIDAY) + ITEM.format(FRIDAY)), tmp_path, clock)
    assert len(batch.articles) == 1
    assert [(one.message, one.severity) for one in batch.problems] == [
        ("has neither a title nor a text: the article is refused", "error"),
        ("has neither link nor id to know it by", "error"),
        ("stands twice in the feed; the first is taken", "error"),
    ]


async def test_an_empty_feed_is_no_error(tmp_path: Path, clock: ManualClock) -> None:
    batch = await _read(RSS.format(""), tmp_path, clock)
    assert (batch.articles, batch.problems) == ((), ())


async def test_a_document_that_is_the_same_is_not_read_again(tmp_path: Path, clock: ManualClock) -> None:
    server = Server(Answer(RSS.format(ITEM.format(FRIDAY)).encode(), headers={"ETag": '"1"'}))
    source = open_source("feed", tmp_path, clock, http=server, url=URL)
    first = await source.read({})
    again = await source.read(first.bookmark)
    server.answer = Answer(status=304)
    unchanged = await source.read(first.bookmark)
    assert (len(first.articles), len(again.articles), len(unchanged.articles)) == (1, 0, 0)
    assert server.asked[2][1] == {"If-None-Match": '"1"'}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><p>no feed</p></html>", "is no RSS, Atom or JSON Feed"),
        (b"", "is no RSS, Atom or JSON Feed"),
        (b'{"items": []}', "is JSON, but no JSON Feed"),
        (b'{"version": ', "is no JSON Feed"),
        (b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><rss version="2.0"/>', "defines XML entities"),
        (b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss/>', "defines XML entities"),
    ],
)
async def test_what_is_no_feed_is_a_failure_of_the_source(
    body: bytes, said: str, tmp_path: Path, clock: ManualClock
) -> None:
    with pytest.raises(FetchError, match=said):
        await _read(body, tmp_path, clock)
