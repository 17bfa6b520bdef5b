"""Text dumps: which line is whose, what ends them, and what is told of them."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from publisher.configfile import TomlFile
from publisher.sources.profiles.profile import TextProfile, load_profile, parse_profile
from publisher.sources.reading.draft import Reading
from publisher.sources.text.dump import read_text

NOW = datetime(2024, 2, 10, 3, tzinfo=UTC)
DUMP = """kontan.co.id
| : WIB | INDIKATOR |
• USD/IDR 16.199   95,00   0,58%

Panen jagung naik

Jumat, 09 Februari 2024 / 06:31 WIB
Panen jagung naik
ILUSTRASI. Petani di ladang. KONTAN/Bagas Prakoso

Reporter: Wulan Pertiwi | Editor: Ida Ayu

KONTAN.CO.ID - JAKARTA. Hasil panen jagung naik tiga persen.

Harga jagung turun.

TERBARU
"""
OWN = """
kind = "text"
base_url = "https://contoh.id/"
locale = "id"
timezone = "Asia/Jakarta"
language = "id"
[article]
title = '^# (.+)$'
published = '^Terbit: (.+)$'
dateline = {dateline}
[article.body]
after = '^Terbit:'
{body}
[article.byline]
line = '^Tulisan'
{byline}
"""


def read(text: str, profile: TextProfile | None = None) -> Reading:
    shipped = load_profile("kontan-text", Path("/nowhere"))
    assert isinstance(shipped, TextProfile)
    return read_text(text.encode(), profile or shipped, origin="x", now=NOW)


def own(dateline: str = "true", body: str = "", byline: str = "") -> TextProfile:
    written = OWN.format(dateline=dateline, body=body, byline=byline)
    profile = parse_profile(TomlFile("contoh.toml", written, tomllib.loads(written)))
    assert isinstance(profile, TextProfile)
    return profile


def told(reading: Reading) -> list[tuple[str, str | None]]:
    return [(one.severity, one.field) for one in reading.problems]


def test_the_articles_own_date_line_counts_and_not_the_clock_in_the_head_of_the_page() -> None:
    reading = read(DUMP.replace("kontan.co.id", "kontan.co.id\nSabtu, 10 Februari 2024 / 14:05 WIB", 1))
    assert reading.problems == []
    assert reading.fields is not None
    assert reading.fields["published"] == datetime(2024, 2, 8, 23, 31, tzinfo=UTC)


def test_where_there_is_only_the_clock_no_date_is_taken() -> None:
    date = "Jumat, 09 Februari 2024 / 06:31 WIB\n"
    reading = read(DUMP.replace(date, "").replace("kontan.co.id", f"kontan.co.id\n{date}", 1))
    assert reading.fields is not None
    assert reading.fields["published"] is None
    assert told(reading) == [("warning", "published")]


def test_a_paragraph_that_only_begins_as_a_byline_stays_in_the_text() -> None:
    sentence = "Sumber: dua petani yang ditanya kemarin menyebut angka lain."
    reading = read(DUMP.replace("Harga jagung turun.", f"{sentence}\n\nHarga jagung turun."))
    assert reading.fields is not None
    assert f"<p>{sentence}</p>" in reading.fields["body"]
    assert (reading.fields["authors"], reading.fields["editor"]) == (["Wulan Pertiwi"], "Ida Ayu")
    assert "agency" not in reading.fields


def test_a_dump_that_breaks_off_in_a_word_is_refused_where_an_end_is_known() -> None:
    reading = read(DUMP.partition("turun.")[0][:-3])
    assert reading.fields is None
    assert ("error", "body") in told(reading)


def test_one_that_ends_in_a_sentence_is_taken_and_the_missing_end_told() -> None:
    reading = read(DUMP.partition("TERBARU")[0])
    assert reading.fields is not None
    assert told(reading) == [("warning", "body")]


@pytest.mark.parametrize(("last", "problems"), [("Harga turun.", []), ("Harga tur", [("warning", "body")])])
def test_without_a_mark_of_the_end_a_last_line_that_is_no_sentence_is_told(
    last: str, problems: list[tuple[str, str]]
) -> None:
    reading = read(
        f"# Panen naik\nTerbit: 9 Februari 2024 06:31 WIB\nHasil naik.\n\nBegitu kata petani.\n{last}\n", own()
    )
    assert reading.fields is not None
    assert told(reading) == problems


def test_each_line_inside_the_ticker_is_a_row_or_a_problem() -> None:
    rows = "• USD/IDR 16.199   95,00   0,58%\nIDX 6.984   6,63   0,09%\n\n• KOMPAS100 1.040   -1,32   -0,13%"
    reading = read(DUMP.replace("• USD/IDR 16.199   95,00   0,58%", rows))
    assert [one.symbol for one in reading.indicators] == ["USD/IDR", "KOMPAS100"]
    assert [(one.field, one.text) for one in reading.problems] == [("ticker", "IDX 6.984 6,63 0,09%")]


@pytest.mark.parametrize(
    ("pattern", "first", "place", "warned"),
    [
        (r"'^CONTOH - (?P<dateline>[^.]{2,60})\.\s*'", "CONTOH - ST. PETERSBURG. Hasil naik.", "ST. PETERSBURG", False),
        (r"'^CONTOH - (?P<dateline>[^.]{2,60})\.\s*'", "CONTOH - Hasil panen naik. Lagi.", None, True),
        (r"'^CONTOH - (?P<dateline>[^.]{2,60})\.\s*'", "CONTOH - TELUK WANGI. Hasil naik.", "TELUK WANGI", False),
        ("true", "JAKARTA, CONTOH.COM - Hasil naik.", "JAKARTA", False),
        ("true", "NASA - The agency said so.", None, True),
        ("{ after = '^CONTOH - ' }", "CONTOH - TELUK WANGI. Hasil naik.", "TELUK WANGI", False),
    ],
)
def test_a_place_is_one_whatever_a_pattern_takes_for_it(
    pattern: str, first: str, place: str | None, warned: bool
) -> None:
    reading = read(f"# Panen naik\nTerbit: 9 Februari 2024 06:31 WIB\n{first}\nHarga turun.\n", own(pattern))
    assert reading.fields is not None
    assert reading.fields["dateline"] == place
    assert ("warning", "dateline") in told(reading) if warned else reading.problems == []
    assert place is not None or first in reading.fields["body"]


def test_a_profiles_own_patterns_read_a_byline_in_words_that_are_its_own() -> None:
    byline = "patterns = ['^Tulisan~ (?P<authors>[^|]+)']"
    text = "# Panen naik\nTerbit: 9 Februari 2024 06:31 WIB\nTulisan~ Dr. Wulan, S.E. dan Bagas\nHasil naik.\n"
    reading = read(text, own(byline=byline))
    assert reading.fields is not None
    assert reading.fields["authors"] == ["Dr. Wulan, S.E.", "Bagas"]
    assert "Tulisan" not in reading.fields["body"]
