"""``publisher events``: the log; and telling its readers that it was restored to an earlier state."""

from __future__ import annotations

import asyncio
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, note, with_storage
from publisher.cli.tables import cells, clean, moment
from publisher.errors import PublisherError

if TYPE_CHECKING:
    from publisher.model import Event
    from publisher.storage.engine.database import Database

LOOK_SECONDS = 1.0
PAGE = 500


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(show_events)
    group.command()(reset)
    cli.add_typer(group, name="events")


def show_events(
    context: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones as they come.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="How many of the last to begin with.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, as the API shows it.")] = False,
    home: Home = HERE,
) -> None:
    """Print the last events of the log.

    Shows number, time, type, subject, what it is, what changed.
    """

    if context.invoked_subcommand is not None:
        return

    async def work(db: Database) -> None:
        from publisher.storage.log import events

        seq, log = await db.refresh(), db.generation
        last = await db.read(events.after, 0, limit, newest_first=True) if limit else []
        for event in reversed(last):
            _print(event, as_json)
        while follow:
            await db.refresh()
            if (begin := db.generation.reset_to(log.id, seq)) is not None:
                note(f"The log was reset: what follows comes after event {begin}.")
                seq, log = begin, db.generation
            found = await db.read(events.after, seq, PAGE)
            for event in found:
                _print(event, as_json)
                seq = event.seq
            if len(found) < PAGE:
                await asyncio.sleep(LOOK_SECONDS)

    with_storage(home, work)


def reset(
    after: Annotated[
        int | None,
        typer.Option(
            "--after", min=0, metavar="SEQ", help="The last event that the copy held. Default: the log's last."
        ),
    ] = None,
    home: Home = HERE,
) -> None:
    """Tell readers that the database was put back.

    For one restored by its own tools, before the publisher starts on it: whoever polls, or holds a feed, is told so,
    since numbers are given out anew. `publisher restore` and `publisher migrate` do it by themselves.
    """

    async def work(db: Database) -> None:
        from publisher.storage.configuration import installation

        last = await db.refresh()
        if after is not None and after > last:
            raise PublisherError(f"--after {after}: the log ends at event {last}; name that or an earlier one")
        await db.write(installation.renew, after)
        typer.echo(f"the log is a new generation after event {last if after is None else after}")

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
