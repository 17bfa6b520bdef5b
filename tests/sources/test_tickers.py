"""Rows of tickers: what is taken, and what is told of those that are not."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime

import pytest

from publisher.configfile import TomlFile
from publisher.model import IndicatorSpec
from publisher.sources.html.profiled import read_html
from publisher.sources.profiles.profile import HtmlProfile, TextProfile, parse_profile
from publisher.sources.reading.draft import Reading
from publisher.sources.text.dump import read_text

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PLACE = """
base_url = "https://pasar.example/"
locale = "id"
timezone = "Asia/Jakarta"
language = "id"
"""
TABLE = f"""
kind = "html"
{PLACE}
[ticker]
rows = "table.pasar tr"
symbol = "td:nth-child(1)"
value = "td:nth-child(2)"
change = "td:nth-child(3)"
percent = "td:nth-child(4)"
"""
LINES = f"""
kind = "text"
{PLACE}
[ticker]
row = '^\\*'
pattern = '^\\* (?P<symbol>\\S+) (?P<value>\\S+) (?P<change>\\S+) (?P<percent>\\S+)$'
columns = ["symbol", "value", "change", "percent"]
"""
SPECS = {
    "USD/IDR": IndicatorSpec(symbol="USD/IDR", slug="usd-idr", name="Dolar AS", unit="IDR"),
    "BI-RATE": IndicatorSpec(symbol="BI-RATE", slug="bi-rate", name="Suku bunga", unit="%"),
}


def table(*rows: str, head: str = "") -> Reading:
    """A page with a table of rows, each ``symbol|value|change|percent``."""
    profile = parse_profile(TomlFile("pasar.toml", TABLE, tomllib.loads(TABLE)))
    assert isinstance(profile, HtmlProfile)
    cells = ("".join(f"<td>{cell}</td>" for cell in row.split("|")) for row in rows)
    body = f"<table class=pasar>{head}{''.join(f'<tr>{row}</tr>' for row in cells)}</table></body></html>"
    return read_html(body.encode(), profile, origin="pasar", now=NOW, specs=SPECS)


def dump(*rows: str) -> Reading:
    """A text dump with rows."""
    profile = parse_profile(TomlFile("pasar.toml", LINES, tomllib.loads(LINES)))
    assert isinstance(profile, TextProfile)
    return read_text("\n".join(rows).encode(), profile, origin="pasar", now=NOW, specs=SPECS)


def numbers(reading: Reading) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (one.symbol, *(None if part is None else format(part, "f") for part in (one.value, one.change, one.percent)))
        for one in reading.indicators
    ]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("USD/IDR|16,199|95,00|0,58%", "a previous close of -78.801 and -120.56 per cent, not 0.58"),
        ("KOMPAS100|1.040|1,32|-0,13%", "the change 1.32 and the percent -0.13 have opposite signs"),
        ("USD/IDR|16.199|0,58|95,00%", "not 95.00"),
        ("USD/IDR|16.199|95.000|0,58%", "a previous close of -78801"),
        ("USD/IDR|16.199|95,00|0,0058%", "+0.59 per cent, not 0.0058"),
        ("USD/IDR|95,00|95,00|0,58%", "no number of per cent, not 0.58"),
    ],
)
def test_a_row_that_contradicts_itself_is_left_out_with_what_its_numbers_give(row: str, said: str) -> None:
    reading = table(row, "EMAS|1.533.000|0|0,00%")
    assert [one.symbol for one in reading.indicators] == ["EMAS"]
    [problem] = reading.problems
    symbol = row.partition("|")[0]
    assert (problem.severity, problem.field) == ("error", f"ticker {symbol}")
    assert said in problem.message
    assert problem.message.endswith("; the row is left out")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("<span class=turun>1,32</span>", "the change is 1,32, and the page calls it 'turun'"),
        ("<b class='delta is-up'>-1,32</b>", "the change is -1,32, and the page calls it 'up'"),
        ("<i class=icon-arrow-down></i>1,32", "the change is 1,32, and the page calls it 'down'"),
    ],
)
def test_a_sign_that_the_markup_contradicts_is_told(change: str, said: str) -> None:
    reading = table(f"KOMPAS100|1.040|{change}|", "EMAS|1.533.000|<span class=naik>0</span>|")
    assert [one.symbol for one in reading.indicators] == ["EMAS"]
    [problem] = reading.problems
    assert (problem.field, said in problem.message) == ("ticker KOMPAS100", True)


@pytest.mark.parametrize(
    "change", ["<span class=turun>-1,32</span>", "<span class='up down'>1,32</span>", "<b>1,32</b>"]
)
def test_a_sign_that_the_markup_agrees_with_is_taken(change: str) -> None:
    assert table(f"KOMPAS100|1.040|{change}|").problems == []


def test_a_row_of_a_text_dump_that_contradicts_itself_is_left_out() -> None:
    reading = dump("* USD/IDR 16,199 95,00 0,58%", "* IDX 6.984 6,63 0,09%")
    assert [one.symbol for one in reading.indicators] == ["IDX"]
    assert [one.field for one in reading.problems] == ["ticker USD/IDR"]


@pytest.mark.parametrize("unknown", ["-", "–", "—", "--", "", "n/a", "n.a.", "N/A", "*"])
def test_an_unknown_change_is_none_and_no_zero(unknown: str) -> None:
    reading = table(f"EMAS|1.533.000|{unknown}|{unknown}")
    assert numbers(reading) == [("EMAS", "1533000", None, None)]
    assert reading.problems == []


def test_a_zero_that_is_written_is_a_zero() -> None:
    assert numbers(table("EMAS|1.533.000|0|0,00%")) == [("EMAS", "1533000", "0", "0.00")]


def test_a_value_that_is_not_there_is_told() -> None:
    reading = table("EMAS|-|0|0,00%", "USD/IDR|16.199|95,00|0,58%")
    assert [one.symbol for one in reading.indicators] == ["USD/IDR"]
    assert [(one.field, one.severity) for one in reading.problems] == [("ticker EMAS", "error")]


def test_a_row_without_text_is_told_and_one_that_names_the_columns_is_no_row() -> None:
    head = "<tr><th>Indikator<th>Nilai<th>Ubah<th>Persen</tr><tr><td><img src=emas.png></td></tr>"
    reading = table("USD/IDR|16.199|95,00|0,58%", head=head)
    assert [one.symbol for one in reading.indicators] == ["USD/IDR"]
    [problem] = reading.problems
    assert (problem.field, problem.severity) == ("ticker", "warning")
    assert "emas.png" in str(problem.text)


def test_heads_that_are_written_as_cells_are_told() -> None:
    reading = table("Indikator|Nilai|Ubah|Persen", "USD/IDR|16.199|95,00|0,58%")
    assert [one.symbol for one in reading.indicators] == ["USD/IDR"]
    assert "'Nilai' is no number" in reading.problems[0].message


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("USD/IDR|0,58%|16.199|95,00", "the value '0,58%' is in per cent, and the unit is IDR"),
        ("USD/IDR|16.199|0,58%|", "the change '0,58%' is in per cent, and the unit is IDR"),
        ("X|16.199|0,58%|", "the change '0,58%' is in per cent"),
    ],
)
def test_a_per_cent_sign_in_another_column_is_told(row: str, said: str) -> None:
    reading = table(row)
    assert reading.indicators == []
    assert said in reading.problems[0].message


def test_an_indicator_that_is_a_per_cent_may_change_by_some() -> None:
    assert numbers(table("BI-RATE|6,25%|0,25%|4,17%")) == [("BI-RATE", "6.25", "0.25", "4.17")]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("US$ 16.199", True),
        ("Rp 16.199", False),
        ("€16.199", True),
        ("16.199 SGD", True),
        ("IDR 16.199", False),
        ("16.199 rupiah", False),
        ("$ 16.199", True),
    ],
)
def test_a_currency_that_is_not_the_indicators_is_told(value: str, told: bool) -> None:
    reading = table(f"USD/IDR|{value}|95,00|0,58%")
    assert numbers(reading) == [("USD/IDR", "16199", "95.00", "0.58")]
    assert [one.severity for one in reading.problems] == (["warning"] if told else [])


def test_a_change_that_is_larger_than_the_value_is_told_where_no_percent_confirms_it() -> None:
    reading = table("USD/IDR|16,199|95,00|-")
    assert numbers(reading) == [("USD/IDR", "16.199", "95.00", None)]
    assert "of another sign" in reading.problems[0].message


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("USD/IDR|16,199||", True),
        ("USD/IDR|16,199|0|0,00%", True),  # zeros agree with anything
        ("USD/IDR|16,199|0,095|0,59%", False),  # they agree: it is sixteen
        ("USD/IDR|16.199||", False),
        ("USD/IDR|16,19||", False),
        ("USD/IDR|0,199||", False),
        ("OTHER|16,199||", False),  # how many decimals it has is not known
    ],
)
def test_three_decimals_of_an_indicator_that_has_fewer_are_told(row: str, told: bool) -> None:
    reading = table(row)
    assert len(reading.indicators) == 1
    assert [("is it 16199" in one.message, one.severity) for one in reading.problems] == [(True, "warning")] * told


@pytest.mark.parametrize("value", ["▼ 16.199", "16.199 ▼", "↓16.199", "▼ Rp 16.199"])
def test_an_arrow_beside_a_value_says_which_way_it_went_and_is_no_minus(value: str) -> None:
    assert numbers(table(f"USD/IDR|{value}|-95,00|-0,58%")) == [("USD/IDR", "16199", "-95.00", "-0.58")]
    assert numbers(table(f"USD/IDR|{value}||")) == [("USD/IDR", "16199", None, None)]
    assert numbers(table(f"USD/IDR|{value}|0|0,00%")) == [("USD/IDR", "16199", "0", "0.00")]


@pytest.mark.parametrize(
    "row", ["▼ 16.199|95,00|0,58%", "▼ 16.199||0,58%", "16.199 ▲|-95,00|", "▲ 16.199|-95,00|-0,58%"]
)
def test_an_arrow_beside_a_value_that_points_where_the_change_does_not_is_told(row: str) -> None:
    reading = table(f"USD/IDR|{row}")
    assert reading.indicators == []
    assert "the arrow of the value" in reading.problems[0].message


@pytest.mark.parametrize(
    ("value", "read", "told"),
    [
        ("95,50<sup>1</sup>", "95.501", True),
        ("<span style='display: none'>9</span>16.199", "916199", True),
        ("16.199,5<span hidden>7</span>", "16199.57", True),
        ("16.<b>199</b>", "16199", False),
        ("<span>16.199</span>,<small>50</small>", "16199.50", False),
    ],
)
def test_digits_that_stand_raised_or_hidden_in_a_number_are_told(value: str, read: str, told: bool) -> None:
    reading = table(f"OTHER|{value}||")
    assert numbers(reading) == [("OTHER", read, None, None)]
    assert [("raised or hidden" in one.message, one.field) for one in reading.problems] == [
        (True, "ticker OTHER")
    ] * told
