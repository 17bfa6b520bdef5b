"""The key ``nodes`` of a source: who reads what lies on a disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.service import write_installation
from typer.testing import CliRunner

from publisher import catalog
from publisher.cli.main import cli
from publisher.errors import ConfigErrors

FOLDER = '[[source]]\nname = "desk"\nkind = "folder"\npath = "inbox"\nprofile = "kontan-text"\n'
OWN = '[[source]]\nname = "own"\nkind = "support.kinds:Watched"\n'
FEED = '[[source]]\nname = "wire"\nkind = "feed"\nurl = "https://a.example/feed"\n'


def read(home: Path, text: str, *, shared: bool) -> catalog.Catalog:
    write_installation(home, {"config/sources.toml": text})
    return catalog.load(home, shared=shared)


@pytest.mark.parametrize("text", [FOLDER, OWN], ids=["folder", "a kind of one's own"])
def test_where_many_machines_share_a_database_what_lies_on_a_disk_must_say_on_whose(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigErrors) as found:
        read(tmp_path, text, shared=True)
    (fault,) = found.value.errors
    assert (fault.file, fault.key) == ("config/sources.toml", "source[0].nodes") or fault.key.endswith("nodes")
    assert 'nodes = ["a"]' in fault.reason and 'nodes = ["*"]' in fault.reason
    (one,) = read(tmp_path, f'{text}nodes = ["a", "b"]\n', shared=True).sources
    assert one.nodes == ("a", "b")
    (one,) = read(tmp_path, f'{text}nodes = ["*"]\n', shared=True).sources
    assert one.nodes == ("*",)


@pytest.mark.parametrize(("text", "shared"), [(FOLDER, False), (OWN, False), (FEED, True)])
def test_elsewhere_it_may_be_left_out(tmp_path: Path, text: str, shared: bool) -> None:
    (one,) = read(tmp_path, text, shared=shared).sources
    assert one.nodes == ()


@pytest.mark.parametrize("value", ["[]", '["a b"]', '[""]', '"a"', "[1]"])
def test_what_is_no_list_of_names_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigErrors) as found:
        read(tmp_path, f"{FEED}nodes = {value}\n", shared=True)
    assert all(fault.file == "config/sources.toml" and "nodes" in str(fault.key) for fault in found.value.errors)


def test_whoever_would_offer_such_a_source_is_told(tmp_path: Path, postgres_url: str) -> None:
    settings = f'[storage]\nurl = "{postgres_url}"\n'
    write_installation(tmp_path, {"config/publisher.toml": settings, "config/sources.toml": FOLDER})
    for command in ("check", "apply", "run"):
        result = CliRunner().invoke(cli, [command, "--home", str(tmp_path)])
        assert isinstance(result.exception, ConfigErrors), command
        assert any("nodes" in str(fault.key) for fault in result.exception.errors), command


def test_which_nodes_read_it_is_no_part_of_how_it_is_read(tmp_path: Path) -> None:
    digests = {read(tmp_path, FEED + more, shared=True).sources[0].digest for more in ("", 'nodes = ["a"]\n')}
    assert len(digests) == 1
