"""``publisher sources``: how the sources are doing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, note, show_json, with_storage
from publisher.cli.tables import Cell, show_table
from publisher.errors import ConfigErrors

if TYPE_CHECKING:
    from publisher.catalog import SourceDefinition
    from publisher.model import SourceState

Known = tuple["SourceDefinition | None", "SourceState", datetime | None]
"""A source as it is configured (None where its table has a fault), what is remembered of it, and when it is due."""


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("sources")(list_sources)


def list_sources(
    home: Home = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list of sources.")] = False,
) -> None:
    """Tell how the sources are doing.

    Shows kind, pace, state, last success, next reading, items and events of the last one, the last error, and what is
    refused at present, whichever reading met it.
    """
    from publisher.storage.configuration import sources

    states = with_storage(home, lambda db: db.read(sources.states))
    found = _known(home, states)
    if as_json:
        from publisher.catalog.condition import source_json

        show_json([source_json(one, state, due, operator=True) for one, state, due in found if one is not None])
        return
    columns = ("name", "kind", "read", "state", "last success", "next", "items", "events", "last error", "refused")
    show_table(columns, [_row(*one) for one in found])


def _known(home: Path, states: dict[str, SourceState]) -> list[Known]:
    """Each source of ``config/sources.toml``; no other file is read, and a fault in it is a warning."""
    from publisher.catalog.documents import gather
    from publisher.catalog.findings import Findings
    from publisher.catalog.sources import read
    from publisher.model import SourceState
    from publisher.schedule import next_run

    findings = Findings(gather(home))
    definitions, _ = read(findings)
    for fault in findings.errors:
        note(f"warning: {fault}")
    now, zone = _now_and_zone(home)
    found: list[Known] = []
    for one in definitions:
        state = states.get(one.name) or SourceState(name=one.name)
        due = next_run(one, state, timezone=zone or "UTC", now=now) if zone or not one.cron else None
        found.append((one, state, due))
    if findings.errors:
        named = {one.name for one in definitions}
        found += [(None, state, None) for name, state in states.items() if name not in named]
    return found


def _now_and_zone(home: Path) -> tuple[datetime, str | None]:
    """The time, and the zone in which cron lines are meant; None where ``publisher.toml`` has a fault."""
    from publisher import clock, settings

    try:
        return clock.now(), settings.load(home).site.timezone
    except ConfigErrors:
        return clock.now(), None


def _row(source: SourceDefinition | None, state: SourceState, following: datetime | None) -> tuple[Cell, ...]:
    kind, pace = ("?", "?") if source is None else (source.kind.kind, source.cron or f"every {source.every:g} s")
    how = f"failed {state.failures} time{'s' * (state.failures > 1)}" if state.failures else state.condition
    if state.refusals.count:
        how += f", {state.refusals.count} refused"
    error = f"{_at(state.last_error_at)}{state.error_for_operators}" if state.last_error else ""
    counts = str(state.items), str(state.events)
    return state.name, kind, pace, how, state.last_success_at, following, *counts, error, _reasons(state)


def _at(moment: datetime | None) -> str:
    from publisher.clock import rfc3339

    return f"{rfc3339(moment.replace(microsecond=0))} " if moment else ""


def _reasons(state: SourceState) -> str:
    reasons = state.refusals.for_operators
    more = state.refusals.count - len(reasons)
    return "; ".join([*reasons, *([f"and {more} more"] if more > 0 else [])])
