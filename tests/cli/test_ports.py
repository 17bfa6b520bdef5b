"""Ports: the one that a new installation is given, and the one that the sample newsroom answers at."""

from __future__ import annotations

import re
import shutil
import socket
from contextlib import closing
from pathlib import Path

import pytest
from support.commands import Publisher
from support.service import ROOT

from publisher import catalog, settings
from publisher.cli import setup
from publisher.sample.readdressing import readdressed


def test_init_takes_a_port_that_is_free_and_writes_it_wherever_it_stands(
    home: Path, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken, closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        ports = [taken.getsockname()[1], free.getsockname()[1]]
        free.close()
        monkeypatch.setattr(setup, "PORTS", ports)
        made = publisher("init", home)
        assert f"Port {ports[0]} is taken here, so it will answer at {ports[1]}" in made.err
    loaded = settings.load(home)
    assert (loaded.server.port, loaded.site.url) == (ports[1], f"http://127.0.0.1:{ports[1]}")
    assert publisher("check", "--home", home).err == ""


def test_init_writes_the_port_that_it_is_given(home: Path, publisher: Publisher) -> None:
    publisher("init", home, "--port", 9123)
    loaded = settings.load(home)
    assert (loaded.server.port, loaded.site.url) == (9123, "http://127.0.0.1:9123")


@pytest.mark.parametrize(
    ("url", "port", "warns"),
    [
        ("http://127.0.0.1:8080", 9000, "leads to port 8080, but [server] port is 9000"),
        ("http://localhost", 8080, "leads to port 80, but [server] port is 8080"),
        ("http://127.0.0.1:8080", 0, "leads to port 8080, but [server] port = 0"),
        ("http://127.0.0.1:9000", 9000, ""),
        ("https://news.example.org", 8080, ""),
        ("https://127.0.0.1", 8080, ""),
    ],
)
def test_check_warns_where_the_address_and_the_port_disagree(
    url: str, port: int, warns: str, installed: Path, publisher: Publisher
) -> None:
    (installed / "config/publisher.toml").write_text(f'[site]\nurl = "{url}"\n[server]\nport = {port}\n')
    checked = publisher("check", "--home", installed)
    assert checked.code == 0
    assert warns in checked.err and bool(checked.err) == bool(warns)


def test_a_new_installation_has_a_feed_of_indicators(installed: Path) -> None:
    found = catalog.load(installed)
    assert found.feeds["indicators"].items == "indicators"


def test_wherever_the_sample_newsroom_answers_all_its_sources_are_read_there() -> None:
    found = catalog.load(ROOT)
    moved = readdressed(found, "http://127.0.0.1:8081", "http://127.0.0.1:40123")
    assert "127.0.0.1:8081" not in repr(moved.sources)
    places = re.findall(r"http://127\.0\.0\.1:40123/", repr(moved.sources))
    assert len(places) == len(re.findall(r"http://127\.0\.0\.1:8081/", repr(found.sources))) > 3
    assert (moved.feeds, moved.indicators) == (found.feeds, found.indicators)
    assert readdressed(found, "http://127.0.0.1:808", "http://x") == found, "808 is not the beginning of 8081"


def test_a_sample_port_that_is_taken_is_told_with_the_option_that_changes_it(tmp_path: Path) -> None:
    from test_machine_faults import publisher as command

    for name in ("config", "feeds", "inbox"):
        shutil.copytree(ROOT / name, tmp_path / name)
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        code, said = command("run", "--sample", "--sample-port", port, "--home", tmp_path)
    assert code == 1
    assert said[-1].startswith(f"publisher: the sample newsroom cannot answer at 127.0.0.1:{port}: ")
    assert said[-1].endswith("; give it another with --sample-port, where 0 takes a free one")
