"""The ``publisher`` command.

Exit codes: 0, it went well; 1, it did not; 2, the configuration or the command line is wrong. Errors go to standard
error in words; what another program may read stands alone on standard output.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Annotated

import typer

from publisher import __version__
from publisher.cli import (
    apply,
    backup,
    config,
    deliveries,
    events,
    feeds,
    keys,
    load,
    maintenance,
    migrate,
    nodes,
    run,
    sample,
    secrets,
    service,
    setup,
    sources,
    webhooks,
)
from publisher.cli.tables import printable
from publisher.errors import ConfigError, ConfigErrors, PublisherError, RemovalRefused
from publisher.redaction import redacted

FAILED, MISCONFIGURED, INTERRUPTED = 1, 2, 130

FEW_COLLECTIONS = 50_000
"""Objects made and not freed before Python's garbage collector looks at the newest (700 as Python comes). What a start
makes, modules above all, stays: to look at it again and again is a fifteenth of the CPU of a command."""

OUTPUT_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""The errors of writing to a file or a terminal."""

cli = typer.Typer(
    name="publisher",
    help="Turns what a newsroom already has into feeds that people subscribe to and webhooks that machines rely on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for room in (
    setup,
    run,
    apply,
    config,
    load,
    feeds,
    keys,
    webhooks,
    deliveries,
    sources,
    nodes,
    events,
    sample,
    service,
    backup,
    maintenance,
    migrate,
    secrets,
):
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


def _without_passwords(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python's own report of what nothing has caught, which may quote an address."""
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit."""
    gc.set_threshold(FEW_COLLECTIONS)
    sys.excepthook = _without_passwords
    _provide_streams()
    try:
        cli(args=list(arguments) if arguments is not None else None, prog_name="publisher")
    except (ConfigErrors, ConfigError) as error:
        typer.echo(printable(str(error)), err=True)
        raise SystemExit(MISCONFIGURED) from None
    except RemovalRefused as error:  # at a start: it waits until someone says whether that is meant
        typer.echo(printable(f"publisher: {error}"), err=True)
        raise SystemExit(MISCONFIGURED) from None
    except PublisherError as error:
        typer.echo(printable(f"publisher: {error}"), err=True)
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:  # as under `publisher feeds show news | head`
        _drop_output()
        raise SystemExit(FAILED) from None
    except OSError as error:
        if error.filename is None and error.errno in OUTPUT_FAULTS:
            _drop_output()
            typer.echo(f"publisher: cannot write: {error.strerror}", err=True)
            raise SystemExit(FAILED) from None
        if error.filename is None:
            raise  # nothing that the caller could correct
        typer.echo(f"publisher: {error.filename}: {error.strerror}", err=True)
        raise SystemExit(FAILED) from None


def _provide_streams() -> None:
    """Put /dev/null where a standard stream was closed, as by ``>&-``: no command need know of that.

    Else the next file that is opened, the database say, would be what is printed to.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


def _drop_output() -> None:
    """Discard what is still buffered for standard output, instead of failing once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
