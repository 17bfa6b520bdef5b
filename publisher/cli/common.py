"""What commands share: the installation they work on, and how they print."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from publisher.app import App

T = TypeVar("T")

Home = Annotated[Path, typer.Option("--home", metavar="DIR", help="The installation's folder.", show_default="here")]
HERE = Path(".")


def with_app(home: Path, action: Callable[[App], Awaitable[T]]) -> T:
    """Open the installation, do one thing with it, and close it; nothing of it runs meanwhile."""
    from publisher import telemetry
    from publisher.app import App

    telemetry.configure(level="error")

    async def perform() -> T:
        app = await App.open(home)
        try:
            return await action(app)
        finally:
            await app.close()

    return asyncio.run(perform())


def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run something that has no end of its own until SIGTERM or Ctrl-C, and let it end in order."""

    async def perform() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(perform())


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; lines of tab-separated values otherwise, for other programs to read."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(value.replace("\t", " ") for value in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def note(message: str) -> None:
    """Something for the person at the terminal, apart from the command's output."""
    typer.echo(message, err=True)


def moment(value: datetime | None) -> str:
    """A time as it is shown; ``-`` where there is none."""
    from publisher.clock import rfc3339

    return rfc3339(value.replace(microsecond=0)) if value else "-"
