"""``publisher secrets``: the key that the webhooks' secrets are sealed with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from publisher.cli.common import HERE, Home, note
from publisher.cli.tables import show_table


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="The key that the webhooks' secrets are sealed with.", no_args_is_help=True)
    group.callback()(_group)
    group.command()(renew)
    cli.add_typer(group, name="secrets")


def _group() -> None:
    """Keep the command's name, though it is the only one."""


def renew(home: Home = HERE) -> None:
    """Go on where data/secret-storage.key is lost for good; stop the publisher first.

    Every webhook whose secret does not open gets a new one. Prints id and new secret (or public key) of each, for their
    owners; headers, Authorization and client certificates that were sealed with it have to be given again.
    """
    from publisher import settings, telemetry

    telemetry.configure(level="error")
    storage, faults = settings.load_storage(home)
    for fault in faults:
        note(f"warning: {fault}")
    found = asyncio.run(_renew(home, storage.url))
    show_table(("id", "secret"), found)
    note(f"{len(found)} secrets were made anew" + ("; tell each to the webhook's owner" if found else ""))


async def _renew(home: Path, url: str) -> list[tuple[str, str]]:
    from publisher.app.opening import open_database
    from publisher.delivery.credentials import Credentials
    from publisher.errors import SecretError
    from publisher.storage.access.sealing import Sealer
    from publisher.storage.configuration import installation
    from publisher.storage.engine.database import Tx
    from publisher.storage.subscriptions import credentials, subscriptions

    def write(tx: Tx) -> list[tuple[str, str]]:
        made = []
        for id_, sealed in installation.secrets_of(tx).items():
            try:
                sealer.unseal(sealed)
            except SecretError:
                own = Credentials.new(subscriptions.existing(tx, id_).credentials.signature)
                credentials.replace(tx, id_, sealer.seal(own.written()), own.shown())
                made.append((id_, " ".join(one for one in (own.secret, own.public_key) if one)))
        installation.claim(tx, sealer.proof())
        installation.prove(tx, sealer.proof())
        return made

    db, _ = await open_database(home, url)  # before a key is made: a data folder that is not mounted has neither
    try:
        sealer = Sealer.open(home / "data")
        return await db.write(write)
    finally:
        await db.close()
