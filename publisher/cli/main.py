"""The ``publisher`` command.

Exit codes: 0, it went well; 1, it did not; 2, the configuration or the command line is wrong. Errors go to standard
error in words; what another program may read stands alone on standard output.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from publisher import __version__
from publisher.cli import (
    apply,
    backup,
    events,
    feeds,
    keys,
    load,
    migrate,
    run,
    sample,
    service,
    setup,
    sources,
    webhooks,
)
from publisher.errors import ConfigError, ConfigErrors, PublisherError, RemovalRefused

FAILED, MISCONFIGURED, INTERRUPTED = 1, 2, 130

cli = typer.Typer(
    name="publisher",
    help="Turns what a newsroom already has into feeds that people subscribe to and webhooks that machines rely on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for room in (setup, run, apply, load, feeds, keys, webhooks, sources, events, sample, service, backup, migrate):
    room.register(cli)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"publisher {__version__}")
        raise typer.Exit


@cli.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@cli.command()
def version() -> None:
    """Show the version."""
    typer.echo(f"publisher {__version__}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit."""
    try:
        cli(args=list(arguments) if arguments is not None else None, prog_name="publisher")
    except (ConfigErrors, ConfigError) as error:
        typer.echo(str(error), err=True)
        raise SystemExit(MISCONFIGURED) from None
    except RemovalRefused as error:  # at a start: it waits for who can say whether that is meant
        typer.echo(f"publisher: {error}", err=True)
        raise SystemExit(MISCONFIGURED) from None
    except PublisherError as error:
        typer.echo(f"publisher: {error}", err=True)
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:  # as under `publisher feeds show news | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(FAILED) from None
    except OSError as error:
        if error.filename is None:
            raise  # nothing that the person who called could set right
        typer.echo(f"publisher: {error.filename}: {error.strerror}", err=True)
        raise SystemExit(FAILED) from None
