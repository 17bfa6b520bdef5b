"""What commands share: the installation they work on, and how they print."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from publisher.app.installation import App
    from publisher.catalog import Catalog
    from publisher.storage.access.sealing import Sealer
    from publisher.storage.engine.database import Database

T = TypeVar("T")

Home = Annotated[Path, typer.Option("--home", metavar="DIR", help="The installation's folder.", show_default="here")]
HERE = Path(".")


def with_app(home: Path, action: Callable[[App], Awaitable[T]]) -> T:
    """Open the installation, do one thing with it, and close it; nothing of it runs meanwhile.

    On PostgreSQL it uses the definitions in force, on SQLite the files.
    """
    from publisher import telemetry
    from publisher.app.installation import App

    telemetry.configure(level="error")

    async def perform() -> T:
        app = await App.open(home, offers=False)
        try:
            return await action(app)
        finally:
            await app.close()

    return asyncio.run(perform())


def defined(home: Path) -> tuple[Catalog, str]:
    """The definitions that commands use, and the address of the site: on SQLite those of the files.

    Raises ConfigErrors with everything that is wrong in the files, where they are what counts.
    """
    from publisher import catalog, settings

    loaded = settings.load(home)
    if loaded.storage.single_node:
        return catalog.load(home), loaded.site.url

    async def ask(app: App) -> tuple[Catalog, str]:
        return app.catalog, app.site.url

    return with_app(home, ask)


def with_storage(home: Path, action: Callable[[Database], Awaitable[T]]) -> T:
    """Open the installation's storage alone and do one thing with it.

    What is wrong elsewhere in the configuration, in a feed's file say, is no reason not to revoke a key: faults of
    ``publisher.toml`` outside ``[storage]`` are warnings here, and no other file is read.
    """
    return with_sealed(home, lambda db, _: action(db))


def with_sealed(home: Path, action: Callable[[Database, Sealer], Awaitable[T]]) -> T:
    """As :func:`with_storage`, for what also opens or seals secrets."""
    from publisher import settings, telemetry
    from publisher.app.opening import open_storage

    telemetry.configure(level="error")
    storage, faults = settings.load_storage(home)
    for fault in faults:
        note(f"warning: {fault}")

    async def perform() -> T:
        db, sealer = await open_storage(home, storage.url)
        try:
            return await action(db, sealer)
        finally:
            await db.close()

    return asyncio.run(perform())


def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run something endless until SIGTERM, Ctrl-C or a closed terminal; let it end in order."""

    async def perform() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(perform())


def note(message: str) -> None:
    """Something for the person at the terminal, apart from the command's output."""
    typer.echo(message, err=True)


def show_json(value: Any) -> None:
    """Print a value as indented JSON."""
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
