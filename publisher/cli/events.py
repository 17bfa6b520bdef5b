"""``publisher events``: the log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, moment, with_app

if TYPE_CHECKING:
    from publisher.app import App
    from publisher.model import Event

LOOK_SECONDS = 1.0
PAGE = 500


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command("events")(show_events)


def show_events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones as they come.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="How many of the last to begin with.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, as the API shows it.")] = False,
    home: Home = HERE,
) -> None:
    """Print the last events of the log.

    Shows number, time, type, subject, what it is, what changed.
    """

    async def work(app: App) -> None:
        from publisher.storage import events

        seq = await app.db.refresh()
        last = await app.db.read(events.after, 0, limit, newest_first=True) if limit else []
        for event in reversed(last):
            _print(event, as_json)
        while follow:
            found = await app.db.read(events.after, seq, PAGE)
            for event in found:
                _print(event, as_json)
                seq = event.seq
            if len(found) < PAGE:
                await asyncio.sleep(LOOK_SECONDS)

    with_app(home, work)


def _print(event: Event, as_json: bool) -> None:
    if as_json:
        typer.echo(event.model_dump_json())
        return
    what = event.data.get("title") or event.data.get("value") or event.data.get("error") or ""
    changed = f" [{', '.join(event.changed)}]" if event.changed else ""
    typer.echo(f"{event.seq:>6} {moment(event.timestamp)} {event.type.value:<19} {event.subject} {what}{changed}")
