"""``publisher apply``: have the files taken that define the installation."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from publisher.cli.common import HERE, Home, note


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command()(apply)


def apply(
    home: Home = HERE,
    force: Annotated[
        bool, typer.Option("--force", help="Whatever they take away: feeds that are gone are removed for good.")
    ] = False,
) -> None:
    """Have the files taken as they are now.

    The running service takes them; without one, the next start does. Exit code 1 if they are refused, because they
    take away too much at once or the service cannot go by them; 2 if something is wrong in them.
    """
    from publisher import telemetry
    from publisher.app.offering import apply as offer

    telemetry.configure(level="error")
    outcome, by_service = asyncio.run(offer(home, force=force))
    if not outcome.good:
        for line in outcome.lines:
            note(line if outcome.result == "broken" else f"{outcome.result}: {line}")
        raise typer.Exit(2 if outcome.result == "broken" else 1)
    where = "by the running service" if by_service else "for the next start; no service runs here"
    typer.echo(f"taken {where}" if outcome.result == "taken" else "unchanged: these files are in force already")
    for line in outcome.lines:
        typer.echo(line)
