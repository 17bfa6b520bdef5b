"""Whether files that a node offers are an edit, and of what; and which release can read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from publisher.catalog import Documents
from publisher.catalog.documents import SOURCES
from publisher.catalog.edits import Decision, Present, Seen, decide
from publisher.catalog.history import Texts, compared, difference
from publisher.catalog.since import needs, reads
from publisher.configfile import parse_toml
from publisher.errors import EditRefused

NOW = Present(7, "seven", "north", datetime(2026, 11, 28, 6, 0, 0, 123, UTC))


@pytest.mark.parametrize(
    ("digest", "seen", "applied", "decision"),
    [
        ("seven", None, True, Decision.AGREE),
        ("seven", Seen("six", 6), True, Decision.AGREE),
        ("old", None, True, Decision.ADOPT),
        ("new", None, False, Decision.TAKE),
        ("six", Seen("six", 6), True, Decision.ADOPT),
        ("six", Seen("six", 7), True, Decision.ADOPT),
        ("new", Seen("seven", 7), False, Decision.TAKE),
        ("six", Seen("seven", 7), True, Decision.TAKE),
    ],
)
def test_files_are_taken_where_they_are_an_edit_of_what_is_in_force(
    digest: str, seen: Seen | None, applied: bool, decision: Decision
) -> None:
    assert decide(digest, seen, NOW, applied=applied, wins=False) is decision


def test_an_edit_of_files_that_others_came_after_is_refused_with_who_and_when_and_what_to_do() -> None:
    with pytest.raises(EditRefused) as refused:
        decide("new", Seen("six", 6), NOW, applied=False, wins=False)
    assert "version 7 was applied by north at 2026-11-28T06:00:00Z" in str(refused.value)
    assert "publisher config diff" in str(refused.value)
    assert "publisher apply --force" in str(refused.value)


def test_files_that_win_are_taken_whatever_is_in_force_unless_they_are() -> None:
    for seen in (None, Seen("six", 6), Seen("new", 6)):
        assert decide("new", seen, NOW, applied=True, wins=True) is Decision.TAKE
    assert decide("seven", None, NOW, applied=True, wins=True) is Decision.AGREE


def test_the_first_files_of_all_are_taken() -> None:
    assert decide("new", Seen("new", 3), None, applied=False, wins=False) is Decision.TAKE


def documents(**files: str) -> Documents:
    named = {name.replace("__", "/") + ".toml": text for name, text in files.items()}
    return Documents({name: parse_toml(text, name) for name, text in named.items()})


def test_definitions_need_the_latest_release_of_all_that_they_use() -> None:
    since = {("source", "nodes"): "0.2.0", ("kind", "sitemap"): "0.10.0", ("select", "words"): "0.3.0"}
    plain = '[[source]]\nname = "a"\nkind = "folder"\npath = "in"\n'
    assert needs(documents(config__sources=plain), since) == "0.1.0"
    assert needs(documents(config__sources=f'{plain}nodes = ["a"]\n'), since) == "0.2.0"
    assert needs(documents(feeds__a="[select]\nwords = []\n", config__sources=plain), since) == "0.3.0"
    newest = plain.replace("folder", "sitemap")
    assert needs(documents(feeds__a="[select]\nwords = []\n", config__sources=newest), since) == "0.10.0"


def test_a_release_reads_what_needs_it_or_one_before() -> None:
    assert reads("0.10.0", "0.9")
    assert reads("0.2.0", "0.2.0")
    assert reads("0.2.0", "")
    assert not reads("0.2.0", "0.10.0")


OLD = Texts(
    {"feeds/a.toml": "title = 1", SOURCES: '[[source]]\nname = "x"\n[[source]]\nname = "y"\n'},
    {"site.title": "Old", "site.language": "id"},
)
NEW = Texts(
    {"feeds/b.toml": "title = 1", SOURCES: '[[source]]\nname = "x"\nevery = "5s"\n[[source]]\nname = "y"\n'},
    {"site.title": "New", "site.language": "id"},
)


def test_versions_are_compared_by_the_names_that_people_gave_what_is_in_them() -> None:
    found = compared(OLD, NEW)
    assert found.lines() == ["added: feed b", "changed: setting site.title, source x", "removed: feed a"]
    assert compared(OLD, OLD).lines() == []


def test_a_difference_is_a_unified_diff_of_all_files_and_of_the_shared_settings() -> None:
    lines = difference(OLD, NEW, "version 1", "version 2").splitlines()
    for line in ("--- feeds/a.toml (version 1)", "+++ feeds/b.toml (version 2)", '+every = "5s"'):
        assert line in lines
    assert lines[-3:] == [' site.language = "id"', '-site.title = "Old"', '+site.title = "New"']
    assert difference(OLD, OLD, "a", "b") == ""
    more = Texts({**OLD.files, "feeds/empty.toml": ""}, OLD.settings)
    assert difference(OLD, more, "a", "b").splitlines() == ["--- /dev/null", "+++ feeds/empty.toml (b)"]
