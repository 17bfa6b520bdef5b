"""``publisher maintenance``: what is kept for a time, and doing away with what is older at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import HERE, Home, show_json, with_storage
from publisher.cli.tables import Cell, show_table

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from publisher.maintenance import keeping
    from publisher.storage.engine.database import Database
    from publisher.storage.upkeep import Done

COLUMNS = ("what", "begun", "ended", "node", "did")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON list.")]

HELD = {
    "fan-out": "it is not fanned out yet",
    "deliveries": "it has deliveries that are still to be made",
    "feed": "it is held for a removed feed, which may come back within a day",
}


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(show)
    group.command()(run)
    cli.add_typer(group, name="maintenance")


def show(context: typer.Context, home: Home = HERE, as_json: AsJson = False) -> None:
    """Tell when what is kept for a time was last gone through, by which node, and what went.

    The service does so each hour. Deliveries are folded into counts after [delivery] keep_deliveries, the log's events
    go after [storage] keep_events.
    """
    if context.invoked_subcommand is not None:
        return
    from publisher.storage import upkeep

    found = with_storage(home, lambda db: db.read(upkeep.last))
    if as_json:
        show_json([_json(one) for one in found])
    else:
        show_table(COLUMNS, [_row(one) for one in found])


def run(home: Home = HERE, as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Go through it now.

    Beside a running service too: it is done in small pieces, so that nobody waits.
    """
    from publisher import settings
    from publisher.app.versions import node_name
    from publisher.maintenance import keeping

    own = settings.load(home)
    kept = keeping.Kept(deliveries=own.delivery.keep_deliveries, events=own.storage.keep_events)

    def work(db: Database) -> Coroutine[Any, Any, Mapping[str, keeping.Did]]:
        return keeping.keep(db, kept, node_name(own), every=0.0, batches=keeping.at_once)

    did = {name: keeping.figures(one) for name, one in with_storage(home, work).items()}
    if as_json:
        show_json(did)
        return
    for name, figures in did.items():
        typer.echo(f"{name}: {told(name, figures)}")


def told(job: str, figures: Mapping[str, Any]) -> str:
    """What a job did, in words."""
    if not figures:
        return "not ended"
    if job == "deliveries":
        return (
            f"{_counted(figures['deliveries'], 'delivery', 'deliveries')} with "
            f"{_counted(figures['attempts'], 'attempt', 'attempts')} folded into counts"
        )
    said = f"{_counted(figures['events'], 'event', 'events')} gone"
    rest = ("deliveries", "attempts", "matches", "tombstones")
    if any(figures[one] for one in rest):
        said += ", with " + ", ".join(f"{figures[one]} {one}" for one in rest)
    begins = figures["begins_after"] + 1
    said += f"; the log begins with event {begins}"
    return f"{said}, which is old enough, but {HELD[figures['held']]}" if figures["held"] else said


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _row(one: Done) -> tuple[Cell, ...]:
    return one.job, one.begun_at, one.ended_at, one.node, told(one.job, one.did)


def _json(one: Done) -> dict[str, Any]:
    from publisher.clock import rfc3339

    return {
        "job": one.job,
        "begun_at": rfc3339(one.begun_at),
        "ended_at": one.ended_at and rfc3339(one.ended_at),
        "node": one.node,
        "did": dict(one.did),
    }
