"""A wall clock that is put while a program runs (libfaketime); the monotonic one goes on as it does."""

from __future__ import annotations

import subprocess
from pathlib import Path


def preloaded(faketime: str) -> str:
    """The library that the program has others load."""
    done = subprocess.run([faketime, "-f", "+0s", "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def faked(library: str, clock: Path) -> dict[str, str]:
    """The environment of a process whose wall clock, and that alone, is what the file says: ``+2h``."""
    return {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
