"""``publisher run``: the service."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from publisher.cli.common import HERE, Home


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command()(run)


def run(
    home: Home = HERE,
    sample: Annotated[
        bool, typer.Option("--sample", help="Also run the sample newsroom, to have something to read.")
    ] = False,
) -> None:
    """Run the service.

    Server, scheduler and sender in one process, until SIGTERM or Ctrl-C.
    """
    from publisher import telemetry

    telemetry.configure()
    _on_the_fastest_loop(_serve(home, sample))


async def _serve(home: Path, sample: bool) -> None:
    from publisher.app import App

    app = await App.open(home)
    try:
        await app.serve(on_ready=lambda address: typer.echo(f"Publisher is ready: {address}"))
    finally:
        await app.close()


def _on_the_fastest_loop(work: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        asyncio.run(work)
    else:
        uvloop.run(work)
