"""A webhook receiver to watch a publisher with: registers itself, verifies what comes, prints it, unregisters."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.text import Text

from publisher import clock
from publisher.clock import Clock
from publisher.delivery.signing import sign
from publisher.errors import PublisherError

BODY_LIMIT = 4 * 1024**2
REMEMBERED = 10_000
"""Events whose ids are kept, to tell a repeat."""

TOLERANCE_SECONDS = 300
"""How old, or how far ahead, a timestamp may be: an old recording must not pass for news."""

_COLOURS = {
    "article.published": "green",
    "article.updated": "yellow",
    "article.withdrawn": "red",
    "indicator.updated": "cyan",
}


class NotGenuine(Exception):
    """The request was not signed with the secret, or not lately."""


class Receiver:
    """Takes webhooks. ``show`` is given a line for each request: an event, a repeat, or why it was refused."""

    def __init__(self, show: Callable[[Text], None], now: Clock = clock.now) -> None:
        self.secret: str | None = None
        self._show = show
        self._now = now
        self._seen: dict[str, None] = {}

    def app(self) -> web.Application:
        """The application that listens at ``/hook``."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post("/hook", self.take)
        return app

    async def take(self, request: web.Request) -> web.Response:
        """Verify one delivery and answer 204; 401 for what was not signed with our secret, 400 for no event."""
        if self.secret is None:  # sent before the answer to our registration came: it will be sent again
            return web.Response(status=503)
        body = await request.read()
        try:
            verify(self.secret, request.headers, body, self._now())
        except NotGenuine as error:
            self._show(Text(f"refused: {error}", style="bold red"))
            return web.Response(status=401)
        try:
            event = json.loads(body)
            line = describe(event, self._now(), repeated=request.headers["webhook-id"] in self._seen)
        except (ValueError, KeyError, TypeError):
            self._show(Text("refused: signed, but no event", style="bold red"))
            return web.Response(status=400)
        self._remember(request.headers["webhook-id"])
        self._show(line)
        return web.Response(status=204)

    def _remember(self, id: str) -> None:
        self._seen[id] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise NotGenuine, with the reason, unless the signature of these very bytes is right and fresh.

    What any receiver does, after the Standard Webhooks specification.
    """
    try:
        id, sent = headers["webhook-id"], int(headers["webhook-timestamp"])
        signatures = headers["webhook-signature"].split()
    except (KeyError, ValueError) as error:
        raise NotGenuine(f"a header is missing or unreadable ({error})") from error
    if abs(now.timestamp() - sent) > TOLERANCE_SECONDS:
        raise NotGenuine(f"its timestamp is {round(now.timestamp() - sent)} s away")
    expected = sign(secret, id, sent, body).encode()
    if not any(hmac.compare_digest(one.encode(), expected) for one in signatures):
        raise NotGenuine("no signature in it is right")


def describe(event: Mapping[str, Any], received: datetime, *, repeated: bool = False) -> Text:
    """One line for people about an event whose signature is right: when, what happened, and to what."""
    kind = event["type"]
    colour = _COLOURS.get(kind, "blue")
    line = Text.assemble(
        (f"{received.astimezone():%H:%M:%S} ", "dim"),
        ("✓ ", "green"),
        (f"{kind:<18} ", f"bold {colour}"),
        _subject(event["data"]),
    )
    if event.get("changed") and "symbol" not in event["data"]:
        line.append(f"  ({', '.join(event['changed'])})", "dim")
    if repeated:
        line.append("  repeat, dropped", "yellow")
    return line


def _subject(data: Mapping[str, Any]) -> Text:
    if "symbol" not in data:
        return Text(str(data.get("title") or data.get("id") or ", ".join(map(str, data.values()))))
    change = data.get("change") or ""
    falls = change.startswith("-")
    mark = "" if not change else "▼" if falls else "▲" if change.strip("0.") else "▬"
    percent = f" {data['percent']}%" if data.get("percent") is not None else ""
    moved = Text(f" {mark} {change}{percent}" if change else "", style="red" if falls else "green")
    return Text.assemble((data["symbol"], "bold"), " ", data["value"], moved)


async def run_receiver(
    publisher_url: str,
    key: str,
    feeds: Sequence[str],
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    console: Console | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Register at a publisher, print what it sends until cancelled, and unregister.

    ``port`` 0 takes any that is free; ``on_ready`` is called with the webhook's id. Raises PublisherError where the
    publisher cannot be reached or refuses, OSError if the port is taken.
    """
    console = console or Console()
    receiver = Receiver(partial(console.print, soft_wrap=True))
    runner = web.AppRunner(receiver.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        hook = f"http://{host}:{runner.addresses[0][1]}/hook"
        async with aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {key}"}, timeout=aiohttp.ClientTimeout(total=10)
        ) as session:
            api = f"{publisher_url.rstrip('/')}/api/v1/webhooks"
            webhook = await _register(session, api, hook, feeds)
            receiver.secret = webhook["secret"]
            try:
                console.print(f"Listening at {hook} for {', '.join(feeds)} ({webhook['id']}).")
                console.print("✓ is a verified signature; Ctrl-C ends it.", style="dim")
                if on_ready:
                    on_ready(webhook["id"])
                await asyncio.Event().wait()
            finally:
                await _unregister(session, f"{api}/{webhook['id']}", console)
    finally:
        await runner.cleanup()


async def _register(session: aiohttp.ClientSession, api: str, hook: str, feeds: Sequence[str]) -> dict[str, Any]:
    wanted = {"url": hook, "feeds": list(feeds), "description": "publisher sample receiver"}
    try:
        async with session.post(api, json=wanted) as response:
            answer: dict[str, Any] = json.loads(await response.read())
            if response.status != 201:
                raise PublisherError(f"the publisher refused: {answer.get('detail', response.reason)}")
            return answer
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise PublisherError(f"no publisher answers at {api}: {error}") from error


async def _unregister(session: aiohttp.ClientSession, url: str, console: Console) -> None:
    try:
        async with session.delete(url) as response:
            await response.read()
        console.print("Unregistered.")
    except (aiohttp.ClientError, TimeoutError) as error:
        console.print(f"Could not unregister ({error}); publisher webhooks remove does.", style="yellow")
