"""``publisher webhooks rotate``: new secrets for one webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, note, with_sealed
from publisher.cli.tables import show_table
from publisher.errors import NotFound, PublisherError

if TYPE_CHECKING:
    from publisher.delivery.credentials import Credentials
    from publisher.storage.access.sealing import Sealer
    from publisher.storage.engine.database import Database, Tx


def rotate(
    id: Annotated[str, typer.Argument(metavar="ID", help="The webhook's id, as `publisher webhooks list` shows it.")],
    *,
    overlap: Annotated[
        str, typer.Option("--overlap", help='How long the old secret signs beside the new one, "0s" to "7d".')
    ] = "24h",
    home: Home = HERE,
) -> None:
    """Give a webhook a new secret and print that.

    Both sign what is sent until the overlap ends, so that its endpoint can be changed meanwhile.
    """
    seconds = overlap_seconds(overlap)

    async def work(db: Database, sealer: Sealer) -> Credentials:
        from publisher.delivery.credentials import Credentials
        from publisher.model.credentials import ShownCredentials
        from publisher.storage.log import events
        from publisher.storage.subscriptions import credentials, subscriptions

        def write(tx: Tx) -> Credentials:
            events.lock(tx)
            if subscriptions.get(tx, id) is None:
                raise NotFound(f"there is no webhook {id!r}; `publisher webhooks list` shows them")
            before = Credentials.read(sealer.unseal(subscriptions.secret(tx, id)))
            made = before.rotated(tx.now, seconds)
            shown: ShownCredentials = made.shown()
            credentials.replace(tx, id, sealer.seal(made.written()), shown)
            return made

        return await db.write(write)

    made = with_sealed(home, work)
    found = (("secret", made.secret), ("public key", made.public_key))
    show_table(("", ""), [(name, value) for name, value in found if value])
    until = made.shown().previous_until
    note(
        f"{id}: has a new secret; "
        + (
            f"the old one signs beside it until {until:%Y-%m-%d %H:%M} UTC"
            if until
            else "the old one signs nothing more"
        )
    )


def overlap_seconds(text: str) -> float:
    """An ``--overlap`` in seconds; raises PublisherError for what is none."""
    from publisher.configfile import seconds
    from publisher.delivery.credentials import LONGEST_OVERLAP

    try:
        found = seconds(text)
    except ValueError as error:
        raise PublisherError(f"--overlap: {error}") from error
    if found > LONGEST_OVERLAP:
        raise PublisherError(f'--overlap: "{text}" is more than 7 days')
    return found
