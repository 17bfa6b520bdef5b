"""The condition of a source, as the API and the command line show it."""

from __future__ import annotations

from typing import Any

from publisher.catalog.definitions import SourceDefinition
from publisher.clock import rfc3339
from publisher.model import SourceState


def source_json(source: SourceDefinition, state: SourceState, *, operator: bool) -> dict[str, Any]:
    """JSON-ready values. ``items`` and ``events`` are of the last reading; the last error stays after a success.

    ``nodes`` are those that may read it, if not all may, and ``node`` is the one that read it last.

    ``refused`` counts what is refused at present, whichever reading refused it, and ``refusals`` gives the reasons of
    the first few. An ``operator`` is also told which setting would help: only operators may know how this installation
    is set up.
    """
    times = {
        "last_success_at": state.last_success_at,
        "last_error_at": state.last_error_at,
        "next_run_at": state.next_run_at,
    }
    return {
        "name": source.name,
        "kind": source.kind.kind,
        "every": source.every,
        "cron": source.cron,
        "nodes": list(source.nodes),
        "node": state.node,
        "state": state.condition,
        "failures": state.failures,
        "last_error": state.error_for_operators if operator else state.last_error,
        **{name: rfc3339(at) if at else None for name, at in times.items()},
        "items": state.items,
        "events": state.events,
        "refused": state.refusals.count,
        "refusals": list(state.refusals.for_operators if operator else state.refusals.reasons),
    }
