"""What holds of every format that is registered, whichever it is. A new one is held to it by lying in its folder."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import golden_pairs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strings import strings
from test_documents import NOW, OPTIONS, article, head

from publisher.model import Event, EventType
from publisher.render import FORMATS, Entry, Format, event_entry, indicator_entry

EARLIER = datetime(2026, 11, 20, 3, 4, 5, tzinfo=UTC)
GONE = ("tag:berita.example.id,2026:gone", datetime(2026, 11, 21, 9, 8, 7, tzinfo=UTC))
HOSTILE = '<b>Judul</b> &amp; "kutip" \'x\' ]]> <!-- --> </item></entry> {"a": 1} \\ 📰 عاجل'

every_format = pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)


def said(format: Format, *entries: Entry, **fields: Any) -> list[str]:
    """All that the document of these entries says."""
    fragments = [format.fragment(entry) for entry in entries]
    return strings(format.media_type, format.document(head(format.name, **fields), fragments))


def written(moment: datetime) -> set[str]:
    """A moment in the ways that feeds write it, to the second."""
    local = moment.isoformat()
    return {local, local.replace("+00:00", "Z"), format_datetime(moment)}


def test_the_formats_are_shown_in_their_order() -> None:
    assert [*FORMATS][:3] == ["rss", "atom", "json"]
    assert (FORMATS.first.name, FORMATS.printed.name, FORMATS.for_programs.name) == ("rss", "atom", "json")
    assert "xml" not in FORMATS


@every_format
def test_a_format_describes_itself(format: Format) -> None:
    assert re.fullmatch("[a-z][a-z0-9]*", format.name)
    assert FORMATS[format.name] is format
    assert format.label.strip().startswith(format.short.strip())
    assert format.content_type == f"{format.media_type}; charset=utf-8"
    assert all(re.fullmatch("[a-z]+/[a-z0-9.+-]+", media_type) for media_type in format.media_types)
    others = [other for other in FORMATS.values() if other is not format]
    assert not any({*format.media_types} & {*other.media_types} for other in others), "a request means one format"
    assert {format.name, format.label, format.short}.isdisjoint(
        said for other in others for said in (other.name, other.label, other.short)
    )


@every_format
def test_a_format_has_its_half_of_every_golden_pair(format: Format) -> None:
    assert {path.stem for path in golden_pairs.GOLDEN.glob(f"*.{format.name}")} >= {*golden_pairs.NAMES}


@every_format
def test_an_empty_feed_says_what_it_is_and_where_it_and_its_page_are(format: Format) -> None:
    feed = said(format, title="Berita & pasar", description="Harian", language="de")
    assert {"Berita & pasar", "Harian", "de", "https://berita.example.id/feeds/f"} <= {*feed}
    assert f"https://berita.example.id/feeds/f.{format.name}" in feed
    assert written(NOW) & {*feed}


@every_format
def test_entries_stand_in_the_order_given_each_with_its_id_and_address(format: Format) -> None:
    entries = [article(id=f"a{n}", title=f"Judul {n}", url=f"https://asal.id/{n}") for n in (2, 3, 1)]
    found = said(format, *entries)
    for values in ([one.id for one in entries], [one.title for one in entries], [one.url for one in entries]):
        assert [text for text in found if text in values] == values


@every_format
def test_the_same_entries_are_the_same_bytes_and_a_fragment_fits_any_document(format: Format) -> None:
    first, second = article(id="a1"), article(id="a2", images=[{"url": "https://x.id/1.jpg"}])
    fragments = [format.fragment(first), format.fragment(second)]
    assert fragments == [format.fragment(first), format.fragment(second)]
    for items in ("articles", "indicators", "operations"):
        document = format.document(head(format.name, items=items), iter(fragments))
        assert document == format.document(head(format.name, items=items), fragments)
        assert all(fragment in document for fragment in fragments)
        assert document.endswith(b"\n")


@every_format
def test_hostile_text_comes_out_as_it_went_in_wherever_it_stands(format: Format) -> None:
    entry = article(title=HOSTILE, body=f"<p>{HOSTILE}</p>", topics=[HOSTILE], editor=HOSTILE, language="en")
    found = said(format, entry, title=HOSTILE, site_title=HOSTILE)
    for text in (entry.title, entry.categories[0], entry.editor, entry.content):
        assert text is not None
        assert text in found
    assert found.count(HOSTILE) >= 3, "the feed's title, and the entry's title and editor"


@every_format
@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=[]), min_size=1, max_size=40).filter(str.strip))
def test_whatever_the_characters_a_document_is_well_formed(format: Format, text: str) -> None:
    entry = article(title=text, body=f"<p>{text}</p>", authors=[text], topics=[text], summary=text, dateline=text)
    assert entry.id in said(format, entry)


@every_format
def test_what_left_is_no_entry_and_is_told_with_its_time_or_not_at_all(format: Format) -> None:
    entry = article()
    found = said(format, entry, deleted=[GONE])
    assert found.count(GONE[0]) == (1 if written(GONE[1]) & {*found} else 0)
    assert [text for text in found if text == entry.id] == [entry.id]
    assert not written(GONE[1]) & {*said(format, entry)}


@every_format
def test_a_recording_is_enclosed_and_the_lead_picture_shown(format: Format) -> None:
    sound = {"url": "https://x.id/pagi.mp3", "type": "audio/mpeg", "length": 99, "duration": 61.0}
    picture = {"url": "https://x.id/1.jpg", "caption": "Kebun", "credit": "Rani"}
    found = said(format, article(attachments=[sound], images=[picture]))
    assert {"https://x.id/pagi.mp3", "audio/mpeg", "99", "https://x.id/1.jpg"} <= {*found}
    assert "https://x.id/pagi.mp3" not in said(format, article())


@every_format
def test_an_entry_says_when_it_was_published_and_when_updated(format: Format) -> None:
    found = {*said(format, replace(article(), published=EARLIER, updated=NOW.replace(second=9)))}
    assert written(EARLIER) & found
    assert written(NOW.replace(second=9)) & found
    undated = {*said(format, replace(article(), published=None))}
    assert not written(EARLIER) & undated


@every_format
def test_an_entry_in_another_language_than_its_feeds_says_so(format: Format) -> None:
    assert "en-GB" in said(format, article(language="en-gb"), language="id")
    assert "und" in said(format, article(language="zz-none"), language="id")
    assert said(format, article(language="id"), language="id") == said(format, article(), language="id")


@every_format
def test_a_feed_of_summaries_carries_no_full_text(format: Format) -> None:
    options = replace(OPTIONS, content="summary")
    body = "<p>Kalimat pertama.</p><p>Rahasia kalimat kedua.</p>"
    found = said(format, article(options, summary="Ringkasan.", body=body))
    assert "Ringkasan." in found
    assert not any("Rahasia" in text for text in found)


@every_format
def test_an_indicator_is_an_entry_with_its_headline_and_its_lines(format: Format) -> None:
    data = {"symbol": "USD/IDR", "name": "Dolar <AS>", "value": "16199.00", "change": "95.00", "percent": "0.58"}
    data |= {"as_of": "2026-11-22T08:00:00Z", "observed_at": "2026-11-22T08:01:00Z"}
    entry = indicator_entry(data, period="2026-11-22", first_seen_at=NOW, changed_at=NOW, options=OPTIONS)
    found = said(format, entry, items="indicators")
    assert {entry.id, entry.title, entry.content, "USD/IDR"} <= {*found}


@every_format
def test_an_operations_event_is_an_entry(format: Format) -> None:
    event = Event(
        id="evt_1", type=EventType.SOURCE_FAILING, timestamp=NOW, source="desk", subject="desk", data={"error": "<503>"}
    )
    found = said(format, event_entry(event, options=OPTIONS), items="operations")
    assert {"source.failing: desk", "tag:berita.example.id,2026:event/evt_1"} <= {*found}
