"""``publisher sources``: how the sources are doing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, note, show_json, with_storage
from publisher.cli.tables import Cell, show_table

if TYPE_CHECKING:
    from publisher.catalog import SourceDefinition
    from publisher.model import SourceState
    from publisher.storage.configuration.definitions import Kept
    from publisher.storage.engine.database import Database, Tx

Known = tuple["SourceDefinition | None", "SourceState"]
"""A source as it is configured (None if its table has a fault), and its stored state."""


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("sources")(list_sources)


def list_sources(
    home: Home = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list of sources.")] = False,
) -> None:
    """Tell how the sources are doing.

    Shows kind, pace, state, last success, next reading, the node that read it last, items and events of the last
    reading, the last error, and what is refused at present, whichever reading met it.
    """
    from publisher.storage.configuration import definitions, sources

    def read(tx: Tx) -> tuple[dict[str, SourceState], Kept | None]:
        return sources.states(tx), definitions.kept(tx)

    async def ask(db: Database) -> tuple[dict[str, SourceState], Kept | None]:
        states, kept = await db.read(read)
        return states, None if db.single_node else kept

    states, kept = with_storage(home, ask)
    found = _known(home, states, kept)
    if as_json:
        from publisher.catalog.condition import source_json

        show_json([source_json(one, state, operator=True) for one, state in found if one is not None])
        return
    columns = (
        "name", "kind", "read", "state", "last success", "next", "node", "items", "events", "last error", "refused",
    )  # fmt: skip
    show_table(columns, [_row(*one) for one in found])


def _known(home: Path, states: dict[str, SourceState], kept: Kept | None) -> list[Known]:
    """Each source of the version in force, where many machines go by it, else of ``config/sources.toml``.

    No other file is judged, and a fault in it is a warning.
    """
    from publisher.catalog.documents import gather, parse
    from publisher.catalog.findings import Findings
    from publisher.catalog.sources import read
    from publisher.model import SourceState

    findings = Findings(gather(home) if kept is None else parse(kept.files))
    definitions, _ = read(findings)
    for fault in findings.errors:
        note(f"warning: {fault}")
    found: list[Known] = [(one, states.get(one.name) or SourceState(name=one.name)) for one in definitions]
    if findings.errors:
        named = {one.name for one in definitions}
        found += [(None, state) for name, state in states.items() if name not in named]
    return found


def _row(source: SourceDefinition | None, state: SourceState) -> tuple[Cell, ...]:
    kind, pace = ("?", "?") if source is None else (source.kind.kind, source.cron or f"every {source.every:g} s")
    how = f"failed {state.failures} time{'s' * (state.failures > 1)}" if state.failures else state.condition
    if state.refusals.count:
        how += f", {state.refusals.count} refused"
    error = f"{_at(state.last_error_at)}{state.error_for_operators}" if state.last_error else ""
    counts = str(state.items), str(state.events)
    times = state.last_success_at, state.next_run_at
    return state.name, kind, pace, how, *times, state.node or "", *counts, error, _reasons(state)


def _at(moment: datetime | None) -> str:
    from publisher.clock import rfc3339

    return f"{rfc3339(moment.replace(microsecond=0))} " if moment else ""


def _reasons(state: SourceState) -> str:
    reasons = state.refusals.for_operators
    more = state.refusals.count - len(reasons)
    return "; ".join([*reasons, *([f"and {more} more"] if more > 0 else [])])
