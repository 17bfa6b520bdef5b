"""``publisher sample``: a small newsroom to try things on, and a receiver that prints what it is sent."""

from __future__ import annotations

import typer


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
