"""``publisher events``: the log."""

from __future__ import annotations

import asyncio
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, with_storage
from publisher.cli.tables import cells, clean, moment

if TYPE_CHECKING:
    from publisher.model import Event
    from publisher.storage.engine.database import Database

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

    async def work(db: Database) -> None:
        from publisher.storage.log import events

        seq = await db.refresh()
        last = await db.read(events.after, 0, limit, newest_first=True) if limit else []
        for event in reversed(last):
            _print(event, as_json)
        while follow:
            found = await db.read(events.after, seq, PAGE)
            for event in found:
                _print(event, as_json)
                seq = event.seq
            if len(found) < PAGE:
                await asyncio.sleep(LOOK_SECONDS)

    with_storage(home, work)


def _print(event: Event, as_json: bool) -> None:
    if as_json:
        typer.echo(event.model_dump_json())
        return
    for line in lines(event, shutil.get_terminal_size().columns if sys.stdout.isatty() else None):
        typer.echo(line)


def lines(event: Event, width: int | None) -> list[str]:
    """An event for people: one line; where that is wider than the terminal, its parts on lines of their own."""
    what = clean(str(event.data.get("title") or event.data.get("value") or event.data.get("error") or ""))
    changed = f" [{', '.join(event.changed)}]" if event.changed else ""
    head = f"{event.seq:>6} {moment(event.timestamp)} {event.type.value:<19}"
    whole = f"{head} {clean(event.subject)} {what}{changed}"
    if width is None or cells(whole) <= width:
        return [whole]
    rest = [clean(event.subject), f"{what}{changed}"]
    first = [f"{event.seq:>6} {moment(event.timestamp)}", f"{'':>6} {event.type.value}"]
    return [*first, *(f"{'':>6} {one}" for one in rest if one)]
