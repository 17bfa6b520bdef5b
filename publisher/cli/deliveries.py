"""``publisher deliveries``: whether every one is accounted for, and the stop button."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import HERE, Home, note, show_json, with_storage
from publisher.cli.tables import Cell, show_table
from publisher.errors import NotFound, PublisherError

if TYPE_CHECKING:
    from publisher.model.replay import Hold
    from publisher.storage.engine.database import Database, Tx
    from publisher.storage.subscriptions.listing import Accounts

PAGE = 500

By = Annotated[str, typer.Option("--by", help="Who does so, for the record.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the record.")]
HoldId = Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id, as `publisher deliveries holds` shows it.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Deliveries of all webhooks.", no_args_is_help=True)
    group.command()(account)
    group.command()(hold)
    group.command()(release)
    group.command()(cancel)
    group.command("holds")(list_holds)
    cli.add_typer(group, name="deliveries")


def account(
    since: Annotated[
        str | None, typer.Option("--since", metavar="T|SEQ", help="From this event or time on. Default: all.")
    ] = None,
    home: Home = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Compare what each event matched with what became of it.

    For every event, matched = delivered + pending + sending + retrying + dead + cancelled; for every replay, too. Lists
    what differs; exit code 1 if anything does.
    """

    async def work(db: Database) -> tuple[dict[str, int], list[dict[str, Any]]]:
        first = await db.read(lambda tx: _first(tx, since))
        totals: dict[str, int] = {"events": 0, "matched": 0}
        differing = []
        while found := await db.read(_accounts, first, PAGE):
            for one in found:
                totals["events"] += 1
                totals["matched"] += one.matched
                for state, count in one.states.items():
                    totals[state.value] = totals.get(state.value, 0) + count
                if one.differs:
                    differing.append(_shown(f"event {one.seq}", one.matched, one.states))
            first = found[-1].seq + 1
        for id_, matched, states in await db.read(_replays):
            if matched != sum(states.values()):
                differing.append(_shown(f"replay {id_}", matched, states))
        return totals, differing

    totals, differing = with_storage(home, work)
    if as_json:
        show_json({**totals, "differing": differing})
    else:
        states = ", ".join(f"{count} {name}" for name, count in totals.items() if name not in {"events", "matched"})
        typer.echo(f"{totals['events']} events, {totals['matched']} matched: {states or 'nothing yet'}")
        for one in differing:
            parts = ", ".join(f"{count} {name}" for name, count in one["states"].items())
            typer.echo(f"{one['what']}: {one['matched']} matched, and {one['found']} found: {parts or 'none'}")
    if differing:
        raise typer.Exit(1)


def hold(
    *,
    feed: Annotated[str | None, typer.Option("--feed", help="What is for webhooks that follow this feed.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Events of this source.")] = None,
    events: Annotated[
        str | None, typer.Option("--events", metavar="A-B", help="Events A to B by number; `A-` for all from A on.")
    ] = None,
    reason: Reason = None,
    by: By = "operator",
    home: Home = HERE,
) -> None:
    """Hold deliveries back: within a second nothing of them begins to be sent, and nothing is lost.

    What all options cover that are given; without any, everything. Prints the hold's id.
    """
    first, last = (None, None) if events is None else _stretch(events)

    async def work(db: Database) -> Hold:
        from publisher.storage.configuration import in_force
        from publisher.storage.subscriptions import holds

        if feed is not None:
            known = await db.read(in_force.present)
            if known and feed not in known:
                from publisher.configfile import nearest

                raise NotFound(f'there is no feed "{feed}"; {nearest(feed, known)}')
        return await db.write(holds.create, feed=feed, source=source, first=first, last=last, by=by, reason=reason)

    typer.echo(with_storage(home, work).id)


def release(
    id: Annotated[str | None, typer.Argument(metavar="HOLD", help="The hold; without one, by what it covers.")] = None,
    *,
    feed: Annotated[str | None, typer.Option("--feed", help="The hold on this feed.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="The hold on this source.")] = None,
    events: Annotated[str | None, typer.Option("--events", metavar="A-B", help="The hold on these events.")] = None,
    reason: Reason = None,
    by: By = "operator",
    home: Home = HERE,
) -> None:
    """Let go on what a hold keeps back.

    Without an id and options: the hold on everything.
    """
    scope = (feed, source, *((None, None) if events is None else _stretch(events)))

    async def work(db: Database) -> Hold:
        from publisher.model.replay import HoldState
        from publisher.storage.subscriptions import holds

        wanted = [id] if id is not None else [
            one.id
            for one in await db.read(holds.list_)
            if one.state is HoldState.HELD and (one.feed, one.source, one.first_seq, one.last_seq) == scope
        ]  # fmt: skip
        if not wanted:
            raise NotFound("there is no such hold; `publisher deliveries holds` shows them")
        for name in wanted:
            ended = await db.write(holds.release, name, by=by, reason=reason)
        return ended

    note(f"{with_storage(home, work).id}: released")


def cancel(
    id: HoldId,
    reason: Annotated[str, typer.Option("--reason", help="Why; the deliveries show it.")],
    by: By = "operator",
    home: Home = HERE,
) -> None:
    """Cancel what a hold keeps back of all events up to now.

    The running service does so, a piece at a time; the hold ends then, and later events go on.
    """

    async def work(db: Database) -> Hold:
        from publisher.storage.subscriptions import holds

        return await db.write(holds.cancel, id, by=by, reason=reason)

    note(f"{with_storage(home, work).id}: is being cancelled")


def list_holds(
    home: Home = HERE,
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """List what is held back.

    Shows id, state, what it covers, who said so, when and why; and who ended it, when and why.
    """

    async def work(db: Database) -> list[Hold]:
        from publisher.storage.subscriptions import holds

        return await db.read(holds.list_, everything=everything)

    found = with_storage(home, work)
    if as_json:
        show_json([one.model_dump(mode="json") for one in found])
        return
    rows: list[tuple[Cell, ...]] = [
        (
            one.id, one.state.value, _covers(one), one.by, one.at, one.reason or "", one.ended_by or "", one.ended_at,
            one.ended_reason or "",
        )
        for one in found
    ]  # fmt: skip
    show_table(("id", "state", "covers", "by", "at", "why", "ended by", "ended", "why ended"), rows)


def place(tx: Tx, option: str, text: str, *, end: bool = False) -> int:
    """The event that an option names, by its number or a time; at the ``end`` of a stretch, the last of that time."""
    from publisher.storage.subscriptions import again

    return again.place(tx, int(text) if text.isdecimal() else _moment(option, text), end=end)


def _moment(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PublisherError(
            f"{option} {text}: is neither the number of an event nor a time such as 2026-11-28T06:00:00Z"
        ) from None
    if moment.tzinfo is None:
        raise PublisherError(f"{option} {text}: say of which zone, as in {text}Z for UTC")
    return moment.astimezone(UTC)


def _first(tx: Tx, since: str | None) -> int:
    return 1 if since is None else place(tx, "--since", since)


def _accounts(tx: Tx, first: int, limit: int) -> list[Accounts]:
    from publisher.storage.log import events
    from publisher.storage.subscriptions import listing, replays

    done = replays.fanned_out(tx)
    seqs = events.numbers(tx, first, done, limit)
    return listing.accounting(tx, seqs)


def _replays(tx: Tx) -> list[tuple[str, int, dict[str, int]]]:
    from publisher.storage.subscriptions import replays

    return replays.accounts(tx)


def _shown(what: str, matched: int, states: Any) -> dict[str, Any]:
    counts = {str(state): count for state, count in sorted(states.items()) if count}
    return {"what": what, "matched": matched, "found": sum(counts.values()), "states": counts}


def _stretch(text: str) -> tuple[int, int | None]:
    found = re.fullmatch(r"(\d{1,15})(?:(-)(\d{1,15})?)?", text)
    if found is None:
        raise PublisherError(f"--events {text}: must be two numbers of events such as 40-48, or 40- for all from 40 on")
    first = int(found[1])
    last = int(found[3]) if found[3] else None if found[2] else first
    if last is not None and last < first:
        raise PublisherError(f"--events {text}: the second number must not be below the first")
    return first, last


def _covers(one: Hold) -> str:
    parts = []
    if one.feed is not None:
        parts.append(f"feed {one.feed}")
    if one.source is not None:
        parts.append(f"source {one.source}")
    if one.first_seq is not None or one.last_seq is not None:
        parts.append(f"events {one.first_seq or 1}-{one.last_seq or ''}")
    return ", ".join(parts) or "everything"
