"""SIGHUP to a service on a terminal: the terminal was closed, or somebody asks for a reload."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.service import ROOT, migrated, write_installation


class Terminal:
    """A terminal on which one service runs, with its log on a pipe beside it."""

    def __init__(self, home: Path, *before: str) -> None:
        self._controller, own = pty.openpty()
        command = [*before, sys.executable, "-m", "publisher", "run", "--home", str(home)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=own,
            stdout=subprocess.DEVNULL if before else own,  # nohup would put a file in the place of a terminal
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(own)

    def close(self) -> None:
        """As the window is closed: the kernel sends SIGHUP to whoever runs in it."""
        os.close(self._controller)
        self._controller = -1

    def logged(self, event: str) -> dict[str, Any]:
        """Read the log up to this event."""
        assert self.process.stderr
        for line in self.process.stderr:
            if line.startswith("{") and (entry := json.loads(line))["event"] == event:
                return dict(entry)
        raise AssertionError(f"the service ended without {event}")

    def end(self) -> None:
        """Leave nothing behind."""
        if self._controller >= 0:
            self.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return migrated(write_installation(tmp_path / "newsroom"))


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    made: list[Terminal] = []
    yield made
    for one in made:
        one.end()


def test_a_terminal_that_is_closed_stops_the_service_in_order(home: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(home)
    terminals.append(terminal)
    terminal.logged("service.ready")
    terminal.close()
    terminal.logged("service.stopping")
    terminal.logged("service.stopped")
    assert terminal.process.wait(60) == 0


def test_sighup_on_a_terminal_that_is_there_reloads(home: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(home)
    terminals.append(terminal)
    terminal.logged("service.ready")
    terminal.process.send_signal(signal.SIGHUP)
    terminal.logged("config.unchanged")
    terminal.process.send_signal(signal.SIGTERM)
    terminal.logged("service.stopped")
    assert terminal.process.wait(60) == 0


def test_a_service_that_was_started_with_nohup_outlives_its_terminal(home: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(home, "nohup")
    terminals.append(terminal)
    terminal.logged("service.ready")
    terminal.close()
    terminal.process.send_signal(signal.SIGHUP)
    terminal.logged("config.unchanged")
    terminal.process.send_signal(signal.SIGTERM)
    terminal.logged("service.stopped")
    assert terminal.process.wait(60) == 0
