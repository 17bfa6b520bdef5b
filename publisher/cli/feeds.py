"""``publisher feeds``: what is published."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, defined, with_app
from publisher.cli.tables import show_table
from publisher.errors import NotFound

if TYPE_CHECKING:
    from publisher.app.installation import App


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="What is published.", no_args_is_help=True)
    group.command("list")(list_feeds)
    group.command()(show)
    cli.add_typer(group, name="feeds")


def _formats() -> list[str]:
    from publisher.render import FORMATS

    return [*FORMATS]


def list_feeds(home: Home = HERE) -> None:
    """List the feeds.

    Shows name, items, who may read it, address, title.
    """
    from publisher.publish import Address
    from publisher.render import FORMATS

    catalog, url = defined(home)
    first = FORMATS.first.name
    rows = [
        (feed.name, feed.items, "public" if feed.public else "private", Address(feed.name, first).url(url), feed.title)
        for feed in catalog.feeds.values()
    ]
    show_table(("name", "items", "readers", "address", "title"), rows)


def show(
    name: Annotated[str, typer.Argument(help="The feed's name: that of its file in feeds/.")],
    format: Annotated[
        str | None,
        typer.Option("--format", help="The ending of its address for it.", autocompletion=_formats),
    ] = None,
    home: Home = HERE,
) -> None:
    """Print a feed's document as it is served now."""

    async def work(app: App) -> bytes:
        from publisher.configfile import nearest
        from publisher.render import FORMATS

        if name not in app.catalog.feeds:
            raise NotFound(f'there is no feed "{name}"; {nearest(name, app.catalog.feeds)}')
        body = (await app.publications.current(name, format or FORMATS.printed.name)).body
        return await asyncio.to_thread(body.read_bytes) if isinstance(body, Path) else body

    document = with_app(home, work)
    sys.stdout.buffer.write(document)
    sys.stdout.buffer.flush()
