"""``publisher sample``: a small newsroom to try things on, and a receiver that prints what it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, note, until_stopped, with_storage
from publisher.errors import PublisherError

if TYPE_CHECKING:
    from publisher.model import Key
    from publisher.storage.engine.database import Database

HOST, PORT = "127.0.0.1", 8081


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Something to try it with.", no_args_is_help=True)
    group.command()(newsroom)
    group.command()(receiver)
    cli.add_typer(group, name="sample")


def newsroom(
    host: Annotated[str, typer.Option("--host", help="Where it answers.")] = HOST,
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = PORT,
) -> None:
    """Run the sample newsroom.

    A site whose market moves every few seconds and whose news changes every half minute; `publisher run --sample`
    starts one too.
    """
    from publisher import telemetry
    from publisher.sample import run_newsroom

    telemetry.configure()
    try:
        until_stopped(run_newsroom(host, port, on_ready=lambda address: note(f"The sample newsroom is at {address}")))
    except OSError as error:
        raise PublisherError(f"the sample newsroom cannot answer at {host}:{port}: {error}") from error


def receiver(
    feed: Annotated[
        list[str] | None, typer.Option("--feed", help="A feed to follow; may be repeated. Default: all public.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="The publisher. Default: where that of --home listens.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="An API key. Default: one of its own, for as long as it runs.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Where it listens; 0 takes a free one.")] = 0,
    home: Home = HERE,
) -> None:
    """Print webhooks as they come.

    Registers itself at a running publisher, verifies each event and prints it, and unregisters when it ends.
    """
    from publisher.sample import run_receiver

    own: Key | None = None
    if key is None:
        own, key = with_storage(home, _own_key)
    try:
        until_stopped(run_receiver(url or _address(home), key, feed or _public_feeds(home), port))
    finally:
        if own is not None:
            with_storage(home, lambda db: _revoke(db, own.id))


async def _own_key(db: Database) -> tuple[Key, str]:
    from publisher.delivery.followers import permissions
    from publisher.model import Role

    # The receiver listens on this machine.
    return await db.write(permissions.create_key, Role.SUBSCRIBER, "sample-receiver", private_networks=True)


async def _revoke(db: Database, id: str) -> None:
    from publisher.delivery.followers import permissions

    await db.write(permissions.revoke_key, id)


def _address(home: Path) -> str:
    from publisher import settings

    server = settings.load(home).server
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)  # noqa: S104
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"


def _public_feeds(home: Path) -> list[str]:
    from publisher import catalog

    return [feed.name for feed in catalog.load(home).feeds.values() if feed.public]
