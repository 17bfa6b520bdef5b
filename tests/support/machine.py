"""What a test needs of the machine. Missing, it is a named skip on a developer's machine and a failure in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def needs(program: str) -> pytest.MarkDecorator:
    """Mark a test that runs a program of this name."""
    missing = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason=f"{program} is not installed here; CI installs it")
