"""Lines that are said over and over are written once a minute, with how often; none is lost."""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from publisher import telemetry
from publisher.telemetry import FOLD_SECONDS, MOST_FOLDED, Folding


class Log:
    """What a folding log writes, at a time that tests set."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []
        self.seconds = 0.0
        self.folding = Folding(lambda line: self.written.append(dict(line)), now=lambda: self.seconds)

    def say(self, event: str, **values: Any) -> None:
        with contextlib.suppress(structlog.DropEvent):
            self.written.append(dict(self.folding(None, "info", {"event": event, **values})))


@pytest.fixture
def log() -> Log:
    return Log()


def test_equal_lines_are_written_at_once_and_then_counted_once_a_minute(log: Log) -> None:
    for second in range(180):
        log.seconds = float(second)
        log.say("source.read", source="market", items=11)
    assert [line.get("repeated") for line in log.written] == [None, 59, 60]
    log.folding.flush(everything=True)
    assert 1 + 59 + 60 + log.written[-1]["repeated"] == 180


def test_lines_that_differ_in_any_value_are_each_written(log: Log) -> None:
    for number in range(5):
        log.say("source.read", source="market", items=number)
        log.say("source.failed", source=f"s{number}")
    assert len(log.written) == 10


def test_silence_after_a_repetition_leaves_its_number_untold_for_a_minute_at_most(log: Log) -> None:
    log.say("source.read")
    log.say("source.read")
    log.seconds = FOLD_SECONDS
    log.folding.flush()
    assert log.written[-1] == {"event": "source.read", "repeated": 1}
    log.seconds = 3 * FOLD_SECONDS
    log.folding.flush()
    log.say("source.read")
    assert log.written[-1] == {"event": "source.read"}


def test_an_error_is_told_with_its_number_and_its_words(log: Log) -> None:
    for _ in range(3):
        try:
            raise ValueError("no space left")
        except ValueError:
            log.say("service.task_failed", level="error", exc_info=True)
    log.folding.flush(everything=True)
    first, number = log.written
    assert first["exc_info"] is True
    assert number == {
        "event": "service.task_failed", "level": "error", "fault": "ValueError: no space left", "repeated": 2
    }  # fmt: skip


def test_two_errors_in_one_place_are_two_lines(log: Log) -> None:
    for words in ("disk full", "database is locked"):
        try:
            raise OSError(words)
        except OSError:
            log.say("service.task_failed", exc_info=True)
    assert len(log.written) == 2


def test_however_many_different_lines_there_are_few_are_remembered_and_none_goes_uncounted(log: Log) -> None:
    for number in range(3 * MOST_FOLDED):
        log.say("request.failed", path=f"/{number}")
        log.say("request.failed", path=f"/{number}")
    assert len(log.folding._seen) <= MOST_FOLDED
    log.folding.flush(everything=True)
    assert sum(line.get("repeated", 1) for line in log.written) == 6 * MOST_FOLDED


def test_what_answers_an_edit_is_written_each_time(log: Log) -> None:
    for _ in range(3):
        log.say("config.kept", errors=1)
    assert len(log.written) == 3


@pytest.fixture
def _configured() -> Iterator[None]:
    before, handlers = structlog.get_config(), list(logging.getLogger().handlers)
    yield
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


PROGRAM = """
from publisher import telemetry
telemetry.configure(json=True)
log = telemetry.logger("here")
for _ in range(4):
    log.warning("source.problem", source="desk")
"""


def test_a_process_that_ends_has_told_every_number() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, number = map(json.loads, done.stderr.splitlines())
    assert "repeated" not in first
    assert (number["event"], number["source"], number["level"], number["repeated"]) == (
        "source.problem", "desk", "warning", 3
    )  # fmt: skip


@pytest.mark.usefixtures("_configured")
def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115  # closing it fails, as writing to it does
    monkeypatch.setattr(sys, "stderr", full)
    telemetry.configure(json=True)
    for number in range(100):
        telemetry.logger("here").error("service.task_failed", number=number)
    with pytest.raises(OSError, match="No space left"):
        full.close()
