"""Headline, times, people, language and address of pages without a profile."""

from __future__ import annotations

from typing import Any

import pytest
from support.unprofiled import URL, json_ld, meta, page, paragraphs, read, told

from publisher.sources.html.unprofiled.titles import shared_ending
from publisher.sources.reading.draft import Reading

NODE = {"@type": "NewsArticle", "headline": "Panen padi naik", "url": URL}


def reading_of(*head: str, h1: str = "Panen padi naik", lang: str = "id", url: str = URL, above: str = "") -> Reading:
    body = f"<article><h1>{h1}</h1>{above}{paragraphs()}</article>"
    return read(page(*head, lang=lang, body=body if h1 else body.replace("<h1></h1>", "")), url=url)


def fields_of(*head: str, **given: str) -> dict[str, Any]:
    fields = reading_of(*head, **given).fields
    assert fields is not None
    return fields


# --- headlines


@pytest.mark.parametrize(
    ("title", "h1", "site", "right"),
    [
        ("Panen padi naik | Kanal Kita", "", "Kanal Kita", "Panen padi naik"),
        ("Panen padi naik - Kanal Kita", "", "Kanal Kita", "Panen padi naik"),
        ("Panen padi naik – Kanal Kita", "", "Kanal Kita", "Panen padi naik"),
        ("Kanal Kita: Panen padi naik", "", "Kanal Kita", "Panen padi naik"),
        ("Kanal Kita | Panen padi naik", "", "Kanal Kita", "Panen padi naik"),
        ("Panen padi naik | Ekonomi | Kanal Kita", "Panen padi naik", "Kanal Kita", "Panen padi naik"),
        ("Panen padi naik - Kanal.example", "", "", "Panen padi naik"),
        ("Panen padi naik - kanal", "", "", "Panen padi naik"),
        ("水稻丰收价格上涨_某某网", "", "某某网", "水稻丰收价格上涨"),
        ("米の収穫が増加｜カナル新聞", "", "カナル新聞", "米の収穫が増加"),
        ("Panen padi naik - kata Menteri", "", "Kanal Kita", "Panen padi naik - kata Menteri"),
        ("Menteri: Panen padi naik", "", "Kanal Kita", "Menteri: Panen padi naik"),
        ("Panen 2-3 kali - 5 ton", "", "Kanal Kita", "Panen 2-3 kali - 5 ton"),
        ("Di balik layar Kanal Kita", "", "Kanal Kita", "Di balik layar Kanal Kita"),
        ("Kanal Kita - Sejarah", "Kanal Kita - Sejarah", "Kanal Kita", "Kanal Kita - Sejarah"),
        ("Panen - Kanal Kita", "", "Kanal Kita", "Panen - Kanal Kita"),
        ("Panen padi naik tiga…", "Panen padi naik tiga persen di desa", "", "Panen padi naik tiga persen di desa"),
        ("Panen padi naik tiga...", "Panen padi naik tiga persen di desa", "", "Panen padi naik tiga persen di desa"),
        ("Panen &amp;amp; harga &amp;quot;naik&amp;quot;", "", "", 'Panen & harga "naik"'),
    ],
)
def test_a_headline_is_freed_of_the_sites_name_alone(title: str, h1: str, site: str, right: str) -> None:
    given = meta(og__title=title, **({"og__site_name": site} if site else {}))
    assert fields_of(given, h1=h1)["title"] == right


def test_the_headline_that_people_see_wins_over_one_for_search_engines() -> None:
    node = json_ld({**NODE, "headline": "Panen padi naik, ini penyebabnya menurut pakar"})
    assert fields_of(node, meta(og__title="Panen padi naik"))["title"] == "Panen padi naik"


def test_a_heading_that_is_the_sites_name_is_no_headline() -> None:
    given = (
        meta(og__title="Panen padi naik", og__site_name="Kanal Kita"),
        "<title>Panen padi naik - Kanal Kita</title>",
    )
    assert fields_of(*given, h1="Kanal Kita")["title"] == "Panen padi naik"


def test_a_number_that_stands_otherwise_in_another_headline_is_told() -> None:
    given = meta(og__title="Panen padi naik 3 persen | Kanal")
    reading = reading_of(given, h1="Panen padi naik 5 persen")
    assert told(reading, "title") == ["the page says 3 and 5 in its headlines; 3 is taken"]
    assert told(reading_of(given, h1="Panen padi naik 3 persen"), "title") == []


@pytest.mark.parametrize("title", ["Panen padi naik tajam | Kanal Kita", "Kanal Kita - Panen padi naik tajam"])
def test_a_masthead_in_large_letters_is_no_headline(title: str) -> None:
    assert fields_of(f"<title>{title}</title>", h1="Kanal Kita")["title"] == "Panen padi naik tajam"


def test_the_publisher_in_json_ld_names_the_site_too() -> None:
    node = json_ld({**NODE, "headline": "", "publisher": {"@type": "Organization", "name": "Warta Pagi"}})
    assert fields_of(node, "<title>Panen padi naik | Warta Pagi</title>", h1="")["title"] == "Panen padi naik"


@pytest.mark.parametrize(
    ("titles", "ending"),
    [
        (["Harvest is up - The Letter", "Prices fall - The Letter", "Rain in May - The Letter"], " - The Letter"),
        (["Harvest is up - The Letter", "Prices fall - The Letter"], None),
        (["Harvest is up - The Letter", "Prices fall - The Letter", "Rain in May"], None),
        (["Opinion: one", "Opinion: two", "Opinion: three"], None),
        (["Same - The Letter"] * 3, None),
    ],
)
def test_three_headlines_that_end_alike_name_their_site(titles: list[str], ending: str | None) -> None:
    assert shared_ending(titles) == ending


# --- times


def test_json_ld_and_opengraph_that_contradict_each_other_are_told() -> None:
    node = json_ld({**NODE, "datePublished": "2024-02-09T06:31:00-06:00"})
    reading = reading_of(node, meta(article__published_time="2024-02-09T06:31:00+00:00"))
    assert reading.fields is not None
    assert reading.fields["published"].isoformat() == "2024-02-09T12:31:00+00:00"
    (said,) = told(reading, "published")
    assert "JSON-LD says 2024-02-09T06:31:00-06:00 and OpenGraph says 2024-02-09T06:31:00+00:00" in said


@pytest.mark.parametrize("field", ["published", "updated"])
def test_of_two_that_contradict_each_other_the_one_with_a_zone_is_taken(field: str) -> None:
    name, other = {"published": ("datePublished", "published"), "updated": ("dateModified", "modified")}[field]
    node = json_ld({**NODE, name: "2024-02-09T06:31:00"})
    reading = reading_of(node, meta(**{f"article__{other}_time": "2024-02-09T06:31:00+00:00"}))
    assert reading.fields is not None
    assert reading.fields[field].isoformat() == "2024-02-09T06:31:00+00:00"
    assert reading.origins[field] == "opengraph"
    (said,) = told(reading, field)
    assert "which names its zone is taken" in said


@pytest.mark.parametrize(
    ("head", "above"),
    [
        ('<meta name="pubdate" content="2024-02-09T13:31:00+07:00">', ""),
        ("", '<time itemprop="datePublished" datetime="2024-02-09T13:31:00+07:00">9 Feb</time>'),
        ("", '<time class="published" datetime="2024-02-09T13:40:00+07:00">9 Feb</time>'),
        ("", '<time datetime="2024-02-09T06:31:00+00:00">9 Feb</time>'),
        ("", '<div class="date">Sabtu, 10 Februari 2024 06:31 WIB</div>'),
        (json_ld({**NODE, "datePublished": "2024-02-09T13:31:00+07:00"}), ""),
    ],
)
def test_whatever_on_the_page_says_another_time_of_publication_is_told(head: str, above: str) -> None:
    reading = reading_of(json_ld({**NODE, "datePublished": "2024-02-09T06:31:00+07:00"}), head, above=above)
    assert reading.fields is not None
    assert reading.fields["published"].isoformat() == "2024-02-08T23:31:00+00:00"
    assert len(told(reading, "published")) == 1


def test_a_midnight_where_the_page_shows_an_hour_is_told() -> None:
    node = json_ld({**NODE, "datePublished": "2024-02-09T00:00:00+00:00"})
    assert len(told(reading_of(node, above="<div class=date>9 Februari 2024 06:31 WIB</div>"), "published")) == 1
    assert told(reading_of(node, above="<div class=date>9 Februari 2024 07:00 WIB</div>"), "published") == []


@pytest.mark.parametrize(
    "above",
    [
        '<p>Diperbarui <time datetime="2024-02-10T06:31:00+07:00">10 Feb</time></p>',
        '<p><span>Last updated:</span> <span><time datetime="2024-02-10T06:31:00+07:00">10 Feb</time></span></p>',
        '<time class="updated" datetime="2024-02-10T06:31:00+07:00">10 Feb</time>',
        '<meta itemprop="datePublished" content="2024-02-09T06:31:00"><time datetime="2024-02-10T08:02+07:00">x</time>',
    ],
)
def test_the_time_of_an_edit_does_not_contradict_that_of_publication(above: str) -> None:
    node = {**NODE, "datePublished": "2024-02-09T06:31:00+07:00", "dateModified": "2024-02-10T06:31:00+07:00"}
    assert told(reading_of(json_ld(node), above=above), "published") == []


@pytest.mark.parametrize("word", ["Diperbarui", "Last updated:", "Aktualisiert am", "更新日", "Mis à jour le"])
def test_a_time_behind_the_word_for_an_edit_is_that_of_an_edit(word: str) -> None:
    above = f'<p>{word} <time datetime="2024-02-10T06:31:00+07:00">x</time></p>'
    both = f'<p>Terbit <time datetime="2024-02-09T06:31:00+07:00">x</time> {word} {above}</p>'
    assert fields_of(above=above)["updated"].isoformat() == "2024-02-09T23:31:00+00:00"
    assert reading_of(above=above).origins.get("published") != "page"
    assert fields_of(above=both)["published"].isoformat() == "2024-02-08T23:31:00+00:00"


def test_a_time_that_the_text_tells_of_is_not_the_articles() -> None:
    below = '<p>Pemilu digelar pada <time datetime="2019-04-17T00:00+07:00">17 April 2019</time> lalu.</p>'
    reading = reading_of(above=below)
    assert reading.fields is not None
    assert reading.origins.get("published") != "page"


@pytest.mark.parametrize("given", [{"@type": "DateTime", "@value": "2024-02-09T06:31:00+07:00"}, 1707435060])
def test_a_date_of_json_ld_may_be_a_value_object_or_seconds(given: Any) -> None:
    reading = reading_of(json_ld({**NODE, "datePublished": given}))
    assert reading.fields is not None
    assert (reading.fields["published"].isoformat(), told(reading, "published")) == ("2024-02-08T23:31:00+00:00", [])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2024-02-09T06:31:00+07:00", "2024-02-08T23:31:40Z"),
        ("2024-02-09T06:31:00+07:00", "2024-02-09"),
        ("2024-02-09T06:31:00+07:00", "2024-02-09T06:31:00+0700"),
    ],
)
def test_times_that_mean_the_same_are_no_contradiction(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        node = json_ld({**NODE, "datePublished": first})
        reading = reading_of(node, meta(article__published_time=second))
        assert reading.fields is not None
        assert told(reading, "published") == []
        assert reading.fields["published"].replace(second=0).isoformat() == "2024-02-08T23:31:00+00:00"


def test_no_time_of_day_is_only_said_of_the_value_that_was_taken() -> None:
    node = json_ld({**NODE, "datePublished": "2024-02-09T06:31:00+07:00"})
    reading = reading_of(
        node, '<meta name="date" content="2024-02-09">', above="<time datetime=2024-02-09>9 Feb</time>"
    )
    assert told(reading, "published") == []


@pytest.mark.parametrize(
    "head",
    [
        '<meta name="parsely-pub-date" content="2024-02-09T06:31:00+07:00">',
        '<meta name="sailthru.date" content="2024-02-09T06:31:00+07:00">',
        '<meta name="DC.date.issued" content="2024-02-09T06:31:00+07:00">',
        '<meta itemprop="datePublished" content="2024-02-09T06:31:00+07:00">',
        '<meta name="pubdate" content="1707435060">',
        '<meta name="publish-date" content="1707435060000">',
        '<meta name="publish-date" content="Fri, 09 Feb 2024 06:31:00 +0700">',
    ],
)
def test_a_time_in_a_meta_element_is_the_pages(head: str) -> None:
    reading = reading_of(head)
    assert reading.fields is not None
    assert reading.fields["published"].isoformat() == "2024-02-08T23:31:00+00:00"
    assert (reading.origins["published"], told(reading, "published")) == ("page", [])


def test_a_time_that_cannot_be_read_beside_one_that_can_is_told() -> None:
    node = json_ld({**NODE, "datePublished": "09/02/2024 06:31"})
    reading = reading_of(node, meta(article__published_time="2024-02-09T06:31:00+07:00"))
    assert reading.origins["published"] == "opengraph"
    assert told(reading, "published") == [
        "'09/02/2024 06:31' cannot be read; 2024-02-09T06:31:00+07:00 (opengraph) is taken"
    ]


def test_a_time_element_beside_the_headline_is_the_pages() -> None:
    above = '<time class="updated" datetime="2024-02-10T00:00Z">x</time><time datetime="2024-02-08T23:31Z">x</time>'
    fields = fields_of(above=above)
    assert fields["published"].isoformat() == "2024-02-08T23:31:00+00:00"
    assert fields["updated"].isoformat() == "2024-02-10T00:00:00+00:00"


def test_a_time_of_another_article_is_not_this_ones() -> None:
    aside = '<aside><time datetime="2020-01-01T00:00Z">x</time></aside>'
    reading = reading_of(above=aside)
    assert reading.origins.get("published") in (None, "guessed")
    assert told(reading, "published")


def test_the_day_in_an_address_is_a_guess() -> None:
    reading = reading_of(url="https://kanal.example/2026/11/27/panen-padi-naik")
    assert reading.origins["published"] == "guessed"
    assert any("the day in the page's address is taken" in said for said in told(reading, "published"))


@pytest.mark.parametrize(
    ("day", "told_of"), [("2024/02/09", False), ("2024/02/08", False), ("2017/07/12", True), ("2024/02/31", False)]
)
def test_a_time_on_another_day_than_the_address_names_is_told(day: str, told_of: bool) -> None:
    node = json_ld({**NODE, "url": None, "datePublished": "2024-02-09T06:31:00+07:00"})
    reading = reading_of(node, url=f"https://kanal.example/{day}/panen-padi-naik")
    assert told(reading, "published") == (["the page's address names another day"] if told_of else [])


# --- language


@pytest.mark.parametrize(
    ("node", "locale", "lang", "right", "origin"),
    [
        ("en", "en_US", "", "en", "jsonld"),
        ("", "en_US", "", "en-US", "opengraph"),
        ("", "", "de-AT", "de-AT", "page"),
        ({"@type": "Language", "name": "German", "alternateName": "de"}, "", "", "de", "jsonld"),
    ],
)
def test_the_language_is_what_the_page_names(node: Any, locale: str, lang: str, right: str, origin: str) -> None:
    head = [json_ld({**NODE, "inLanguage": node} if node else NODE), meta(og__locale=locale) if locale else ""]
    reading = read(page(*head, lang=lang, body="<article><h1>Panen padi naik</h1><p>Ya, naik.</p></article>"))
    assert reading.fields is not None
    assert (reading.fields["language"], reading.origins["language"]) == (right, origin)
    assert told(reading, "language") == []


def test_a_page_that_names_no_language_has_none() -> None:
    assert "language" not in fields_of(lang="")


def test_names_that_contradict_each_other_are_told_and_the_text_decides() -> None:
    body = (
        "<p>Petani yang memanen padi di desa itu mengatakan bahwa harga tidak naik, dan pada bulan ini akan dijual"
        " untuk warga dari kota dengan harga yang sama.</p>"
    )
    reading = read(
        page(meta(og__locale="id_ID"), lang="en", body=f"<article><h1>Panen padi naik</h1>{body * 3}</article>")
    )
    assert reading.fields is not None
    assert reading.fields["language"] == "id-ID"
    assert told(reading, "language") == [
        "the page names different languages: en (page), id-ID (opengraph); id-ID is taken"
    ]


def test_a_name_that_the_text_belies_is_told() -> None:
    body = (
        "<p>Die Ernte ist in diesem Jahr gut, und die Bauern in dem Dorf sagen, dass der Preis nicht mit der Menge"
        " steigt.</p>"
    )
    reading = read(page(lang="en", body=f"<article><h1>Ernte gestiegen</h1>{body * 3}</article>"))
    assert told(reading, "language") == ["the page names en, its text reads like de"]


# --- address


@pytest.mark.parametrize(
    ("canonical", "right"),
    [
        ("https://kanal.example/", URL),
        ("https://kanal.example/index.html", URL),
        ("https://kanal.example/id/", URL),
        ("https://kanal.example/berita", URL),
        ("https://iklan.example/promo-besar-akhir-tahun", URL),
        ("https://www.kanal.example/berita/panen-padi-naik", "https://www.kanal.example/berita/panen-padi-naik"),
        ("https://m.kanal.example/x/123", "https://m.kanal.example/x/123"),
        ("https://mitra.example/ekonomi/panen-padi-naik", "https://mitra.example/ekonomi/panen-padi-naik"),
        ("https://kanal.example/ekonomi/9-panen", "https://kanal.example/ekonomi/9-panen"),
    ],
)
def test_a_canonical_link_that_cannot_be_this_pages_is_ignored_and_told(canonical: str, right: str) -> None:
    reading = reading_of(f'<link rel="canonical" href="{canonical}">')
    assert reading.fields is not None
    assert reading.fields["url"] == right
    assert bool(told(reading, "url")) == (right == URL)


def test_the_further_page_of_an_article_is_known_by_its_first() -> None:
    reading = reading_of(f'<link rel="canonical" href="{URL}">', url=f"{URL}/2")
    assert reading.fields is not None
    assert (reading.fields["url"], told(reading, "url")) == (URL, [])


def test_a_canonical_link_to_another_article_is_told_where_the_page_names_itself_besides() -> None:
    other = '<link rel=canonical href="https://kanal.example/berita/harga-gabah-turun">'
    assert len(told(reading_of(json_ld(NODE), other), "url")) == 1
    assert len(told(reading_of(meta(og__url=URL), other), "url")) == 1
    assert told(reading_of(other), "url") == []
    assert told(reading_of(json_ld(NODE), f"<link rel=canonical href={URL}>"), "url") == []


def test_og_url_is_taken_where_the_canonical_link_is_none() -> None:
    head = '<link rel="canonical" href="https://kanal.example/">' + meta(og__url="https://kanal.example/e/9-panen")
    reading = reading_of(head)
    assert reading.fields is not None
    assert (reading.fields["url"], reading.origins["url"]) == ("https://kanal.example/e/9-panen", "opengraph")


# --- people


@pytest.mark.parametrize(
    ("author", "right"),
    [
        ("Ratih Contoh", ["Ratih Contoh"]),
        (["Ratih Contoh", {"@type": "Person", "name": "Dimas Contoh"}], ["Ratih Contoh", "Dimas Contoh"]),
        ({"@type": "Person", "name": ["Ratih Contoh", "Dimas Contoh"]}, ["Ratih Contoh", "Dimas Contoh"]),
        ("Guest Author", None),
        ({"@list": [{"name": "Ratih Contoh"}]}, ["Ratih Contoh"]),
        ({"@type": "Person", "givenName": "Ratih", "familyName": "Contoh"}, ["Ratih Contoh"]),
        ({"@type": "Organization", "name": "Kanal Kita"}, None),
        ({"@type": "Person", "name": "Kanal Kita"}, None),
        ({"@type": "Person", "name": "admin"}, None),
        ({"@type": "Person", "name": "https://kanal.example/penulis/1"}, None),
        ({"@type": "Person", "name": "redaksi@kanal.example"}, None),
    ],
)
def test_people_are_authors_and_nobody_else(author: Any, right: list[str] | None) -> None:
    publisher = {"@type": "Organization", "name": "Kanal Kita"}
    assert fields_of(json_ld({**NODE, "author": author, "publisher": publisher})).get("authors") == right


def test_an_organization_that_is_not_the_publisher_is_the_agency() -> None:
    publisher = {"@type": "Organization", "name": "Kanal Kita"}
    node = {**NODE, "author": {"@type": "Organization", "name": "Reuters"}, "publisher": publisher}
    fields = fields_of(json_ld(node))
    assert (fields.get("authors"), fields["agency"]) == (None, "Reuters")


@pytest.mark.parametrize(
    "above",
    [
        '<a rel="author" href=/p/1>Budi Contoh</a>',
        '<span itemprop="author" itemscope><span itemprop="name">Budi Contoh</span></span>',
    ],
)
def test_an_author_in_the_markup_is_the_pages(above: str) -> None:
    reading = reading_of(above=above)
    assert reading.fields is not None
    assert (reading.fields["authors"], reading.origins["authors"]) == (["Budi Contoh"], "page")
    assert told(reading, "authors") == []


def test_a_line_that_looks_like_a_byline_is_a_guess_and_said_to_be_one() -> None:
    reading = reading_of(above='<div class="byline author">By Budi Contoh, PhD, CNN</div>')
    assert reading.fields is not None
    assert reading.origins["authors"] == "guessed"
    assert [name.partition(",")[0] for name in reading.fields["authors"]] == ["Budi Contoh"]
    assert told(reading, "authors") == ["is a guess, of a line that looks like a byline"]
    assert "Budi" not in reading.fields["body"]


def test_other_people_in_the_markup_than_in_json_ld_are_told() -> None:
    node = json_ld({**NODE, "author": {"@type": "Person", "name": "Ratih Contoh"}})
    reading = reading_of(node, '<meta name="author" content="Budi Sampel">')
    assert reading.fields is not None
    assert reading.fields["authors"] == ["Ratih Contoh"]
    assert told(reading, "authors") == [
        "the page names Ratih Contoh (jsonld) and Budi Sampel (page); the first is taken"
    ]
