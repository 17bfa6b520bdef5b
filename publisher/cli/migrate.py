"""``publisher migrate``: move an installation's data to PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, note
from publisher.errors import PublisherError

if TYPE_CHECKING:
    from publisher.storage.transfer.transfer import Progress


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command()(migrate)


def migrate(
    to: Annotated[
        str, typer.Option("--to", metavar="URL", help="postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE, empty.")
    ],
    home: Home = HERE,
) -> None:
    """Copy the data from SQLite to PostgreSQL.

    Stop the publisher first. Every row is compared afterwards; cut off, the same command goes on where it ended. The
    SQLite file stays as it is.
    """
    from publisher import settings
    from publisher.storage.access.sealing import KEY_FILE
    from publisher.storage.transfer.backup import database_file
    from publisher.storage.transfer.transfer import masked, target_url, transfer

    target = target_url(to)
    stored = settings.load(home).storage.url
    if not stored.startswith("sqlite"):
        raise PublisherError(
            "[storage] url in config/publisher.toml names PostgreSQL already; there is nothing to move"
        )
    data = home / "data"
    with _shown() as report:
        done = asyncio.run(transfer(database_file(stored, data), target, report=report))
    typer.echo(f"{sum(done.rows.values())} rows in {len(done.rows)} tables are the same on both sides")
    if done.found:
        note(f"{done.found} of them had been copied before")
    typer.echo(f'\nNow put this into config/publisher.toml:\n\n[storage]\nurl = "{masked(target)}"\n')
    note(
        ("Write the password in the place of ***.\n" if masked(target) != target else "")
        + f"Keep {data / KEY_FILE}: the webhooks' secrets are sealed with it, on PostgreSQL as well.\n"
        "Feeds are fetched anew once, and whoever polls the API is told to go on where they were."
    )


@contextmanager
def _shown() -> Iterator[Callable[[Progress], None]]:
    """On a terminal a bar for each stage, which shows the table it is at; otherwise a line for each table."""
    if not sys.stdout.isatty():
        yield _line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    with Bars(TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bars:
        tasks = {}

        def move(progress: Progress) -> None:
            text = f"{progress.stage} {progress.table}"
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task(text)
            bars.update(tasks[progress.stage], description=text, completed=progress.done, total=progress.total)

        yield move


def _line(progress: Progress) -> None:
    if progress.done == progress.total:
        typer.echo(f"{progress.stage} {progress.table}: {progress.total} rows")
