"""What a source refuses is shown by every command, whoever read it first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import Publisher

ARTICLE = {"title": "Panen garam naik", "body": "<p>Isi.</p>"}


@pytest.fixture
def refusing(installed: Path) -> Path:
    """An installation whose inbox holds a good file and five that are refused."""
    for number in range(5):
        (installed / f"inbox/bad{number}.json").write_text('{"title": "No body"}')
    return installed


def test_load_tells_what_is_refused_and_exits_1_also_where_another_read_it_first(
    refusing: Path, publisher: Publisher
) -> None:
    first = publisher("load", "--home", refusing)
    again = publisher("load", "--home", refusing)
    assert (first.code, again.code) == (1, 1)
    assert sum(line.startswith("  error: bad") for line in first.out.splitlines()) == 5
    assert sum(line.startswith("  still refused: bad") for line in again.out.splitlines()) == 5
    (report,) = json.loads(publisher("load", "--json", "--home", refusing).out)
    assert (report["ok"], report["refused"], len(report["refusals"]), report["problems"]) == (False, 5, 5, [])


def test_load_is_content_once_what_was_refused_is_mended(refusing: Path, publisher: Publisher) -> None:
    publisher("load", "--home", refusing)
    for number in range(5):
        (refusing / f"inbox/bad{number}.json").write_text(json.dumps({**ARTICLE, "title": f"Panen {number}"}))
    assert publisher("load", "--home", refusing).code == 0


def test_sources_shows_how_many_are_refused_and_why(refusing: Path, publisher: Publisher) -> None:
    publisher("load", "--home", refusing)
    publisher("load", "--home", refusing)
    (row,) = publisher("sources", "--home", refusing).rows
    assert row[3] == "well, 5 refused"
    assert row[-1].startswith("bad0.json: body: ") and row[-1].count("; bad") == 4
    (source,) = json.loads(publisher("sources", "--json", "--home", refusing).out)
    assert (source["state"], source["refused"]) == ("well", 5)
    assert source["refusals"][0].startswith("bad0.json: body: ")


def test_how_to_allow_an_address_is_shown_where_the_source_is(installed: Path, publisher: Publisher) -> None:
    sources = installed / "config/sources.toml"
    sources.write_text('[[source]]\nname = "site"\nkind = "page"\nurl = "http://127.0.0.1:8080/a"\nevery = "1m"\n')
    reason = "refused: 127.0.0.1 is not a public address"
    advised = f'{reason}; to allow it, add "127.0.0.1/32" to [fetch] allow_private_networks'
    assert f"site: failed: {advised}" in publisher("load", "--home", installed).out
    (row,) = publisher("sources", "--home", installed).rows
    assert row[3] == "failed 1 time" and row[-2].endswith(advised)
    (source,) = json.loads(publisher("sources", "--json", "--home", installed).out)
    assert source["last_error"] == advised
