"""The text of pages without a profile: of what JSON-LD states and the page shows, the better, without its junk."""

from __future__ import annotations

import sys
from html import escape

import pytest
from selectolax.lexbor import LexborHTMLParser
from support.unprofiled import URL, json_ld, page, paragraphs, read, told

from publisher.sources.html.body import fragment_blocks
from publisher.sources.html.unprofiled.texts import Text, choose, stated

HEADLINE = "Panen padi naik tahun ini"


def node(body: str) -> str:
    return json_ld({"@type": "NewsArticle", "headline": HEADLINE, "url": URL, "articleBody": body})


def texts(html: str) -> list[str]:
    fields = read(html).fields
    assert fields is not None
    return [block.text().strip() for block in LexborHTMLParser(fields["body"]).css("p, h2, h3, li, pre")]


def shown(inner: str, *head: str) -> str:
    return page(*head, body=f"<nav><a href=/>Beranda</a></nav><article><h1>{HEADLINE}</h1>{inner}</article>")


PLAIN = [one.text() for one in LexborHTMLParser(paragraphs()).css("p")]


def test_a_teaser_in_json_ld_is_no_text() -> None:
    reading = read(shown(paragraphs(), node("Hasil panen naik. Baca selengkapnya…")))
    assert reading.fields is not None
    assert reading.fields["body"].count("<p>") == 6
    assert reading.origins["body"] == "extracted"
    assert told(reading, "body") == ["JSON-LD holds 6 % of the text that the page shows, which is taken instead"]


@pytest.mark.parametrize("separator", ["\n\n", " "])
def test_a_number_that_the_page_shows_otherwise_than_json_ld_is_told(separator: str) -> None:
    long = paragraphs(20)
    plain = [one.text() for one in LexborHTMLParser(long).css("p")]
    reading = read(shown(long, node(separator.join(plain).replace("1.530", "1.580"))))
    assert told(reading, "body") == ["JSON-LD says 1.580 where the page shows 1.530"]


@pytest.mark.parametrize("cut", ["desa ke-6, dengan ang", "Alinea nomor 6"])
def test_a_page_that_breaks_off_is_told(cut: str) -> None:
    whole = shown(paragraphs())
    at = whole.index(cut) + len(cut)
    assert told(read(whole), "body") == []
    assert told(read(whole[:at]), "body") == ["breaks off: is something cut off?"]


def test_a_text_that_ends_in_an_ellipsis_is_told() -> None:
    assert told(read(shown(paragraphs() + "<p>Harga gabah turun lagi pada pekan ini, dan peda [...]</p>")), "body")


def test_a_text_in_json_ld_that_is_whole_is_taken() -> None:
    reading = read(shown(paragraphs(), node("\n\n".join(PLAIN))))
    assert reading.origins["body"] == "jsonld"
    assert told(reading, "body") == []


def test_a_text_in_one_block_has_the_paragraphs_that_the_page_shows_and_not_its_junk() -> None:
    many = paragraphs(20)
    whole = " ".join(one.text() for one in LexborHTMLParser(many).css("p"))
    assert len(whole) > 1500
    inner = many.replace("</p>", "</p><p>Penawaran khusus pelanggan setia bulan November murah meriah.</p>", 1)
    found = texts(shown(inner, node(whole)))
    assert len(found) == 20
    assert not any("Penawaran" in one for one in found)


@pytest.mark.parametrize(
    "body",
    [
        "<p>Satu <b>dua</b>.</p><p>Tiga.</p>",
        "&lt;p&gt;Satu &lt;b&gt;dua&lt;/b&gt;.&lt;/p&gt;&lt;p&gt;Tiga.&lt;/p&gt;",
        escape(escape("<p>Satu <b>dua</b>.</p><p>Tiga.</p>")),
        "Satu <b>dua</b>.\n\nTiga.",
        "Satu <b>dua</b>.<br><br>Tiga.",
    ],
)
def test_markup_in_json_ld_is_markup(body: str) -> None:
    found = stated(body)
    assert found is not None
    assert [block.text for block in found.blocks] == ["Satu dua.", "Tiga."]
    assert "<b>dua</b>" in found.blocks[0].html


@pytest.mark.parametrize("body", ["Suhu < 10 derajat dan > 5.", "AT&amp;T naik 5 &lt; 10 persen.", "x<y dan y>z"])
def test_signs_that_are_no_markup_stay_text(body: str) -> None:
    found = stated(body)
    assert found is not None
    assert len(found.blocks) == 1
    assert "<" in found.blocks[0].text


@pytest.mark.parametrize(
    "junk",
    [
        "<p>Baca juga: <a href=/lain>Harga beras turun</a></p>",
        "<p><strong>Baca Juga:</strong> <a href=/lain>Harga beras turun</a></p>",
        "<p>Read also: <a href=/lain>Rice is cheaper</a></p>",
        "<p>Lire aussi : <a href=/lain>Le riz est moins cher</a></p>",
        "<p>Lesen Sie auch: <a href=/lain>Reis wird billiger</a></p>",
        "<p>Lea también: <a href=/lain>Baja el arroz</a></p>",
        "<p>Leggi anche: <a href=/lain>Scende il riso</a></p>",
        "<p>Leia também: <a href=/lain>Arroz fica barato</a></p>",
        "<p>Lees ook: <a href=/lain>Rijst goedkoper</a></p>",
        "<p>Читайте также: <a href=/lain>Рис подешевел</a></p>",
        "<p>関連記事：<a href=/lain>米の価格が下落</a></p>",
        "<p>相关阅读：<a href=/lain>大米价格下跌</a></p>",
        "<p>اقرأ أيضا: <a href=/lain>انخفاض أسعار الأرز</a></p>",
        "<p>ADVERTISEMENT</p>",
        "<p>Advertisement</p>",
        "<p>SCROLL TO CONTINUE WITH CONTENT</p>",
        "<p>Sign up for our newsletter and never miss a story</p>",
        "<p>© 2026 Kanal. All rights reserved.</p>",
        "<ul><li><a href=/a>Berita satu yang lain</a></li><li><a href=/b>Berita dua yang lain</a></li></ul>",
        "<div class=share-buttons><p>Bagikan tulisan ini ke teman</p></div>",
        "<div class='related-posts'><p>Harga beras turun lagi di pasar induk kemarin</p></div>",
        "<aside><p>Kotak samping yang bukan bagian tulisan ini.</p></aside>",
        "<section id=comments><p>Komentar pembaca yang panjang sekali tentang panen itu.</p></section>",
        "<div class=newsletter-signup><p>Dapatkan ringkasan setiap pagi di kotak surat.</p></div>",
        "<div role=complementary><p>Kotak samping yang bukan bagian tulisan ini.</p></div>",
        "<p hidden>Tersembunyi dari semua pembaca di sini.</p>",
        "<div style='display: none'><p>Tersembunyi dari semua pembaca di sini.</p></div>",
    ],
)
def test_what_is_no_part_of_an_article_is_left_out(junk: str) -> None:
    first, *rest = paragraphs().split("</p>")
    assert texts(shown(f"{first}</p>{junk}{'</p>'.join(rest)}{junk}")) == PLAIN


@pytest.mark.parametrize(
    "kept",
    [
        "Baca juga menjadi kebiasaan warga desa itu setiap pagi, kata kepala desa.",
        "Advertisement rates rose three percent, the village head said on Friday.",
        "Newsletter itu dibaca warga, kata kepala desa kemarin sore.",
        "Tag harga di pasar itu diganti pagi ini oleh para pedagang.",
        "Sumber: dua pejabat desa menyebut angka yang lain.",
        "Publicidad y propaganda no son lo mismo, dijo el alcalde.",
        "Share prices fell on Friday, a broker said.",
        "Reklamasi pantai dimulai lagi.",
        "Ya.",
    ],
)
def test_a_sentence_that_only_begins_like_junk_stays(kept: str) -> None:
    assert kept in texts(shown(f"{paragraphs(3)}<p>{kept}</p>{paragraphs(3)}"))


def test_headline_byline_and_date_above_the_text_are_no_part_of_it() -> None:
    above = f"<h2>{HEADLINE}</h2><p>Oleh Budi Contoh</p><p>Jumat, 9 Februari 2024 06:31 WIB</p>"
    assert texts(shown(above + paragraphs())) == PLAIN


def test_headings_lists_and_quotes_of_the_text_stay() -> None:
    inner = f"{paragraphs(2)}<h2>Harga</h2><ul><li>Beras naik lima persen</li></ul>{paragraphs(2)}"
    assert texts(shown(inner))[2:4] == ["Harga", "Beras naik lima persen"]


@pytest.mark.parametrize(
    "layout",
    [
        "<div itemprop=articleBody>{}</div>",
        "<div class=entry-content>{}</div>",
        "<div class='c1 x9'>{}</div>",
        "<main><div><div>{}</div></div></main>",
        "<form action=/ method=post><div>{}</div></form>",
        "<table><tr><td><a href=/>menu</a></td><td>{}</td></tr></table>",
        "<div class=has-sidebar><div>{}</div><div class=sidebar><p>Paling banyak dibaca minggu ini.</p></div></div>",
    ],
)
def test_the_text_is_found_however_the_page_is_built(monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    teasers = "".join(f"<div class=card><h3><a href=/{n}>Judul berita lain nomor {n}</a></h3></div>" for n in range(9))
    footer = "<footer><p>Alamat redaksi: Jalan Contoh 1, Jakarta, telepon 021 123456.</p></footer>"
    assert texts(page(body=f"<h1>{HEADLINE}</h1>{layout.replace('{}', paragraphs())}{teasers}{footer}")) == PLAIN


def test_paragraphs_that_are_only_broken_lines_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    assert texts(page(body=f"<h1>{HEADLINE}</h1><div>{'<br><br>'.join(PLAIN)}</div>")) == PLAIN


def test_an_article_cut_into_parts_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    halves = f"<div class=part>{paragraphs(3)}</div><div class=ad></div><div class=part>{paragraphs(3, 'harga')}</div>"
    assert len(texts(page(body=f"<h1>{HEADLINE}</h1><div class=wrap>{halves}</div>"))) == 6


def test_comments_that_are_longer_than_the_article_are_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    comments = f"<div class=comment-list>{paragraphs(20, 'keluhan')}</div>"
    assert texts(page(body=f"<h1>{HEADLINE}</h1><div class=text>{paragraphs()}</div>{comments}")) == PLAIN


def text(html: str) -> Text:
    return Text(tuple(fragment_blocks(html)), "extracted")


def test_two_readings_with_little_in_common_are_told() -> None:
    choice = choose(None, text(paragraphs()), lambda: text("<p>Kalimat lain tentang hal yang berbeda.</p>" * 9), None)
    assert choice.text is not None
    assert (choice.text.blocks[0].text, choice.doubt is not None) == (PLAIN[0], True)


def test_a_box_of_the_page_gives_way_to_the_article_that_another_reading_found() -> None:
    choice = choose(None, text("<p>Daftar untuk memberi suara.</p>"), lambda: text(paragraphs()), "panen di desa")
    assert choice.text is not None
    assert choice.text.blocks[0].text == PLAIN[0]


def test_the_second_reading_is_not_asked_where_json_ld_and_the_page_agree() -> None:
    def second() -> Text:
        raise AssertionError("it takes long")

    assert choose(text(paragraphs()), text(paragraphs()), second, None).doubt is None


def test_reading_takes_time_by_the_length_of_the_page() -> None:
    deep = "<div class=share>" * 150 + "x" + "</div>" * 150
    many = f"<article><h1>{HEADLINE}</h1>{paragraphs(3000)}</article>{deep}"
    assert len(texts(page(body=many))) == 3000


def test_an_editor_whom_only_a_line_of_the_text_names_is_told_as_a_guess() -> None:
    signed = shown("<p>Editor: <strong>Satrio Nugraha</strong></p>" + paragraphs())
    reading = read(signed)
    assert reading.fields is not None
    assert (reading.fields["editor"], reading.origins["editor"]) == ("Satrio Nugraha", "guessed")
    assert told(reading, "editor") == ["is a guess, of a line that looks like a byline"]


def test_a_guessed_editor_stands_behind_the_one_that_is_stated_and_never_under_its_name() -> None:
    signed = "<div class=byline>Editor: Satrio Nugraha</div>" + paragraphs()
    people = {"@type": "NewsArticle", "headline": HEADLINE, "url": URL, "author": {"name": "Nadia Putri"}}
    reading = read(shown(signed, json_ld(people)))
    assert reading.origins["authors"] == "jsonld"
    assert reading.origins.get("editor") in (None, "guessed")
    both = read(shown(signed, json_ld(people | {"editor": {"@type": "Person", "name": "Dimas Hartawan"}})))
    assert both.fields is not None
    assert (both.fields["editor"], both.origins["editor"], told(both, "editor")) == ("Dimas Hartawan", "jsonld", [])
