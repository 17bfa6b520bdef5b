"""What libraries log comes in the publisher's own form, and says nothing that is nobody's business."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from aiohttp.http_exceptions import BadHttpMessage

from publisher import telemetry


@pytest.fixture(autouse=True)
def logs_are_set_up_as_before() -> Iterator[None]:
    before, handlers = structlog.get_config(), list(logging.getLogger().handlers)
    yield
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def test_what_a_library_logs_is_one_json_line_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure(json=True)
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("some.library").exception("could not do %s", "it")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["module"], entry["event"], entry["level"]) == ("some.library", "library.logged", "error")
    assert entry["message"] == "could not do it"
    assert "ValueError: boom" in entry["exception"]


def test_what_a_library_logs_is_left_out_below_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure(json=True, level="error")
    logging.getLogger("some.library").warning("not now")
    assert capsys.readouterr().err == ""


def test_a_malformed_request_with_a_key_in_it_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure(json=True)
    try:
        raise BadHttpMessage("Invalid header value char: b'Authorization: Bearer pk_secret\\x01'")
    except BadHttpMessage as error:
        logging.getLogger("aiohttp.server").error("Error handling request from %s", "192.0.2.1", exc_info=error)
    assert capsys.readouterr().err == ""
