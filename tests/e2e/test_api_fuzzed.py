"""The API of a running service does what its description says, whatever is sent: schemathesis finds nothing."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from support.service import Service, key_of, serving, write_installation

from publisher.model import Role

EXAMPLES = 4
"""Requests that are made up for each operation, good ones and bad ones, beside those that cover what it says."""

_WEBHOOK = "/api/v1/webhooks/{id}"

UNREACHED = frozenset(
    {
        # Of a delivery, which there is once an event is told, under an id that no answer to a request holds.
        f"POST {_WEBHOOK}/deliveries/{{delivery}}/retry",
        f"GET {_WEBHOOK}/deliveries/{{delivery}}/attempts/{{number}}",
        # Of an attempt that succeeded: no receiver of made-up webhooks is there.
        f"GET {_WEBHOOK}/last-success",
        # Of a replay that is not over: one that finds nothing to send is, at once.
        *(f"POST {_WEBHOOK}/replays/{{replay}}/{verb}" for verb in ("pause", "resume", "cancel")),
    }
)
"""Operations that succeed only on what no request makes; ``test_web_openapi_webhooks.py`` has what they answer then."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)

# A page of the log that waits costs its seconds and shows nothing else.
CONFIG = """
[[operations]]
include-name = "GET /api/v1/events"
parameters = { "query.wait" = 0 }
"""


async def fuzzed(service: Service, key: str, document: str, folder: Path, *options: str) -> tuple[int, str]:
    """The exit code of schemathesis, and what it printed."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG)
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "schemathesis"),
        *("--config-file", str(config), "run", document, "--url", service.url),
        *("-H", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS)),
        *("--phases", "examples,coverage,fuzzing", "-n", str(EXAMPLES), "--generation-deterministic"),
        *("--no-color", "--warnings", "off", "--continue-on-failure", *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, out.decode()


def succeeded(har: Any, document: Any) -> set[str]:
    """The operations that answered a request with 2xx."""
    found = {(one["request"]["method"], urlsplit(one["request"]["url"]).path) for one in har if is_success(one)}
    return {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if any(of == method.upper() and re.fullmatch(re.sub(r"\{\w+\}", ".+", path), to) for of, to in found)
    }


def is_success(entry: Any) -> bool:
    return 200 <= entry["response"]["status"] < 300


@pytest.fixture
def home(tmp_path: Path) -> Path:
    market = 'title = "Pasar"\nitems = "indicators"\n'
    return write_installation(tmp_path / "home", {"feeds/market.toml": market})


async def test_whatever_is_sent_the_api_answers_as_it_says(home: Path, tmp_path: Path) -> None:
    key = await key_of(home, Role.OPERATOR)
    async with serving(home) as service:
        document = await described(service)
        # From a file, since it asks nothing of the address that it has a description from.
        har, written = tmp_path / "requests.har", tmp_path / "openapi.json"
        written.write_text(json.dumps(document))
        reported = ("--report", "har", "--report-har-path", str(har))
        code, said = await fuzzed(service, key, str(written), tmp_path, *reported)
        assert code == 0, said[-20_000:]
    operations = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    # Without a request that is taken, nothing is known of an operation.
    taken = succeeded(json.loads(har.read_text())["log"]["entries"], document)
    assert operations - UNREACHED == taken - UNREACHED


async def test_what_is_not_as_it_says_would_be_found(home: Path, tmp_path: Path) -> None:
    key = await key_of(home, Role.OPERATOR)
    async with serving(home) as service:
        document = await described(service)
        shapes = document["components"]["schemas"]
        shapes["EventTypes"]["properties"]["event_types"] = {"type": "integer"}
        wrong = tmp_path / "wrong.json"
        wrong.write_text(json.dumps(document))
        code, said = await fuzzed(service, key, str(wrong), tmp_path, "--include-path", "/api/v1/event-types")
        assert code == 1
        assert "Response violates schema" in said


async def described(service: Service) -> Any:
    """What the service says of itself."""
    async with aiohttp.ClientSession() as client, client.get(f"{service.url}/api/openapi.json") as answer:
        return await answer.json()
