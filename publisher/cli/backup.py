"""``publisher backup`` and ``publisher restore``: the installation's data as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.common import HERE, Home, note


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command()(backup)
    cli.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The tar to write; one that is there is replaced.")],
    home: Home = HERE,
) -> None:
    """Write the data to one file, while the publisher runs.

    Holds the database and the key of its secrets, so keep it as you would keep a password.
    """
    from publisher import __version__, clock
    from publisher.storage.transfer import backup as storage

    data = home / "data"
    made = storage.backup(_database(home), data, file.absolute(), now=clock.now(), publisher=__version__)
    for name, size, _ in made.files:
        typer.echo(f"{file}: {name}, {size:,} bytes")
    note(f"It holds the log up to event {made.last_seq}.")
    if made.has_key:
        note(f"It also holds the key that opens the webhooks' secrets: who has {file} has them (mode 0600).")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `publisher backup` wrote.")],
    home: Home = HERE,
    force: Annotated[
        bool, typer.Option("--force", help="Also while a process has the database open; restart that at once.")
    ] = False,
) -> None:
    """Put a backup in the place of the present data.

    What was there is kept beside it, with .before-restore in its name.
    """
    from publisher import clock
    from publisher.app import marker
    from publisher.storage.transfer import backup as storage

    data = home / "data"
    done = storage.restore(file.absolute(), _database(home), data, now=clock.now(), force=force)
    marker.remove(home)  # the next start takes what was restored for the installation's own
    typer.echo(f"restored the backup of {done.backup.taken_at}, up to event {done.backup.last_seq}")
    for path in done.kept:
        typer.echo(f"kept {path}")
    note("Whoever polls the API is told to go on after that event; feeds are fetched anew.")
    note("What was waiting to be sent when it was taken is sent again: receivers tell a repeat by its webhook-id.")


def _database(home: Path) -> Path:
    from publisher import settings
    from publisher.storage.transfer.backup import database_file

    return database_file(settings.load(home).storage.url, home.absolute() / "data")
