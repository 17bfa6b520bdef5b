"""``publisher webhooks``: sending again, and going on after an interruption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import HERE, Home, note, show_json, with_storage
from publisher.cli.deliveries import place
from publisher.cli.tables import show_table
from publisher.errors import NotFound, PublisherError

if TYPE_CHECKING:
    from publisher.delivery.followers.replaying import Missed
    from publisher.model import Subscription
    from publisher.model.replay import Replay
    from publisher.storage.engine.database import Database, Tx
    from publisher.storage.subscriptions.listing import Listed

WebhookId = Annotated[
    str, typer.Argument(metavar="ID", help="The webhook's id, as `publisher webhooks list` shows it.")
]
Names = list[str]


def register(group: typer.Typer) -> None:
    """Add the commands of this file to ``publisher webhooks``."""
    group.command()(retry)
    group.command()(replay)
    group.command("replays")(list_replays)
    group.command()(enable)
    group.command()(disable)


def retry(
    id: WebhookId,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="As `publisher webhooks deliveries` shows it.")],
    home: Home = HERE,
) -> None:
    """Send one delivery again, now.

    The running service does so. One that is open is made due at once; else it is a new one. Prints its id.
    """

    async def work(db: Database) -> Listed:
        from publisher.delivery.followers import resending

        return await db.write(resending.retry, id, delivery)

    typer.echo(with_storage(home, work).id)


def replay(
    id: WebhookId,
    *,
    since: Annotated[str, typer.Option("--since", metavar="T|SEQ", help="The first event, or a time.")],
    until: Annotated[
        str | None, typer.Option("--until", metavar="T|SEQ", help="The last event, or a time. Default: the last.")
    ] = None,
    only: Annotated[
        str, typer.Option("--only", help="failed: what is dead or was cut off, and has not arrived since; or all.")
    ] = ("failed"),
    feed: Annotated[list[str] | None, typer.Option("--feed", help="Of its feeds, these; may be repeated.")] = None,
    event: Annotated[list[str] | None, typer.Option("--event", help="Of its types, these; may be repeated.")] = None,
    rate: Annotated[int, typer.Option("--rate", min=1, max=1000, help="Deliveries a second.")] = 50,
    home: Home = HERE,
) -> None:
    """Send a stretch of the log to a webhook again.

    The running service does so, beside what happens meanwhile. Prints the replay's id; `publisher webhooks replays`
    shows how far it has come.
    """
    from publisher.model.replay import Which

    if only not in list(Which):
        raise PublisherError(f'--only {only}: must be "failed" or "all"')

    def make(tx: Tx) -> Replay:
        from publisher.delivery.followers import replaying
        from publisher.model import EventType
        from publisher.storage.log import events
        from publisher.storage.subscriptions import subscriptions

        events.lock(tx)
        webhook = subscriptions.existing(tx, id)
        _among("feed", feed or [], webhook.filter.feeds)
        _among("type of event", event or [], [str(one) for one in webhook.filter.events or tuple(EventType)])
        return replaying.start(
            tx, id, only=Which(only), since=place(tx, "--since", since),
            until=None if until is None else place(tx, "--until", until, end=True),
            feeds=feed or (), types=event or (), rate=rate, by="operator",
        )  # fmt: skip

    typer.echo(with_storage(home, lambda db: db.write(make)).id)


def list_replays(
    id: WebhookId,
    *,
    home: Home = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
    pause: Annotated[str | None, typer.Option("--pause", metavar="REPLAY", help="Pause this one.")] = None,
    resume: Annotated[str | None, typer.Option("--resume", metavar="REPLAY", help="Go on with this one.")] = None,
    cancel: Annotated[str | None, typer.Option("--cancel", metavar="REPLAY", help="Cancel this one.")] = None,
) -> None:
    """List a webhook's replays, newest first, and how far each has come.

    Shows id, state, what it takes, how many it matched, were made, arrived, are dead, cancelled, and are left.
    """

    async def work(db: Database) -> list[Replay]:
        from publisher.storage.subscriptions import replays

        for name, change in ((pause, replays.pause), (resume, replays.resume), (cancel, replays.cancel)):
            if name is not None:
                await db.write(change, id, name)
        found, _ = await db.read(replays.page, id, limit=500)
        return found

    found = with_storage(home, work)
    if as_json:
        show_json([one.model_dump(mode="json") for one in found])
        return
    rows = [
        (
            one.id, one.state.value, f"{one.only.value} {one.since_seq}-{one.until_seq}",
            str(one.matched) if one.counted else f"{one.matched}+", str(one.sent), str(one.delivered), str(one.dead),
            str(one.cancelled), str(one.remaining),
        )
        for one in found
    ]  # fmt: skip
    show_table(("id", "state", "takes", "matched", "sent", "delivered", "dead", "cancelled", "left"), rows)


def enable(id: WebhookId, home: Home = HERE) -> None:
    """Enable a webhook that is disabled: it is sent events again, from the next one on.

    Tells what it missed meanwhile, and how to have that sent.
    """

    def change(tx: Tx) -> tuple[Subscription, Missed | None]:
        from publisher.delivery.followers import permissions, replaying
        from publisher.storage.subscriptions import subscriptions

        before = subscriptions.existing(tx, id)
        subscriptions.enable(tx, id)
        permissions.review(tx, before.owner)
        return subscriptions.existing(tx, id), replaying.missed(tx, before)

    after, missed = with_storage(home, lambda db: db.write(change))
    note(f"{id}: {after.state.value}{f', since {after.reason}' if after.reason else ''}")
    if missed is not None and missed.events:
        count = f"{'at least ' if missed.more else ''}{missed.events}"
        typer.echo(
            f"missed {count} events; to send them: publisher webhooks replay {id} --only all "
            f"--since {missed.since_seq} --until {missed.until_seq}"
        )
    if missed is not None and missed.cut_off:
        typer.echo(
            f"cancelled {len(missed.cut_off)} deliveries as it was disabled; to send them: publisher webhooks replay"
            f" {id} --since {missed.cut_off[0]}"
        )


def disable(id: WebhookId, home: Home = HERE) -> None:
    """Disable a webhook: it is sent nothing more until it is enabled.

    What was still to be sent to it is cancelled.
    """

    def change(tx: Tx) -> Any:
        from publisher.storage.subscriptions import subscriptions

        return subscriptions.disable(tx, id)

    with_storage(home, lambda db: db.write(change))
    note(f"{id}: disabled")


def _among(what: str, names: Names, known: Any) -> None:
    from publisher.configfile import nearest

    for name in names:
        if name not in known:
            raise NotFound(f'the webhook follows no {what} "{name}"; {nearest(name, known)}')
