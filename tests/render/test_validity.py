"""No document that any installation publishes has a fault that a validator calls an error."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import golden_pairs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_documents import rendered
from validity import faults

from publisher.model import Event, EventType, FeedDefinition, article_json
from publisher.publish import SiteInfo
from publisher.render import FORMATS, Head, Options, article_entry, event_entry, identity, indicator_entry
from publisher.settings import Site
from publisher.sources.json.pushed import read_article_json

SITE = "https://berita.example.id"
NOW = datetime(2026, 11, 22, 8, 0, 0, 250_000, tzinfo=UTC)

SITES = [
    {"title": "Kabar & <b>pasar</b>", "url": "https://kabar.example:8443/berita/id", "language": "id"},
    {"title": "Книги 📚", "url": "https://пример.рф/новости", "language": "ru"},
    {"title": "]]>", "url": "http://bücher.example", "language": "de-AT"},
    {"title": "T", "url": "http://[2001:db8::1]:8080", "language": "en"},
    {"title": "T", "url": "http://127.0.0.1:8080", "language": "en"},
    {"title": "T", "url": "https://meja_berita.example/a(b)~c", "language": "jv"},
]

FEEDS: list[dict[str, Any]] = [
    {"title": "Berita & <i>pasar</i> 📈", "description": "a\nb ]]> <script>", "content": "full"},
    {"title": "عاجل \u202e", "description": " \n ", "content": "summary", "language": "ar"},
]

LONG = "kata " * 4000
ODD = 'https://bücher.example/ä[1] {x}|^`"<>\\?q=é&r[]=%zz%#ü[#'
TITLES = [
    "<b>Judul</b> &amp; &copy;",
    "a\nb\tc\r\nd",
    "\x00\x1b[31mMerah\x85\x93",
    "📰👨‍👩‍👧‍👦",
    "\u202eterbalik\u2066",
    LONG,
    "]]>",
    "&#0;",
]
URLS = [
    ODD,
    "https://x.id",
    "https://x.id?x=1",
    "http://[2001:db8::1]:8080/a[1]",
    "https://☕.example/#",
    "https://x.id/a b\tc",
]
LANGUAGES = ["id", "ID-id", "zz", "in", "zh-Hant-TW", "en-x-klingon", "", "mul"]
DATES = ["2026-11-22T08:00:00.123456+14:00", "1900-01-01T00:00:00Z", "2100-01-01T00:00:00Z", None]


def hostile() -> list[dict[str, Any]]:
    """Articles as a newsroom, or whoever it reads, may write them."""
    rounds = itertools.islice(
        zip(*(itertools.cycle(values) for values in (TITLES, URLS, LANGUAGES, DATES)), strict=False), 24
    )
    return [
        {
            "title": title,
            "url": url,
            "language": language,
            "published": date,
            "updated": date,
            "summary": [None, " ", title, LONG][number % 4],
            "body": ["<p>Isi</p>", f"<img src='{url}'>", f"<p>{LONG}<a href='rel'>x</a>", "<ul><li>a</ul>\x0b"][
                number % 4
            ],
            "authors": [title, " ", "Budi, M.Si.", "A\nB"],
            "editor": title,
            "agency": [" ", title][number % 2],
            "dateline": title,
            "section": title,
            "topics": [title, "", "kopi", "KOPI"],
            "images": [
                {"url": url, "caption": title, "credit": title, "type": ["image/jpg", "???", None][number % 3]},
                {"url": None, "caption": title},
                {"url": f"{url.split('#')[0].split('?')[0]}/1.png", "width": 1, "height": 100_000},
            ],
            "attachments": [
                {"url": url, "type": ["audio/mp3", None, "x"][number % 3], "length": number % 2, "duration": 0.2},
                {"url": "https://x.id/a.mp4", "length": 2**52, "duration": 9_999_999.5},
            ],
            "related": [{"title": title, "url": url}, {"title": "tanpa"}],
        }
        for number, (title, url, language, date) in enumerate(rounds)
    ]


def judged(format: str, site: SiteInfo, feed: FeedDefinition, articles: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the feed of these stored articles."""
    language = feed.language or site.language
    options = Options(site.url.rstrip("/"), language, site.timezone, feed.content, site.ids)
    entries = [
        article_entry(data, revision=n % 3 + 1, first_seen_at=NOW, changed_at=NOW, options=options)
        for n, data in enumerate(articles)
    ]
    head = Head(
        id=identity.feed_id(site.ids, feed.name),
        title=feed.title,
        description=feed.description.strip(),
        language=language,
        updated=NOW,
        url=f"{site.url}/feeds/{feed.name}.{format}",
        home_url=f"{site.url}/feeds/{feed.name}",
        site_title=site.title,
        site_url=f"{site.url}/",
        deleted=[(identity.article_id(site.ids, "lama"), NOW)],
    )
    return faults(format, FORMATS[format].document(head, [FORMATS[format].fragment(entry) for entry in entries]))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("feed", FEEDS, ids=["full", "summary"])
@pytest.mark.parametrize("site", SITES, ids=lambda site: site["url"])
def test_a_hostile_installation_publishes_valid_documents(
    site: dict[str, Any], feed: dict[str, Any], format: str
) -> None:
    named = Site(**site)
    pushed = [
        read_article_json(payload, origin="PUT", language=named.language, article_id=f"a{number}")[0]
        for number, payload in enumerate(hostile())
    ]
    taken = [article_json(one.article) for one in pushed if one is not None]
    assert len(taken) > 15
    info = SiteInfo(named.title, named.url, named.language, named.timezone)
    assert judged(format, info, FeedDefinition(name="news", **feed), taken) == []


text = st.text(max_size=8) | st.sampled_from([*TITLES, " ", "<p>", "&amp;"])
maybe = st.none() | text
address = st.none() | st.sampled_from(URLS) | st.builds("https://x.id/{}".format, st.text(max_size=6))
stored = st.fixed_dictionaries(
    {"title": text, "body": maybe},
    optional={
        "url": address,
        "summary": maybe,
        "authors": st.none() | st.lists(text, max_size=3),
        "editor": maybe,
        "agency": maybe,
        "dateline": maybe,
        "section": maybe,
        "topics": st.lists(text, max_size=3),
        "language": st.none() | st.sampled_from(LANGUAGES) | text,
        "published": st.sampled_from([*DATES, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"]),
        "images": st.lists(st.fixed_dictionaries({"url": address, "caption": maybe, "credit": maybe}), max_size=2),
        "related": st.lists(st.fixed_dictionaries({"title": maybe, "url": address}), max_size=2),
    },
)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(articles=st.lists(stored, max_size=2))
def test_whatever_an_older_release_stored_is_published_validly(format: str, articles: list[dict[str, Any]]) -> None:
    site = SiteInfo("T", "https://berita.example.id", "id", "Asia/Jakarta")
    named = [{**one, "id": f"a{n}"} for n, one in enumerate(articles)]
    assert judged(format, site, FeedDefinition(name="news", title="F"), named) == []


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("symbol", ["USD/IDR", "a b<c>&", "指数", "\u200b", "^JKSE.\u202e"])
@pytest.mark.parametrize("name", [*TITLES, " "])
def test_indicators_of_hostile_names_are_published_validly(format: str, symbol: str, name: str) -> None:
    # As an older release may have stored it.
    data = {"symbol": symbol, "name": name, "value": "-0.000000000000000000000000000001", "change": "0", "unit": name}
    data |= {"percent": "-0.00", "as_of": None, "observed_at": NOW.isoformat()}
    options = Options("https://bücher.example:8443/a", "ar", "Asia/Jakarta")
    given: dict[str, Any] = {"first_seen_at": NOW, "changed_at": NOW, "options": options}
    entry = indicator_entry(data, period="2026-11-22", **given)
    assert faults(format, rendered(format, entry, items="indicators")) == []


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("said", [*TITLES, " ", "\ud800"])
def test_operations_events_of_hostile_subjects_are_published_validly(format: str, said: str) -> None:
    data = {"error": said, "list": [said], "n": None}
    event = Event(id="evt_1", type=EventType.SOURCE_FAILING, timestamp=NOW, source="desk", subject=said, data=data)
    assert faults(format, rendered(format, event_entry(event, options=Options(SITE, "id", "Asia/Jakarta")))) == []


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", golden_pairs.NAMES)
def test_the_golden_documents_are_valid(name: str, format: str) -> None:
    assert faults(format, golden_pairs.document(name, format)) == []


BROKEN = [
    ("rss", "https://berita.example.id/news/panen", "https://bücher.example/", "is no URI"),
    ("rss", 'isPermaLink="false"', 'isPermaLink="true"', "permanent link"),
    ("rss", "Sun, 22 Nov", "Mon, 22 Nov", "is no date of RFC 822"),
    ("rss", 'length="0"', 'length="-1"', "length is '-1'"),
    ("rss", 'type="image/jpeg"/>', "/>", "lacks type"),
    ("rss", "<dc:creator>Sari Dewi, Budi Santoso", "<dc:creator> ", "creator> is blank"),
    ("rss", "<enclosure ", '<enclosure url="https://x.id/" type="a/b" length="1"/><enclosure ', "more than one"),
    ("rss", ":panen</guid>", ":pelabuhan</guid>", "twice"),
    ("rss", "<language>id<", "<language>zz<", "is no language"),
    ("rss", 'medium="image"', 'medium="foto"', "kind foto"),
    ("rss", "</item>", "<media:foto/></item>", "foto"),
    ("atom", 'rel="enclosure"', 'rel="gambar"', "relation gambar"),
    ("atom", 'term="kopi"', 'term=""', "lacks term"),
    ("atom", "2026-11-22T02:00:00+00:00", "2026-11-22T02:00:00", "RFC 3339"),
    ("atom", 'ref="tag:berita', 'ref="tag:bücher', "no tag URI"),
    ("json", '"title":"Panen', '"judul":"","title":1,"x":"Panen', "title is 1"),
    ("json", '"content_html":"<img', '"html":"<img', "without content"),
    ("json", '"https://foto.example.id/kopi.jpg"', '"foto/kopi.jpg"', "is no URI"),
]


@pytest.mark.parametrize(("format", "good", "bad", "told"), BROKEN)
def test_the_judge_tells_of_what_is_wrong(format: str, good: str, bad: str, told: str) -> None:
    document = golden_pairs.document("news", format).decode()
    assert good in document
    assert any(told in fault for fault in faults(format, document.replace(good, bad).encode()))


def test_a_document_without_items_is_valid() -> None:
    assert {format: faults(format, rendered(format)) for format in FORMATS} == {format: [] for format in FORMATS}
