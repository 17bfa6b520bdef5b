"""``publisher webhooks``: who is told by push."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, moment, note, show_table, with_app
from publisher.errors import NotFound, PublisherError

if TYPE_CHECKING:
    from publisher.app import App
    from publisher.model import Delivery, Filter, Subscription
    from publisher.outbound import PostResult

WebhookId = Annotated[
    str, typer.Argument(metavar="ID", help="The webhook's id, as `publisher webhooks list` shows it.")
]


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Webhooks.", no_args_is_help=True)
    group.command("list")(list_webhooks)
    group.command()(add)
    group.command("test")(send_test)
    group.command()(remove)
    group.command("deliveries")(list_deliveries)
    cli.add_typer(group, name="webhooks")


def list_webhooks(home: Home = HERE) -> None:
    """List everyone's webhooks.

    Shows id, state, owner, feeds, event types, when it was made, URL, why the publisher paused or disabled it.
    """
    from publisher.storage import subscriptions

    found = with_app(home, lambda app: app.db.read(subscriptions.list_))
    rows = [
        (
            one.id,
            one.state.value,
            one.owner,
            ",".join(one.filter.feeds),
            ",".join(one.filter.events) or "all",
            moment(one.created_at),
            one.url,
            one.reason or "",
        )
        for one in found
    ]
    show_table(("id", "state", "owner", "feeds", "events", "made", "url", "why"), rows)


def add(
    url: Annotated[str, typer.Argument(help="Where events are sent.")],
    *,
    feed: Annotated[list[str], typer.Option("--feed", help="A feed to follow; may be repeated.")],
    event: Annotated[
        list[str] | None, typer.Option("--event", help="A type to be told of; may be repeated. Default: all.")
    ] = None,
    owner: Annotated[str, typer.Option("--owner", help="Whose webhook it is.")] = "operator",
    description: Annotated[str | None, typer.Option("--description", help="A note for people.")] = None,
    home: Home = HERE,
) -> None:
    """Register a webhook.

    Prints its id and its signing secret, which is shown this once.
    """

    async def work(app: App) -> tuple[Subscription, str]:
        from publisher.delivery.signing import new_secret
        from publisher.model import Role
        from publisher.storage import subscriptions

        secret = new_secret()
        created = await app.db.write(
            subscriptions.create,
            url=app.sender.check_url(url),
            filter=_filter(app, feed, event or []),
            format="standard",
            description=description,
            owner=owner,
            sealed_secret=app.sealer.seal(secret.encode()),
            granted=Role.OPERATOR,  # whoever has a shell here is one
        )
        return created, secret

    created, secret = with_app(home, work)
    show_table(("", ""), [("id", created.id), ("secret", secret)])


def send_test(id: WebhookId, home: Home = HERE) -> None:
    """Send one signed test event now, once.

    Tells how it went; exit code 1 if it was not taken.
    """

    async def work(app: App) -> PostResult:
        return await app.deliverer.test(await _find(app, id))

    result = with_app(home, work)
    if result.status is not None and 200 <= result.status < 300:
        typer.echo(f"taken with {result.status} after {result.duration_ms} ms")
        return
    raise PublisherError(f"not taken: {result.error or f'answered {result.status}'}")


def remove(id: WebhookId, home: Home = HERE) -> None:
    """Delete a webhook.

    What was still to be sent to it is cancelled.
    """

    async def work(app: App) -> None:
        from publisher.storage import subscriptions

        await app.db.write(subscriptions.delete, (await _find(app, id)).id)

    with_app(home, work)
    note(f"{id}: removed")


def list_deliveries(
    id: WebhookId,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most.")] = 50,
    home: Home = HERE,
) -> None:
    """List a webhook's deliveries, newest first; those of a deleted one too.

    Shows id, event, type, state, why it was cancelled, attempts, the last error or status, when it was made.
    """

    async def work(app: App) -> list[Delivery]:
        from publisher.model import SubscriptionState
        from publisher.storage import deliveries, subscriptions

        if await app.db.read(subscriptions.get, id, states=tuple(SubscriptionState)) is None:
            raise NotFound(f"there is no webhook {id!r}, and there never was")
        return await app.db.read(deliveries.page, id, limit=limit)

    rows = [
        (
            str(one.id), one.event_id, one.event_type, one.state.value, one.reason or "", str(one.attempts),
            one.last_error or str(one.last_status or ""), moment(one.created_at),
        )
        for one in with_app(home, work)
    ]  # fmt: skip
    show_table(("id", "event", "type", "state", "why", "attempts", "last", "made"), rows)


async def _find(app: App, id: str) -> Subscription:
    from publisher.storage import subscriptions

    found = await app.db.read(subscriptions.get, id)
    if found is None:
        raise NotFound(f"there is no webhook {id!r}; `publisher webhooks list` shows them")
    return found


def _filter(app: App, feeds: list[str], events: list[str]) -> Filter:
    from publisher.configfile import nearest
    from publisher.model import EventType, Filter

    for name in feeds:
        if name not in app.catalog.feeds:
            raise NotFound(f'there is no feed "{name}"; {nearest(name, app.catalog.feeds)}')
    types = {type_.value for type_ in EventType}
    for name in events:
        if name not in types:
            raise NotFound(f'"{name}" is no type of event; {nearest(name, types)}')
    return Filter(feeds=tuple(feeds), events=tuple(EventType(name) for name in events))
