"""``publisher run``: the service."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import HERE, Home
from publisher.cli.sample import HOST, PORT
from publisher.errors import PublisherError

if TYPE_CHECKING:
    from publisher.app.installation import App

M_ARENA_MAX = -8
"""As malloc.h of glibc numbers it."""


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command()(run)


def run(
    home: Home = HERE,
    sample: Annotated[
        bool, typer.Option("--sample", help="Also run the sample newsroom, to have something to read.")
    ] = False,
    sample_port: Annotated[
        int, typer.Option("--sample-port", help="Where that answers, and is read; 0 takes a free one.")
    ] = PORT,
    role: Annotated[
        str, typer.Option("--role", help="What this process does: all, or web, ingest, deliver (several, by comma).")
    ] = "all",
) -> None:
    """Run the service.

    Server, scheduler and sender in one process, or one of them each, until SIGTERM or Ctrl-C.
    """
    from publisher import descriptors, telemetry
    from publisher.model.node import ROLES

    roles = taken_roles(role) or ROLES

    telemetry.configure()
    if (held := descriptors.raise_limit()) < descriptors.FEW:
        telemetry.logger(__name__).warning("service.few_descriptors", limit=held, wanted=descriptors.WANTED)
    _share_one_heap()
    _on_the_fastest_loop(_serve(home, roles, sample_port if sample else None))


def taken_roles(written: str) -> tuple[str, ...]:
    """The roles that ``--role`` names, none where that is all; raises BadParameter naming those that are known."""
    from publisher.app.roles import EVERY_ROLE, parse

    try:
        return () if written == EVERY_ROLE else parse(written)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--role") from None


async def _serve(home: Path, roles: tuple[str, ...], sample_port: int | None) -> None:
    from publisher.app.installation import App
    from publisher.app.serving import serve, spare_the_garbage_collector

    app = await App.open(home)
    if "alembic" in sys.modules:
        await app.close()
        _start_anew()
    try:
        async with contextlib.nullcontext() if sample_port is None else _sample_newsroom(app, sample_port):

            def ready(address: str) -> None:
                spare_the_garbage_collector()
                _announce(f"Publisher is ready: {address}")

            await serve(app, roles=roles, on_ready=ready)
    finally:
        await app.close()


@contextlib.asynccontextmanager
async def _sample_newsroom(app: App, port: int) -> AsyncIterator[None]:
    """The sample newsroom beside the service; it answers before the first source is read, wherever it is."""
    from publisher.sample import run_newsroom
    from publisher.sample.readdressing import readdressed

    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    newsroom = asyncio.create_task(run_newsroom(HOST, port, on_ready=ready.set_result), name="sample newsroom")
    either: set[asyncio.Future[Any]] = {ready, newsroom}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        reason = newsroom.exception()
        advice = "give it another with --sample-port, where 0 takes a free one"
        raise PublisherError(f"the sample newsroom cannot answer at {HOST}:{port}: {reason}; {advice}") from reason
    address = ready.result()
    app.adapt(lambda catalog: readdressed(catalog, f"http://{HOST}:{PORT}", address))
    try:
        _announce(f"The sample newsroom: {address}")
        yield
    finally:
        newsroom.cancel()
        await asyncio.gather(newsroom, return_exceptions=True)


def _announce(text: str) -> None:
    """Print it; a closed standard output does not stop the service."""
    with contextlib.suppress(OSError):
        typer.echo(text)


def _start_anew() -> None:
    """Replace this process with a new one of the same id: the code that has just made the schema would keep 12 MB."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # no shell is the point


def _share_one_heap() -> None:
    """Have glibc serve every thread from one heap: each of its own keeps what the thread once needed, 4 MB in all.

    Python runs one thread at a time anyway. (``MALLOC_ARENA_MAX`` does the same, for who starts the process.)
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # other C libraries have no such function
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _on_the_fastest_loop(work: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        asyncio.run(work)
    else:
        uvloop.run(work)
