"""Commands run in the test's own process, and what came of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from publisher.cli.main import main

ARTICLE = {"title": "Panen garam naik", "body": "<p>Isi.</p>", "published": "2026-11-01T06:00:00Z"}


@dataclass(frozen=True)
class Done:
    """A command that has run."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """What it printed, as another program reads it."""
        return [line.split("\t") for line in self.out.splitlines()]


Publisher = Callable[..., Done]
"""Runs one command, as ``publisher`` would."""


def runner(capfd: pytest.CaptureFixture[str]) -> Publisher:
    """Runs commands whose output ``capfd`` captures."""

    def run(*arguments: object) -> Done:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        sys.stdout.flush()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Done(code or 0, *capfd.readouterr())

    return run
