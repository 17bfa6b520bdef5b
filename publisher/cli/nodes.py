"""``publisher nodes``: the processes that run on this installation's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import HERE, Home, show_json, with_storage
from publisher.cli.tables import Cell, show_table

if TYPE_CHECKING:
    from publisher.model.node import SeenNode

COLUMNS = (
    "node", "roles", "pid", "version", "definitions", "since", "last seen", "clock", "reading", "lanes", "sending",
    "problem",
)  # fmt: skip


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("nodes")(list_nodes)


def list_nodes(
    home: Home = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list of processes.")] = False,
) -> None:
    """Tell which processes run, on whatever machine.

    Shows name, roles, process id, version, the number of the definitions it goes by, since when it runs and when it was
    last heard of ("lost" after 30 s), by how much its clock is ahead, which sources it is reading, for how many of the
    eight lanes of endpoints it sends, how many deliveries it is sending or has in them for a first attempt, and why it
    goes by no newer definitions.
    """
    from publisher.storage import metrics

    found = with_storage(home, lambda db: db.read(metrics.seen_nodes))
    if as_json:
        show_json([_json(one) for one in found])
    else:
        show_table(COLUMNS, [_row(one) for one in found])


def _row(one: SeenNode) -> tuple[Cell, ...]:
    node = one.node
    return (
        node.name,
        ",".join(node.roles),
        str(node.pid),
        node.version,
        str(node.definitions),
        one.started_at,
        "lost" if one.lost else one.seen_at,
        f"{node.clock_offset:+.1f} s",
        ", ".join(one.sources),
        str(one.lanes),
        str(one.deliveries),
        node.problem or "",
    )


def _json(one: SeenNode) -> dict[str, Any]:
    from publisher.clock import rfc3339

    node = one.node
    return {
        "id": node.id,
        "name": node.name,
        "roles": list(node.roles),
        "pid": node.pid,
        "version": node.version,
        "definitions": node.definitions,
        "problem": node.problem,
        "clock_offset": node.clock_offset,
        "started_at": rfc3339(one.started_at),
        "seen_at": rfc3339(one.seen_at),
        "lost": one.lost,
        "sources": list(one.sources),
        "lanes": one.lanes,
        "deliveries": one.deliveries,
    }
