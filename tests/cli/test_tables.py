"""Lists on terminals of any width, and for other programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.commands import Publisher

from publisher.cli.events import lines
from publisher.cli.tables import Cell, distance, separated, table
from publisher.model import Event, EventType

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
COLUMNS = ("id", "state", "owner", "made", "url", "why")
IDS = [f"wh_{number:016d}" for number in range(3)]


def rows() -> list[list[Cell]]:
    url = "https://receiver.example/a/rather/long/path/to/a/hook"
    return [[id_, "active", "desk", NOW - timedelta(minutes=3), url, "answered 500"] for id_ in IDS]


@pytest.mark.parametrize("width", [1, 40, 80, 120, 200])
def test_no_value_is_ever_broken_or_cut(width: int) -> None:
    shown = list(table(COLUMNS, rows(), width=width, now=NOW))
    for value in (*IDS, "https://receiver.example/a/rather/long/path/to/a/hook", "3 min ago", "answered 500"):
        assert any(value in line for line in shown)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_an_id_fits_into_a_terminal_of_forty_columns(width: int) -> None:
    for line in table(COLUMNS, rows(), width=width, now=NOW):
        if "wh_" in line:
            assert len(line.split("  ")[0]) <= width and len(line[: line.index("wh_") + 19]) <= width


def test_what_fits_stands_in_columns_and_what_does_not_is_stacked() -> None:
    wide = list(table(COLUMNS, rows(), width=200, now=NOW))
    assert len(wide) == 1 + len(IDS)
    assert len({line.index("active") for line in wide[1:]} | {wide[0].index("state")}) == 1
    narrow = list(table(COLUMNS, rows(), width=80, now=NOW))
    assert narrow[:2] == [f"id     {IDS[0]}", "state  active"]
    assert narrow.count("") == len(IDS) - 1


def test_wide_characters_are_counted_as_the_terminal_shows_them() -> None:
    shown = list(table(("name", "state"), [("新闻", "well"), ("news", "ill")], width=80, now=NOW))
    assert shown == ["name  state", "新闻  well", "news  ill"]


def test_what_strangers_wrote_commands_no_terminal() -> None:
    (line,) = list(table(("a",), [("x\x1b]0;owned\x07\x9b2J\ny",)], width=80, now=NOW))[1:]
    assert line == "x\ufffd]0;owned\ufffd\ufffd2J y"


def test_other_programs_get_one_line_for_each_row_with_times_in_full() -> None:
    assert list(separated([["a\tb\nc", NOW, None, ""]])) == ["a b c\t2026-03-02T09:00:00Z\t-\t"]


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=-59), "59 s ago"),
        (timedelta(seconds=90), "in 1 min"),
        (timedelta(hours=-23, minutes=-59), "23 h ago"),
        (timedelta(days=-1), "1 day ago"),
        (timedelta(days=29), "in 29 days"),
        (timedelta(days=-30), "2026-01-31"),
    ],
)
def test_a_time_is_told_by_its_distance(apart: timedelta, said: str) -> None:
    assert distance(NOW + apart, NOW) == said


def test_an_event_that_is_wider_than_the_terminal_stands_on_lines_of_its_own() -> None:
    title = "Panen garam naik\x1b[2J"
    event = Event(
        id="evt_1", type=EventType.ARTICLE_UPDATED, timestamp=NOW, source="desk", subject="a" * 32,
        data={"title": title}, changed=("title",), seq=7,
    )  # fmt: skip
    (whole,) = lines(event, None)
    assert whole == f"     7 2026-03-02T09:00:00Z article.updated     {'a' * 32} Panen garam naik\ufffd[2J [title]"
    narrow = lines(event, 40)
    assert all(len(line) <= 40 for line in narrow)
    assert [line.strip() for line in narrow][1:3] == ["article.updated", "a" * 32]


def test_the_words_of_an_error_command_no_terminal(installed: Path, publisher: Publisher) -> None:
    done = publisher("feeds", "show", "n\x1b[2J\x07", "--home", installed)
    assert done.code == 1
    assert "\x1b" not in done.err and "\x07" not in done.err and "n\ufffd[2J\ufffd" in done.err
