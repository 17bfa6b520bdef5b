"""``publisher config``: the versions of the definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import HERE, Home, note, show_json, with_storage
from publisher.cli.tables import printable, show_table

if TYPE_CHECKING:
    from publisher.app.history import Version

Number = Annotated[int | None, typer.Argument(min=1, show_default=False)]


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="The versions of the definitions.", no_args_is_help=True)
    group.command()(history)
    group.command()(diff)
    cli.add_typer(group, name="config")


def history(
    home: Home = HERE,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="So many, the newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list of versions.")] = False,
) -> None:
    """List the versions that were applied, the newest first.

    Shows number, when and by which node it was applied, what it changed; the one in force is marked.
    """
    from publisher import settings
    from publisher.app.history import history as versions

    own = settings.load(home)
    found = with_storage(home, lambda db: db.read(versions, own, limit))
    if as_json:
        show_json([_json(one) for one in found])
        return
    rows = [
        (str(one.known.number), "in force" if one.current else "", one.known.taken_at, one.known.node, one.summary)
        for one in found
    ]
    show_table(("version", "", "applied", "node", "changes"), rows)


def _json(one: Version) -> dict[str, Any]:
    from publisher.clock import rfc3339

    known = one.known
    return {
        "number": known.number,
        "current": one.current,
        "applied_at": rfc3339(known.taken_at),
        "node": known.node or None,
        "digest": known.digest,
        "needs": known.needs or None,
        "after_seq": known.seq,
        "changes": one.moves and one.moves.by_change(),
    }


def diff(first: Number = None, second: Number = None, home: Home = HERE) -> None:
    """Show what differs between two versions, or between one and the files here.

    Without a number: the version in force against the files here. With one: that version against the one in force.
    """
    from publisher import settings
    from publisher.app.history import diff as difference

    own = settings.load(home)
    text = with_storage(home, lambda db: db.read(difference, home, own, (first, second)))
    if text:
        typer.echo("\n".join(map(printable, text.splitlines())))
    else:
        note("nothing differs")
