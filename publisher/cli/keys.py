"""``publisher keys``: who may use the API."""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, note, show_json, with_storage
from publisher.cli.rotating import overlap_seconds
from publisher.cli.storagekey import rotate_storage
from publisher.cli.tables import show_table

if TYPE_CHECKING:
    from publisher.model import Key
    from publisher.storage.engine.database import Database, Tx

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `publisher keys list` shows it.")]


class RoleName(StrEnum):
    """The roles of a key, the lowest first; each includes those before it."""

    SUBSCRIBER = "subscriber"
    EDITOR = "editor"
    OPERATOR = "operator"


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="API keys.", no_args_is_help=True)
    group.command()(create)
    group.command("list")(list_keys)
    group.command()(revoke)
    group.command()(rotate)
    group.command()(rotate_storage)
    cli.add_typer(group, name="keys")


def create(
    role: Annotated[
        RoleName,
        typer.Option("--role", help="subscriber: registers webhooks; editor: also pushes items; operator: everything."),
    ],
    owner: Annotated[
        str | None,
        typer.Option("--owner", help="Whose key it is; keys of one owner see the same webhooks. Default: a new owner."),
    ] = None,
    private_networks: Annotated[
        bool | None,
        typer.Option(
            "--private-networks/--public-networks",
            help="Whether webhooks may be registered with it in private networks that [delivery] opens. "
            "Default: an operator's may.",
            show_default=False,
        ),
    ] = None,
    home: Home = HERE,
) -> None:
    """Make a key and print it.

    It stands alone on standard output. It cannot be shown again: only its hash is kept.
    """
    from publisher.delivery.followers import permissions
    from publisher.model import Role

    name = owner or f"{role.value}-{secrets.token_hex(4)}"

    def write(tx: Tx) -> tuple[Key, str]:
        return permissions.create_key(tx, Role(role.value), name, private_networks=private_networks)

    key, secret = with_storage(home, lambda db: db.write(write))
    note(f"{key.id}: {key.role.value} key of {key.owner}")
    typer.echo(secret)


def list_keys(
    home: Home = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list of keys.")] = False,
) -> None:
    """List the keys, revoked ones too.

    Shows id, role, owner, how the key begins, when it was made, used last (to the hour) and revoked; which webhook
    alone it opens, or that webhooks may be registered with it in private networks.
    """
    from publisher.storage.access import keys

    found = with_storage(home, lambda db: db.read(keys.list_))
    if as_json:
        show_json([key.model_dump(mode="json") for key in found])
        return
    rows = [
        (
            key.id, key.role.value, key.owner, f"{key.prefix}…", key.created_at, key.last_used_at, key.revoked_at,
            key.webhook or ("private networks" if key.private_networks else ""),
        )
        for key in found
    ]  # fmt: skip
    show_table(("id", "role", "owner", "key", "made", "used", "revoked", "for"), rows)


def revoke(
    id: KeyId,
    *,
    keep_webhooks: Annotated[
        bool, typer.Option("--keep-webhooks", help="Its owner's webhooks go on, by what this key may follow.")
    ] = False,
    home: Home = HERE,
) -> None:
    """Make a key open nothing from now on.

    What its owner may not follow by another key is sent to the owner's webhooks no more, retries included.
    """
    from publisher.delivery.followers import permissions

    key = with_storage(home, lambda db: db.write(permissions.revoke_key, id, keep_webhooks=keep_webhooks))
    note(f"{key.id}: revoked")


def rotate(
    id: KeyId,
    *,
    overlap: Annotated[
        str, typer.Option("--overlap", help='How long the old secret is valid beside the new one, "0s" to "7d".')
    ] = "0s",
    home: Home = HERE,
) -> None:
    """Give a key a new secret and print that.

    It stands alone on standard output; the old one opens nothing once the overlap has ended, by default from now on.
    """
    from publisher.storage.access import keys

    seconds = overlap_seconds(overlap)

    async def work(db: Database) -> tuple[Key, str]:
        return await db.write(keys.rotate, id, seconds)

    key, secret = with_storage(home, work)
    until = f"; the old one is valid until {key.previous_until:%Y-%m-%d %H:%M} UTC" if key.previous_until else ""
    note(f"{key.id}: {key.role.value} key of {key.owner}, with a new secret{until}")
    typer.echo(secret)
