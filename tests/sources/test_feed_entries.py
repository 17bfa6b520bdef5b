"""Entries of upstream feeds: media, texts, people and dates, each as somebody writes it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.clock import ManualClock
from support.reading import Answer, Server, open_source

from publisher.errors import FetchError
from publisher.model import Article
from publisher.model.observed import Batch, Problem
from publisher.sources.feeds.media import seconds

SITE = "https://kanal.example"
DAY = "Fri, 09 Feb 2024 06:31:00 +0700"
CHANNEL = f"""<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:dcterms="http://purl.org/dc/terms/"><channel>
 <title>Kanal</title><link>{SITE}/</link><language>id</language>%s</channel></rss>"""

Read = Callable[..., Awaitable[Batch]]


@pytest.fixture
def read(tmp_path: Path, clock: ManualClock) -> Read:
    async def of(document: str | bytes, content_type: str = "", **options: Any) -> Batch:
        body = document.encode() if isinstance(document, str) else document
        server = Server(Answer(body, headers={"Content-Type": content_type}))
        return await open_source("feed", tmp_path, clock, http=server, url=f"{SITE}/rss", **options).read({})

    return of


def item(more: str = "", *, title: str = "Judul", text: str = "<description>Isi.</description>") -> str:
    known_by = f'<link>{SITE}/1</link><guid isPermaLink="false">g</guid><pubDate>{DAY}</pubDate>'
    return CHANNEL % f"<item><title>{title}</title>{known_by}{text}{more}</item>"


def _linked(link: str) -> str:
    return f"<item><title>T</title><link>{link}</link><description>Isi.</description><pubDate>{DAY}</pubDate></item>"


async def one(read: Read, document: str | bytes, **options: Any) -> tuple[Article, list[Problem]]:
    batch = await read(document, **options)
    [found] = batch.articles
    return found.article, list(batch.problems)


def told(problems: list[Problem]) -> list[tuple[str | None, str | None]]:
    return [(one.field, one.text) for one in problems]


class TestPictures:
    @pytest.mark.parametrize(
        "written",
        [
            '<media:thumbnail url="{}"/>',
            '<enclosure url="{}" length="1" type=""/>',
            '<enclosure url="{}" length="1" type="image/jpeg"/>',
            '<itunes:image href="{}"/>',
            '<media:content url="{}" medium="image"/>',
            '<media:content url="{}" type="image/jpeg"/>',
            '<media:content url="{}"/>',
            '<media:group><media:content url="{}"/></media:group>',
            '<media:content url="/v.mp4" type="video/mp4"><media:thumbnail url="{}"/></media:content>',
            "<image>{}</image>",
            "<image><url>{}</url></image>",
            '<atom:link rel="enclosure" type="image/jpeg" href="{}"/>',
            '<media:content url="/1.jpg" medium="image"/>',
            "<content:encoded>&lt;p&gt;Isi.&lt;img data-src='{}' src='data:,'&gt;</content:encoded>",
        ],
    )
    async def test_a_picture_is_found_wherever_it_stands(self, read: Read, written: str) -> None:
        article, problems = await one(read, item(written.format(f"{SITE}/1.jpg")))
        assert [image.url for image in article.images] == [f"{SITE}/1.jpg"]
        assert article.body.startswith("<p>Isi.")
        assert problems == []

    async def test_what_is_said_of_a_picture_goes_to_the_picture(self, read: Read) -> None:
        media = f"""<media:content url="{SITE}/1.jpg" type="image/jpeg" width="800" height="600">
          <media:description>Petani di sawah.</media:description><media:title>Sawah</media:title>
          <media:credit role="owner">Kantor Foto</media:credit>
          <media:credit role="photographer">Budi Contoh</media:credit></media:content>"""
        article, problems = await one(read, item(media))
        [image] = article.images
        assert (image.caption, image.credit) == ("Petani di sawah.", "Budi Contoh")
        assert (image.type, image.width, image.height) == ("image/jpeg", 800, 600)
        assert (article.body, article.summary, problems) == ("<p>Isi.</p>", None, [])

    @pytest.mark.parametrize(
        ("said", "caption", "credit"),
        [
            ("<media:description>Petani di sawah. (Foto: Budi)</media:description>", "Petani di sawah.", "Budi"),
            ("<media:description>Petani di sawah.</media:description>", "Petani di sawah.", None),
            ("<media:credit>Foto: Budi Contoh</media:credit>", None, "Budi Contoh"),
            ("<media:title>Judul</media:title><media:credit>ANTARA FOTO/Bagas</media:credit>", None,
             "ANTARA FOTO/Bagas"),
        ],
    )  # fmt: skip
    async def test_a_caption_and_a_credit_are_told_apart(
        self, read: Read, said: str, caption: str | None, credit: str | None
    ) -> None:
        article, _ = await one(read, item(f'<media:content url="{SITE}/1.jpg" medium="image">{said}</media:content>'))
        assert [(image.caption, image.credit) for image in article.images] == [(caption, credit)]

    async def test_a_caption_is_never_the_text(self, read: Read) -> None:
        media = f"""<media:content url="{SITE}/1.jpg" medium="image"><media:description>Petani.</media:description>
          </media:content>"""
        article, problems = await one(read, item(media, text=""))
        assert "Petani" not in article.body
        assert told(problems) == [("body", None)]

    @pytest.mark.parametrize("group", ["media:group", ""])
    async def test_renditions_of_one_picture_are_one_picture_the_largest(self, read: Read, group: str) -> None:
        sizes = "".join(f'<media:content medium="image" url="{SITE}/1.jpg?width={w}" width="{w}"/>' for w in (140, 460))
        article, _ = await one(read, item(f"<{group}>{sizes}</{group}>" if group else sizes))
        assert [(image.url, image.width) for image in article.images] == [(f"{SITE}/1.jpg?width=460", 460)]

    @pytest.mark.parametrize(
        "written",
        [
            '<media:content url="https://kanal.example/p.gif" type="image/gif" width="1" height="1"/>',
            '<media:content url="https://secure.gravatar.com/avatar/1?s=96" medium="image"/>',
            '<media:thumbnail url="https://avatars.kanal.example/u/1" width="30" height="30"/>',
            "<content:encoded>&lt;p&gt;Isi.&lt;img src='/c' width='1' height='1'&gt;</content:encoded>",
        ],
    )
    async def test_counters_and_portraits_are_no_pictures(self, read: Read, written: str) -> None:
        article, _ = await one(read, item(written))
        assert article.images == ()

    async def test_a_credit_without_a_picture_is_told(self, read: Read) -> None:
        _, problems = await one(read, item("<media:credit>Budi</media:credit>"))
        assert told(problems) == [("images", "Budi")]

    async def test_a_size_that_is_none_costs_no_picture_and_is_told(self, read: Read) -> None:
        written = f'<media:content url="{SITE}/a.jpg" medium="image" width="80%" height="-5"/>'
        article, problems = await one(read, item(written))
        assert [(a.url, a.width, a.height) for a in article.images] == [(f"{SITE}/a.jpg", None, None)]
        assert told(problems) == [("images", "80%"), ("images", "-5")]


class TestLinks:
    @pytest.mark.parametrize("written", ["kanal.example/2", "www.kanal.example/2", "Kanal.example/2"])
    async def test_a_link_that_begins_with_its_host_is_no_file_in_a_folder(self, read: Read, written: str) -> None:
        entry = _linked(f"{written}")
        article, problems = await one(read, CHANNEL % entry)
        assert article.url == f"https://{written}"
        assert told(problems) == [("url", written)]

    async def test_a_relative_link_is_one_of_its_site(self, read: Read) -> None:
        entry = _linked("arsip.php/2")
        article, problems = await one(read, CHANNEL % entry)
        assert (article.url, problems) == (f"{SITE}/arsip.php/2", [])

    async def test_an_entry_of_which_nothing_says_which_it_is_is_told(self, read: Read) -> None:
        entry = _linked(f"{SITE}/")
        _, problems = await one(read, CHANNEL % entry)
        assert told(problems) == [("id", None)]


class TestRecordings:
    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ('<enclosure url="{}" length="123" type="audio/mpeg"/>', ("audio/mpeg", 123, None)),
            ('<enclosure url="{}" length="0" type="audio/mpeg"/>', ("audio/mpeg", None, None)),
            ('<enclosure url="{}"/>', (None, None, None)),
            ('<enclosure url="{}" type="application/pdf" length="9"/>', ("application/pdf", 9, None)),
            ('<atom:link rel="enclosure" href="{}" type="video/mp4" length="9"/>', ("video/mp4", 9, None)),
            ('<media:content url="{}" type="video/mp4" fileSize="9" duration="75"/>', ("video/mp4", 9, 75.0)),
            ('<media:content url="{}" medium="audio" duration="75"/>', (None, None, 75.0)),
            ('<enclosure url="{}" type="audio/mpeg"/><itunes:duration>1:02:03</itunes:duration>',
             ("audio/mpeg", None, 3723.0)),
            ('<enclosure url="{0}" type="audio/mpeg"/><media:content url="{0}" medium="audio" duration="75"/>',
             ("audio/mpeg", None, 75.0)),
        ],
    )  # fmt: skip
    async def test_a_recording_is_an_attachment(self, read: Read, written: str, kept: tuple[object, ...]) -> None:
        article, problems = await one(read, item(written.format(f"{SITE}/a.bin")))
        assert [(a.url, a.type, a.length, a.duration) for a in article.attachments] == [(f"{SITE}/a.bin", *kept)]
        assert (article.images, problems) == ((), [])

    @pytest.mark.parametrize(
        ("written", "text"),
        [
            ('<enclosure url="{}" length="12 MB" type="audio/mpeg"/>', "12 MB"),
            ('<enclosure url="{}" length="-1" type="audio/mpeg"/>', "-1"),
            ('<enclosure url="{}" type="audio/mpeg"/><itunes:duration>an hour</itunes:duration>', "an hour"),
            ('<enclosure url="{}" type="audio/mpeg"/><itunes:duration>1:75:00</itunes:duration>', "1:75:00"),
            ('<enclosure url="{}" type="audio/mpeg"/><itunes:duration>3,723</itunes:duration>', "3,723"),
        ],
    )
    async def test_a_length_or_duration_that_is_none_is_left_out_and_told(
        self, read: Read, written: str, text: str
    ) -> None:
        article, problems = await one(read, item(written.format(f"{SITE}/a.mp3")))
        assert [(a.length, a.duration) for a in article.attachments] == [(None, None)]
        assert told(problems) == [("attachments", text)]

    async def test_a_duration_that_hardly_can_be_one_is_told(self, read: Read) -> None:
        written = f'<enclosure url="{SITE}/a.mp3" type="audio/mpeg"/><itunes:duration>3723000</itunes:duration>'
        article, problems = await one(read, item(written))
        assert [a.duration for a in article.attachments] == [3_723_000.0]
        assert told(problems) == [("attachments", "3723000")]

    async def test_a_file_that_nobody_can_fetch_is_told(self, read: Read) -> None:
        article, problems = await one(read, item('<enclosure url="ftp://kanal.example/a.mp3" type="audio/mpeg"/>'))
        assert article.attachments == ()
        assert told(problems) == [("attachments", "ftp://kanal.example/a.mp3")]

    async def test_more_files_than_anyone_attaches_are_bounded_and_told(self, read: Read) -> None:
        many = "".join(f'<enclosure url="{SITE}/{n}.mp3" type="audio/mpeg"/>' for n in range(300))
        article, problems = await one(read, item(many))
        assert len(article.attachments) == 100
        assert [one.message for one in problems] == ["300 of them; the first 100 are taken"]

    @pytest.mark.parametrize(
        ("text", "lasts"),
        [
            ("3723", 3723.0), ("1:02:03", 3723.0), ("01:02:03", 3723.0), ("62:03", 3723.0), ("2:03", 123.0),
            ("00:00:07", 7.0), ("1:02:03.5", 3723.5), ("93.25", 93.25), ("PT1H2M3S", 3723.0), ("PT45M", 2700.0),
            ("1:75:30", None), ("1:2:3:4", None), ("", None), ("-5", None), ("2 min", None), ("1:60", None),
            ("nan", None), ("9" * 40, None), ("PT", None),
        ],
    )  # fmt: skip
    def test_a_duration_is_read_in_each_of_its_forms(self, text: str, lasts: float | None) -> None:
        assert seconds(text) == lasts


class TestTitlesAndTexts:
    @pytest.mark.parametrize(
        ("written", "title", "is_told"),
        [
            ("Panen &amp;amp; harga", "Panen & harga", False),
            ("Panen &amp; harga", "Panen & harga", False),
            ("<![CDATA[Panen & harga]]>", "Panen & harga", False),
            ("5 &lt; 6, 7 &gt; 6", "5 < 6, 7 > 6", False),
            ("a&lt;b dan c&gt;d", "a<b dan c>d", False),
            ("Sawah&#8217;s &#150; kering", "Sawah’s – kering", False),
            ("&lt;b&gt;Tebal&lt;/b&gt; sekali", "Tebal sekali", True),
            ("Kapan &lt;br&gt; dipakai", "Kapan dipakai", True),
            ("&amp;lt;b&amp;gt;Tebal&amp;lt;/b&amp;gt;", "Tebal", True),
            ("Q&amp;amp;amp;A", "Q&A", True),
            ("  Dua \n baris ", "Dua baris", False),
            ("&lt;![CDATA[Judul]]&gt;", "Judul", True),
        ],
    )
    async def test_a_title_is_what_was_meant(self, read: Read, written: str, title: str, is_told: bool) -> None:
        article, problems = await one(read, item(title=written))
        assert article.title == title
        assert [one.field for one in problems] == (["title"] if is_told else [])

    @pytest.mark.parametrize(
        ("written", "body"),
        [
            ("<description>Satu.\n\nDua &lt; tiga.</description>", "<p>Satu.</p>\n<p>Dua &lt; tiga.</p>"),
            ("<description>Satu &amp;amp; dua</description>", "<p>Satu &amp; dua</p>"),
            ("<description><p>Satu<b>dua</b></p></description>", "<p>Satu<b>dua</b></p>"),
            ("<description>x</description><content:encoded>&lt;p&gt;Isi penuh.</content:encoded>", "<p>Isi penuh.</p>"),
            ("<description>Teks.</description><content:encoded> </content:encoded>", "<p>Teks.</p>"),
            ("<itunes:summary>Ringkas.</itunes:summary>", "<p>Ringkas.</p>"),
            ('<atom:content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Isi</p></div></atom:content>',
             "<p>Isi</p>"),
            ("<description>&lt;iframe src='https://v.example/1' title='Video'&gt;&lt;/iframe&gt;</description>",
             '<p><a href="https://v.example/1" rel="noopener noreferrer">Video</a></p>'),
        ],
    )  # fmt: skip
    async def test_a_text_is_what_was_meant(self, read: Read, written: str, body: str) -> None:
        article, problems = await one(read, item(text=written))
        assert (article.body, problems) == (body, [])

    async def test_a_text_that_is_all_script_is_told_and_its_title_taken(self, read: Read) -> None:
        article, problems = await one(read, item(text="<description>&lt;script&gt;x()&lt;/script&gt;</description>"))
        assert "Judul" in article.body
        assert "body" in [one.field for one in problems]

    async def test_atom_text_is_no_markup_unless_it_obviously_is(self, read: Read) -> None:
        atom = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="id"><title>K</title><entry><id>1</id>
          <title>a &amp;lt; b</title><published>2024-02-09T00:00:00Z</published>
          <content>Tag &lt;x&gt; dan 5 &lt; 6.</content></entry></feed>"""
        article, _ = await one(read, atom)
        assert article.body == "<p>Tag &lt;x&gt; dan 5 &lt; 6.</p>"

    async def test_what_is_no_text_is_told_and_left_out(self, read: Read) -> None:
        atom = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="id"><title>K</title><entry><id>1</id>
          <title>T</title><published>2024-02-09T00:00:00Z</published><content type="image/png">iVBORw0</content>
          <summary>Foto.</summary></entry></feed>"""
        article, problems = await one(read, atom)
        assert article.body == "<p>Foto.</p>"
        assert [one.field for one in problems] == ["body"]

    async def test_a_summary_that_is_the_text_is_none(self, read: Read) -> None:
        same = "<description>Isi.</description><content:encoded>&lt;p&gt;Isi.&lt;/p&gt;</content:encoded>"
        assert (await one(read, item(text=same)))[0].summary is None

    async def test_addresses_that_are_escaped_twice_are_what_was_meant(self, read: Read) -> None:
        twice = f"{SITE}/1?a=1&amp;amp;b=2"
        feed = item(f'<enclosure url="{twice}" type="audio/mpeg"/>').replace(f"<link>{SITE}/1", f"<link>{twice}")
        article, _ = await one(read, feed)
        assert (article.url, article.attachments[0].url) == (f"{SITE}/1?a=1&b=2", f"{SITE}/1?a=1&b=2")


class TestPeople:
    @pytest.mark.parametrize(
        ("written", "authors"),
        [
            ("<author>budi@kanal.example (Budi Contoh)</author>", ("Budi Contoh",)),
            ("<author>Budi Contoh &lt;budi@kanal.example&gt;</author>", ("Budi Contoh",)),
            ("<author>Budi Contoh</author>", ("Budi Contoh",)),
            ("<author><name>Budi Contoh</name></author>", ("Budi Contoh",)),
            ("<atom:author><atom:name>Budi Contoh</atom:name></atom:author>", ("Budi Contoh",)),
            ("<dc:creator>Budi</dc:creator><dc:creator>Ani</dc:creator>", ("Budi", "Ani")),
            ("<dc:creator>Budi Contoh, Ani Lestari dan Cici</dc:creator>", ("Budi Contoh", "Ani Lestari", "Cici")),
            ("<dc:creator>Budi Contoh, S.E., M.M.</dc:creator>", ("Budi Contoh, S.E., M.M.",)),
            ("<itunes:author>Budi Contoh</itunes:author>", ("Budi Contoh",)),
            ("<dc:creator>Budi</dc:creator><itunes:author>Kanal</itunes:author>", ("Budi",)),
            ("<dc:creator> </dc:creator>", ()),
        ],
    )
    async def test_names_are_those_of_people(self, read: Read, written: str, authors: tuple[str, ...]) -> None:
        article, problems = await one(read, item(written))
        assert (article.authors, problems) == (authors, [])

    @pytest.mark.parametrize("written", ["redaksi@kanal.example", "admin", "&lt;a href='/'&gt;Budi&lt;/a&gt;"])
    async def test_what_is_no_name_is_told(self, read: Read, written: str) -> None:
        _, problems = await one(read, item(f"<author>{written}</author>"))
        assert {one.field for one in problems} == {"authors"}

    async def test_an_agency_is_no_author_and_an_editor_neither(self, read: Read) -> None:
        article, _ = await one(read, item("<dc:creator>ANTARA / Editor: Sari Dewi</dc:creator>"))
        assert (article.authors, article.editor, article.agency) == ((), "Sari Dewi", "ANTARA")

    async def test_the_author_of_an_atom_feed_is_that_of_entries_that_name_none(self, read: Read) -> None:
        atom = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="id"><author><name>Ani Lestari</name>
          </author><entry><id>1</id><title>A</title><published>2024-02-09T00:00:00Z</published><summary>x</summary>
          </entry><entry><id>2</id><title>B</title><published>2024-02-09T00:00:00Z</published><summary>x</summary>
          <author><name>Budi Contoh</name></author></entry></feed>"""
        assert [one.article.authors for one in (await read(atom)).articles] == [("Ani Lestari",), ("Budi Contoh",)]

    async def test_who_edits_an_rss_channel_wrote_none_of_it(self, read: Read) -> None:
        feed = item().replace("<language>", "<managingEditor>a@b.example (Ani)</managingEditor><language>")
        assert (await one(read, feed))[0].authors == ()


class TestDates:
    async def test_updated_alone_is_told_and_is_not_when_it_was_published(self, read: Read) -> None:
        feed = item("<atom:updated>2024-02-09T00:00:00Z</atom:updated>").replace(f"<pubDate>{DAY}</pubDate>", "")
        article, problems = await one(read, feed)
        assert (article.published, article.updated is not None) == (None, True)
        assert [(one.field, one.severity) for one in problems] == [("published", "warning")]

    @pytest.mark.parametrize(
        "written",
        [
            "<dc:date>2024-02-08T23:31:00Z</dc:date>",
            "<dcterms:issued>2024-02-09T06:31:00+07:00</dcterms:issued>",
            "<atom:published>2024-02-09T06:31:00+07:00</atom:published>",
            "<pubDate>Fri, 9 Feb 24 06:31 +0700 (WIB)</pubDate>",
            "<pubDate>rusak</pubDate><dc:date>2024-02-08T23:31:00Z</dc:date>",
        ],
    )
    async def test_when_it_was_published_is_read_wherever_it_stands(self, read: Read, written: str) -> None:
        article, _ = await one(read, item(written).replace(f"<pubDate>{DAY}</pubDate>", ""))
        assert article.published is not None
        assert article.published.isoformat() == "2024-02-08T23:31:00+00:00"

    async def test_two_dates_that_differ_are_told(self, read: Read) -> None:
        _, problems = await one(read, item("<dc:date>2024-02-09T06:31:00Z</dc:date>"))
        assert told(problems) == [("published", DAY)]

    async def test_a_time_without_a_zone_is_told_unless_the_source_says_its_own(self, read: Read) -> None:
        feed = item().replace(" +0700", "")
        _, problems = await one(read, feed)
        assert [(one.field, one.severity) for one in problems] == [("published", "warning")]
        article, problems = await one(read, feed, timezone="Asia/Makassar")
        assert problems == []
        assert article.published is not None
        assert article.published.isoformat() == "2024-02-08T22:31:00+00:00"


class TestFaults:
    @pytest.mark.parametrize(
        ("document", "content_type"),
        [
            (item(title="Réunion").encode("latin-1"), "text/xml; charset=utf-8"),
            (item(title="Réunion").encode(), "text/xml; charset=iso-8859-1"),
            (b'<?xml version="1.0" encoding="utf-8"?>' + item(title="Réunion").encode("cp1252"), ""),
            (b'<?xml version="1.0" encoding="koi8-r"?>' + item(title="Réunion").encode(), ""),
        ],
    )
    async def test_a_wrong_character_set_is_told_and_the_right_one_found(
        self, read: Read, document: bytes, content_type: str
    ) -> None:
        article, problems = await one(read, document, content_type=content_type)
        assert article.title == "Réunion"
        assert [one.severity for one in problems] == ["warning"]

    @pytest.mark.parametrize("before", ["\ufeff", " \n", "\ufeff\n\n", "<!-- x -->"])
    async def test_what_stands_before_a_feed_does_no_harm(self, read: Read, before: str) -> None:
        article, problems = await one(read, f'{before}<?xml version="1.0"?>{item()}')
        assert (article.title, problems) == ("Judul", [])

    @pytest.mark.parametrize(
        ("written", "title"),
        [
            ("Kopi&nbsp;susu &eacute;", "Kopi susu é"),
            ("Kopi & susu", "Kopi & susu"),
            ("Kopi &susu; ya", "Kopi &susu; ya"),
            ("Kopi <3 susu", "Kopi <3 susu"),
            ("Kopi\x08 susu", "Kopi susu"),
            ("Kopi&#8; susu", "Kopi susu"),
            ("Kopi &#xD83D;&#xDE00; &#55357;&#56832; susu", "Kopi 😀 😀 susu"),
        ],
    )
    async def test_what_xml_forbids_and_people_write_is_read(self, read: Read, written: str, title: str) -> None:
        article, problems = await one(read, item(title=written))
        assert (article.title, problems) == (title, [])

    @pytest.mark.parametrize(
        "namespace", ["http://www.w3.org/2005/Atom", "http://backend.userland.com/rss2", "urn:koran"]
    )
    async def test_rss_in_a_namespace_of_another_is_rss(self, read: Read, namespace: str) -> None:
        article, problems = await one(read, item().replace("<rss ", f'<rss xmlns="{namespace}" '))
        assert (article.title, article.url, article.body, problems) == ("Judul", f"{SITE}/1", "<p>Isi.</p>", [])

    async def test_an_entry_whose_end_is_missing_takes_nothing_of_the_next(self, read: Read) -> None:
        first = f"<item><title>Satu<br></title><guid>1</guid><pubDate>{DAY}</pubDate><description>A.<p></description>"
        second = f"<item><title>Dua</title><guid>2</guid><pubDate>{DAY}</pubDate><description>B.</description></item>"
        batch = await read(CHANNEL % (first + second))
        assert [(one.article.title, one.article.body) for one in batch.articles] == [
            ("Satu", "<p>A.</p>"),
            ("Dua", "<p>B.</p>"),
        ]
        assert "is not well-formed" in batch.problems[0].message

    async def test_an_entry_in_which_the_feed_ends_is_left_out_and_told(self, read: Read) -> None:
        whole, half = (f"<item><title>{n}</title><guid>{n}</guid><description>Kalimat ini utuh" for n in "12")
        batch = await read((CHANNEL % f"{whole}</description></item>{half}").partition("</channel>")[0])
        assert [one.article.title for one in batch.articles] == ["1"]
        assert any(one.severity == "error" and one.origin.endswith(" 2") for one in batch.problems)

    async def test_very_many_topics_are_that_entrys_problem(self, read: Read) -> None:
        article, problems = await one(read, item("".join(f"<category>t{n}</category>" for n in range(60_000))))
        assert len(article.topics) == 1_000
        assert [one.field for one in problems] == ["topics"]

    @pytest.mark.parametrize(
        "broken",
        [
            {"title": 2024}, {"title": ["x"]}, {"title": {"a": 1}}, {"content_text": 7}, {"content_html": [1]},
            {"authors": "Ani"}, {"authors": [5, {"name": 9}]}, {"tags": {"a": 1}}, {"tags": [5]}, {"image": {"u": 1}},
            {"attachments": 5}, {"attachments": [5, {"url": 5}]}, {"date_published": {"x": 1}}, {"language": ["id"]},
            {"url": 5}, {"summary": []}, {"date_published": 1707435060}, {"title": True}, {"title": "A\ud800"},
        ],
    )  # fmt: skip
    async def test_a_json_item_of_the_wrong_shape_costs_only_itself(self, read: Read, broken: dict[str, Any]) -> None:
        def entry(id: str, **more: Any) -> dict[str, Any]:
            known = {"id": id, "url": f"{SITE}/{id}", "title": "T", "content_text": "Isi", "language": "id"}
            return known | {"date_published": "2024-02-09T00:00:00Z"} | more

        feed = {"version": "https://jsonfeed.org/version/1.1", "items": [entry("1"), entry("2", **broken), entry("3")]}
        batch = await read(json.dumps(feed))  # orjson writes no lone surrogate
        assert {one.identity for one in batch.articles} >= {f"{SITE}/1", f"{SITE}/3"}
        assert {one.origin for one in batch.problems} - {f"{SITE}/rss"} == {f"{SITE}/rss 2"}

    @pytest.mark.parametrize("guid", ["http://[::1", "https://kanal.example:99999/x", "http://", "https://a b/c"])
    async def test_a_guid_that_is_half_an_address_is_a_guid(self, read: Read, guid: str) -> None:
        batch = await read(item().replace(">g</guid>", f">{guid}</guid>"))
        assert [one.key for one in batch.articles] == [guid]

    async def test_a_json_feed_that_is_none_is_refused(self, read: Read) -> None:
        with pytest.raises(FetchError, match="no JSON Feed"):
            await read(orjson.dumps({"version": "https://jsonfeed.org/version/2", "items": []}))
