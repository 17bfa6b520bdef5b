"""``publisher webhooks``: who is told by push."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli import resending
from publisher.cli.common import HERE, Home, note, show_json, with_sealed, with_storage
from publisher.cli.rotating import rotate
from publisher.cli.tables import show_table
from publisher.cli.webhookoptions import asked, refuse_unwritable, telling_site
from publisher.errors import ConfigErrors, NotFound, PublisherError, advised

if TYPE_CHECKING:
    from publisher.model import EventType, Filter, Subscription
    from publisher.outbound import Outbound, PostResult
    from publisher.settings import Delivery
    from publisher.storage.access.sealing import Sealer
    from publisher.storage.engine.database import Database, Tx
    from publisher.storage.subscriptions.listing import Listed

WebhookId = Annotated[
    str, typer.Argument(metavar="ID", help="The webhook's id, as `publisher webhooks list` shows it.")
]


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Webhooks.", no_args_is_help=True)
    group.command("list")(list_webhooks)
    group.command()(add)
    group.command()(show)
    group.command("test")(send_test)
    group.command()(remove)
    group.command("deliveries")(list_deliveries)
    resending.register(group)
    group.command()(rotate)
    cli.add_typer(group, name="webhooks")


def list_webhooks(
    home: Home = HERE,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were deleted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list of webhooks.")] = False,
) -> None:
    """List everyone's webhooks.

    Shows id, state, owner, feeds, event types, when it was made, URL, and what is wrong: why the publisher paused or
    disabled it, or the last error where attempts fail.
    """

    def listed(tx: Tx) -> list[Subscription]:
        from publisher.model import SubscriptionState
        from publisher.storage.subscriptions import subscriptions

        return subscriptions.list_(tx, states=tuple(SubscriptionState) if everything else subscriptions.PRESENT)

    found = with_storage(home, lambda db: db.read(listed))
    if as_json:
        show_json([_json(one) for one in found])
        return
    rows = [
        (
            one.id,
            _state(one),
            one.owner,
            ",".join(one.filter.feeds),
            ",".join(one.filter.events) or "all",
            one.created_at,
            one.url,
            one.reason or one.last_error or "",
        )
        for one in found
    ]
    show_table(("id", "state", "owner", "feeds", "events", "made", "url", "why"), rows)


def _state(one: Subscription) -> str:
    """Its state in words."""
    words = one.state.value
    if one.reason is not None:
        words += " by the publisher"
    if one.state.value == "active" and one.failures:
        words += f", failed {one.failures} {'time' if one.failures == 1 else 'times'} in a row"
    return words


def _json(one: Subscription) -> dict[str, Any]:
    from publisher.clock import rfc3339

    failing = {"failing_since": one.failing_since, "last_error_at": one.last_error_at}
    return {
        **one.model_dump(mode="json", include={"id", "state", "reason", "owner", "url", "format", "description"}),
        "feeds": one.filter.feeds,
        "events": one.filter.events or None,
        "options": one.options.model_dump(mode="json", exclude_defaults=True),
        "where": {key: list(values) for key, values in one.filter.where} or None,
        "expression": one.filter.expression,
        "filter_errors": one.filter_errors,
        "created_at": rfc3339(one.created_at),
        "failures": one.failures,
        "last_error": one.last_error,
        **{name: rfc3339(at) if at else None for name, at in failing.items()},
    }


def add(
    url: Annotated[str, typer.Argument(help="Where events are sent.")],
    *,
    feed: Annotated[list[str], typer.Option("--feed", help="A feed to follow; may be repeated.")],
    event: Annotated[
        list[str] | None, typer.Option("--event", help="A type to be told of; may be repeated. Default: all.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="What to narrow by, as topic=rusia; may be repeated.")
    ] = None,
    expression: Annotated[str | None, typer.Option("--expression", help="A condition on events, in CEL.")] = None,
    format: Annotated[
        str, typer.Option("--format", help="How events are written, by a name of docs/formats.md.")
    ] = "standard",
    content: Annotated[
        str, typer.Option("--content", help="What is sent of an item: full, or thin for ids and links alone.")
    ] = "full",
    template: Annotated[
        Path | None, typer.Option("--template", help="A file with your own body, for the format template.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", help="What the format needs, as NAME=VALUE; may be repeated."),
    ] = None,
    owner: Annotated[str, typer.Option("--owner", help="Whose webhook it is.")] = "operator",
    description: Annotated[str | None, typer.Option("--description", help="A note for people.")] = None,
    home: Home = HERE,
) -> None:
    """Register a webhook.

    Prints its id and its signing secret, which is shown this once.
    """

    async def work(db: Database, sealer: Sealer) -> tuple[Subscription, str]:
        from publisher.delivery import transports
        from publisher.delivery.signing import new_secret
        from publisher.model import Role
        from publisher.storage.log import events
        from publisher.storage.subscriptions import subscriptions

        written = transports.named(format)
        options = asked(content, template, parameter or [])
        wanted, secret = _filter(await _feeds(home, db), feed, event or []), new_secret()
        wanted = _narrowed(wanted, where or [], expression)
        async with _sender(home) as (sender, _):
            checked = _checked(sender, url)
        refuse_unwritable(written, checked, options)

        def create(tx: Tx) -> Subscription:
            events.lock(tx)
            return subscriptions.create(
                tx,
                url=checked,
                filter=wanted,
                format=written.name,
                options=options,
                description=description,
                owner=owner,
                sealed_secret=sealer.seal(secret.encode()),
                granted=Role.OPERATOR,  # whoever has a shell here is an operator
            )

        return await db.write(create), secret

    created, secret = with_sealed(home, work)
    show_table(("", ""), [("id", created.id), ("secret", secret)])


def _checked(sender: Outbound, url: str) -> str:
    from publisher.errors import AddressRefused

    try:
        return sender.check_url(url)
    except AddressRefused as error:
        raise PublisherError(f"{url}: {error.for_operators}") from error


def show(
    id: WebhookId,
    home: Home = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show one webhook.

    What it follows, how events are written for it, and how its endpoint answers.
    """
    found = with_storage(home, lambda db: _find(db, id))
    shown = _json(found)
    if as_json:
        show_json(shown)
        return
    shown |= {name: value for name, value in shown.pop("options").items() if value}
    shown |= {"state": _state(found), "format": _format(found.format)}
    shown |= {"feeds": ",".join(found.filter.feeds), "events": ",".join(found.filter.events) or "all"}
    shown["where"] = " ".join(f"{key}={value}" for key, values in found.filter.where for value in values) or None
    show_table(("", ""), [(name, str(value)) for name, value in shown.items() if value is not None])


def _format(name: str) -> str:
    """The label of the format; only its name if a later program made the webhook."""
    from publisher.delivery.transports import FORMATS

    return f"{name} ({FORMATS[name].label})" if name in FORMATS else f"{name} (unknown to this program)"


def send_test(
    id: WebhookId,
    *,
    type: Annotated[
        str | None, typer.Option("--type", help="Send an example of an event of this type instead of a plain test.")
    ] = None,
    home: Home = HERE,
) -> None:
    """Send one signed test event now, once.

    Tells how it went; exit code 1 if it was not taken.
    """

    async def work(db: Database, sealer: Sealer) -> PostResult:
        from publisher.delivery import Deliverer

        webhook = await _find(db, id)
        async with _sender(home) as (sender, delivery):
            deliverer = Deliverer(
                db,
                sender,
                sealer,
                schedule=delivery.schedule,
                timeout=delivery.timeout,
                now=db.now,
                site=await db.read(telling_site),
            )
            return await deliverer.test(webhook, _type(type))

    result = with_sealed(home, work)
    if result.delivered:
        typer.echo(f"taken with {result.status} after {result.duration_ms} ms")
        return
    said = result.error or f"answered {result.status}"
    raise PublisherError(f"not taken: {advised(said, result.advice)}")


def _type(name: str | None) -> EventType | None:
    from publisher.configfile import nearest
    from publisher.model import EventType

    if name is None:
        return None
    if name not in set(EventType):
        raise NotFound(f'"{name}" is no type of event; {nearest(name, list(EventType))}')
    return EventType(name)


def remove(id: WebhookId, home: Home = HERE) -> None:
    """Delete a webhook.

    What was still to be sent to it is cancelled.
    """

    async def work(db: Database) -> None:
        from publisher.storage.subscriptions import subscriptions

        await db.write(subscriptions.delete, (await _find(db, id)).id)

    with_storage(home, work)
    note(f"{id}: removed")


def list_deliveries(
    id: WebhookId,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most.")] = 50,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Those in this state alone; may be repeated.")
    ] = None,
    home: Home = HERE,
) -> None:
    """List a webhook's deliveries, newest first; those of a deleted one too.

    Shows id, event, type, state, why it was cancelled or is held, attempts, the last error or status, when it was made.
    """

    async def work(db: Database) -> list[Listed]:
        from publisher.model import DeliveryState, SubscriptionState
        from publisher.storage.subscriptions import listing, subscriptions

        if await db.read(subscriptions.get, id, states=tuple(SubscriptionState)) is None:
            raise NotFound(f"there is no webhook {id!r}, and there never was")
        for name in state or []:
            if name not in list(DeliveryState):
                raise PublisherError(f"--state {name}: must be one of {', '.join(DeliveryState)}")
        states = [DeliveryState(name) for name in state or []]
        return await db.read(listing.page, id, limit=limit, states=states)

    rows = [
        (
            one.id, one.event_id, one.event_type, one.state.value, one.reason or one.held or "", str(one.attempts),
            one.last_error or str(one.last_status or ""), one.created_at,
        )
        for one in with_storage(home, work)
    ]  # fmt: skip
    show_table(("id", "event", "type", "state", "why", "attempts", "last", "made"), rows)


@contextlib.asynccontextmanager
async def _sender(home: Path) -> AsyncIterator[tuple[Outbound, Delivery]]:
    """The client that webhooks are sent with, as ``[delivery]`` says; other errors have been reported by now."""
    from publisher import __version__, settings
    from publisher.outbound import Outbound

    delivery, _ = settings.load_delivery(home)
    sender = Outbound(
        allow_private=delivery.allow_private_networks,
        setting="[delivery] allow_private_networks",
        timeout=delivery.timeout,
        user_agent=f"publisher/{__version__}",
    )
    try:
        yield sender, delivery
    finally:
        await sender.close()


async def _find(db: Database, id: str) -> Subscription:
    from publisher.storage.subscriptions import subscriptions

    found = await db.read(subscriptions.get, id)
    if found is None:
        raise NotFound(f"there is no webhook {id!r}; `publisher webhooks list` shows them")
    return found


def _filter(known: Collection[str], feeds: list[str], events: list[str]) -> Filter:
    from publisher.configfile import nearest
    from publisher.model import EventType, Filter

    for name in feeds:
        if name not in known:
            raise NotFound(f'there is no feed "{name}"; {nearest(name, known)}')
    types = {type_.value for type_ in EventType}
    for name in events:
        if name not in types:
            raise NotFound(f'"{name}" is no type of event; {nearest(name, types)}')
    return Filter(feeds=tuple(feeds), events=tuple(EventType(name) for name in events))


def _narrowed(filter: Filter, where: list[str], expression: str | None) -> Filter:
    """The filter with what ``--where`` and ``--expression`` ask for; raises PublisherError with what is wrong."""
    from publisher.selection import parse
    from publisher.selection.expression import compiled

    asked: dict[str, list[str]] = {}
    for one in where:
        key, _, value = one.partition("=")
        asked.setdefault(key.strip(), []).append(value)
    try:
        if expression is not None:
            compiled(expression)
        return filter.model_copy(update={"where": parse(asked).pairs, "expression": expression})
    except ValueError as wrong:
        raise PublisherError(str(wrong)) from wrong


async def _feeds(home: Path, db: Database) -> set[str]:
    """The feeds there are; if a file has a fault, those that the service used last."""
    from publisher import catalog
    from publisher.storage.configuration import feeds

    try:
        return set(catalog.load(home).feeds)
    except ConfigErrors as faults:
        for fault in faults.errors:
            note(f"warning: {fault}")
        return {name for name, state in (await db.read(feeds.states)).items() if state.digest}
