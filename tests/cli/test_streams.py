"""Commands whose standard streams are closed, full, or read only in part: words and an exit code, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMANDS = ("keys list", "sources --json", "events", "feeds show news", "load")


def shell(command: str, home: Path, redirection: str) -> subprocess.CompletedProcess[str]:
    line = f"'{sys.executable}' -m publisher {command} --home '{home}' {redirection}"
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_standard_output_is_none_of_a_commands_business(command: str, loaded: Path) -> None:
    done = shell(command, loaded, ">&-")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["keys list", "load"])
def test_a_command_needs_no_standard_stream_at_all(command: str, loaded: Path) -> None:
    assert shell(command, loaded, "<&- >&- 2>&-").returncode == 0


@pytest.mark.parametrize("command", ["keys list", "feeds show news", "keys create --role editor"])
def test_output_that_cannot_be_written_is_told(command: str, loaded: Path) -> None:
    done = shell(command, loaded, ">/dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "publisher: cannot write: No space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["keys list --json", "events", "load"])
def test_a_reader_that_has_seen_enough_is_no_traceback(command: str, loaded: Path) -> None:
    assert shell(command, loaded, "| head -c 1 >/dev/null").stderr == ""


@pytest.fixture
def follower(loaded: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "publisher", "events", "--follow", "--home", str(loaded)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # A suite that a shell runs behind "&" ignores Ctrl-C, and what it starts would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}, **pipes)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        yield process
        process.kill()


def test_ctrl_c_ends_what_has_no_end_of_its_own_without_a_word(follower: subprocess.Popen[str]) -> None:
    assert follower.stdout
    follower.stdout.readline()
    follower.send_signal(signal.SIGINT)
    assert follower.communicate(timeout=60) == ("", "")
    assert follower.returncode == 130
