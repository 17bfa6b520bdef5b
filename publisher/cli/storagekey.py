"""``publisher keys rotate-storage``: another key for what is sealed in the database."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, note, with_sealed
from publisher.errors import PublisherError

if TYPE_CHECKING:
    from publisher.storage.access.sealing import Sealer
    from publisher.storage.engine.database import Database


class Step(StrEnum):
    """The steps of a change, for installations of several nodes; without one, all of them are done."""

    ANNOUNCE = "announce"
    PROMOTE = "promote"
    FINISH = "finish"


def rotate_storage(
    home: Home = HERE,
    step: Annotated[
        Step | None,
        typer.Option(
            help="With several nodes, one step after the other, and data/secret-storage.key copied to all nodes after"
            " each: announce, promote, finish."
        ),
    ] = None,
) -> None:
    """Seal all secrets with a new key and remove the old one; the publisher may run.

    Stopped at any moment it goes on where it was, if it is given again.
    """
    from publisher.storage.access import keyfile

    path = home / "data" / keyfile.KEY_FILE

    async def work(db: Database, sealer: Sealer) -> int:
        from publisher.storage import resealing

        if step is None:
            await _alone(db)
            if len(keyfile.read(path)) == 1 or keyfile.announced(path) is not None:  # else one is to be finished
                keyfile.announce(path)
        if step is Step.ANNOUNCE:
            keyfile.announce(path)
        if step in (None, Step.PROMOTE):
            keyfile.promote(path)
        if step in (None, Step.FINISH):
            count = await resealing.reseal(db, sealer)
            keyfile.keep_only(path, sealer.sealing)
            return count
        return 0

    count = with_sealed(home, work)
    if step in (None, Step.FINISH):
        note(f"{count} secrets were sealed anew; {path} holds the new key alone. Backups need the one of their time")
    if step is not None:
        note(f"copy {path} to every node now" + (f", then go on with --step {_next(step)}" if _next(step) else ""))


def _next(step: Step) -> str:
    return {Step.ANNOUNCE: "promote", Step.PROMOTE: "finish", Step.FINISH: ""}[step]


async def _alone(db: Database) -> None:
    """Raise PublisherError where several nodes run, each of which has the file for itself."""
    from publisher.storage.configuration import nodes

    names = {one.node.name for one in await db.read(nodes.seen) if not one.lost}
    if len(names) > 1:
        raise PublisherError(
            f"the nodes {', '.join(sorted(names))} run on this database, each with a file of its own; use"
            " --step announce, promote and finish, and copy data/secret-storage.key to all of them after each"
        )
