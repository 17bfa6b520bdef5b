"""Broken configuration is told in words, one line for each fault, with its file and key; never by a traceback."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hostile.configurations import BROKEN, FEED, SOUND, Broken

from publisher.cli.main import main

SECRET = "geheim"


def write(home: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)


def check(home: Path, capfd: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["check", "--home", str(home)])
    return (ended.value.code or 0, *capfd.readouterr())


def test_the_installation_that_the_cases_break_is_sound(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, SOUND)
    assert check(tmp_path, capfd) == (0, "sources: 4, feeds: 1, indicators: 1; nothing is wrong\n", "")


@pytest.mark.parametrize("text", ["\ufeff" + SOUND[FEED], SOUND[FEED].replace("\n", "\r\n")], ids=["BOM", "CRLF"])
def test_what_editors_of_other_systems_write_is_read(
    text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, SOUND)
    (tmp_path / FEED).write_bytes(text.encode())
    (tmp_path / "feeds/.#news.toml").symlink_to("someone@somewhere")
    assert check(tmp_path, capfd)[0] == 0


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: re.sub(r"[^\w./=:-]+", "-", case.name)[:80])
def test_each_broken_configuration_is_told_by_file_and_key(
    case: Broken, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, SOUND)
    case.change(tmp_path)
    for name, value in case.variables.items():
        monkeypatch.setenv(name, value)

    code, out, err = check(tmp_path, capfd)

    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert any(line.startswith(case.told) for line in lines), err
    assert all(re.match(r"(config/|feeds\b|environment: )[^\n]*: \S", line) for line in lines), err
    assert all(line.isprintable() and len(line) < 700 for line in lines)
    assert "Traceback" not in err and SECRET not in err


def test_there_are_more_than_300_of_them_and_each_has_its_own_name() -> None:
    names = [case.name for case in BROKEN]
    assert len(set(names)) == len(names) > 300
