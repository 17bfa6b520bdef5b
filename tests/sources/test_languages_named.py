"""Which language a page or a feed names, before it is parsed."""

from __future__ import annotations

import pytest

from publisher.sources.documents.spoken import language_of_feed, language_of_page


@pytest.mark.parametrize(("page", "language"), [
    (b"<html lang=id>", "id"),
    (b"\xef\xbb\xbf<!doctype html>\n<HTML class='lang=de' LANG='en-US'>", "en-us"),
    (b"<!-- <html lang=de> --><html lang=id>", "id"),
    (b'<html data-x="<html lang=de>" lang="fr">', "fr"),
    (b'<html xml:lang="fr" lang=" zh-Hant-TW ">', "zh-hant"),
    (b"<html lang=german><html lang=de>", "de"),
    (b"<html><body lang=id>", None),
    (b" " * 5_000 + b"<html lang=id>", None),
])  # fmt: skip
def test_a_page_names_the_language_of_its_html(page: bytes, language: str | None) -> None:
    assert language_of_page(page) == language


@pytest.mark.parametrize(("feed", "language"), [
    (b"<rss><channel><language>id-ID</language>", "id"),
    (b"<rss><channel><language> <![CDATA[ ru ]]></language>", "ru"),
    (b"<rdf><channel><dc:language\n>DE</dc:language>", "de"),
    (b"<rss><channel><title>language</title><description>id</description>", None),
    (b"<!-- <language>de</language> --><feed xml:lang='fr-CA'>", "fr"),
    (b'\xef\xbb\xbf{"version": "x", "language" : "id-ID"}', "id"),
    (b"<rss><channel>" + b" " * 17_000 + b"<language>id</language>", None),
])  # fmt: skip
def test_a_feed_names_its_language_in_one_of_three_ways(feed: bytes, language: str | None) -> None:
    assert language_of_feed(feed) == language
