"""``publisher sources``: how the sources are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from publisher.cli.common import HERE, Home, moment, show_table, with_app

if TYPE_CHECKING:
    from publisher.app import App
    from publisher.catalog import SourceDefinition
    from publisher.model import SourceState


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("sources")(list_sources)


def list_sources(home: Home = HERE) -> None:
    """Tell how the sources are doing.

    Shows kind, pace, state, last success, items in it, events in it, what went wrong.
    """

    async def work(app: App) -> list[tuple[str, ...]]:
        from publisher.model import SourceState
        from publisher.storage import sources

        states = await app.db.read(sources.states)
        return [_row(one, states.get(one.name) or SourceState(name=one.name)) for one in app.catalog.sources]

    rows = with_app(home, work)
    show_table(("name", "kind", "read", "state", "last success", "items", "events", "last error"), rows)


def _row(source: SourceDefinition, state: SourceState) -> tuple[str, ...]:
    pace = source.cron or f"every {source.every:g} s"
    if state.failures:
        how, error = f"failed {state.failures} times", state.last_error or ""
    else:
        how, error = ("well" if state.last_success_at else "never read"), ""
    last = moment(state.last_success_at)
    return source.name, source.kind.kind, pace, how, last, str(state.items), str(state.events), error
