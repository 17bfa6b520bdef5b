"""``publisher sources``: how the sources are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, moment, show_table, with_app

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.app import App
    from publisher.catalog import SourceDefinition
    from publisher.model import SourceState


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("sources")(list_sources)


def list_sources(
    home: Home = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list of sources.")] = False,
) -> None:
    """Tell how the sources are doing.

    Shows kind, pace, state, last success, next reading, items and events of the last one, and the last error.
    """

    async def work(app: App) -> list[tuple[SourceDefinition, SourceState, datetime | None]]:
        from publisher.model import SourceState
        from publisher.schedule import next_run
        from publisher.storage import sources

        states = await app.db.read(sources.states)
        known = [(one, states.get(one.name) or SourceState(name=one.name)) for one in app.catalog.sources]
        return [(*one, next_run(*one, timezone=app.site.timezone, now=app.now())) for one in known]

    found = with_app(home, work)
    if as_json:
        import orjson

        from publisher.catalog.condition import source_json

        typer.echo(orjson.dumps([source_json(*one) for one in found], option=orjson.OPT_INDENT_2).decode())
        return
    columns = ("name", "kind", "read", "state", "last success", "next", "items", "events", "last error")
    show_table(columns, [_row(*one) for one in found])


def _row(source: SourceDefinition, state: SourceState, following: datetime | None) -> tuple[str, ...]:
    pace = source.cron or f"every {source.every:g} s"
    how = f"failed {state.failures} times" if state.failures else state.condition
    error = f"{moment(state.last_error_at)} {state.last_error}" if state.last_error else ""
    times = moment(state.last_success_at), moment(following)
    return source.name, source.kind.kind, pace, how, *times, str(state.items), str(state.events), error
