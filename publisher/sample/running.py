"""The sample newsroom at work: its site served, its market and news moving."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from aiohttp import web

from publisher import clock, telemetry
from publisher.clock import Clock
from publisher.sample.newsroom import Newsroom
from publisher.sample.site import make_site

log = telemetry.logger(__name__)

MARKET_SECONDS = 3.0
NEWS_SECONDS = 30.0


async def run_newsroom(
    host: str = "127.0.0.1",
    port: int = 8081,
    *,
    seed: int | None = None,
    now: Clock = clock.now,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the site and keep it moving until cancelled; ``on_ready`` is called with its address.

    Without a ``seed`` each run takes its own course. Raises OSError if the port is taken.
    """
    newsroom = Newsroom(random.randrange(2**32) if seed is None else seed, now())
    runner = web.AppRunner(make_site(newsroom, now), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        address = f"http://{host}:{runner.addresses[0][1]}"
        log.info("sample.newsroom_ready", url=address)
        if on_ready:
            on_ready(address)
        await asyncio.gather(
            _every(MARKET_SECONDS, lambda: newsroom.move_market(now())),
            _every(NEWS_SECONDS, lambda: _news(newsroom, now)),
        )
    finally:
        await runner.cleanup()


def _news(newsroom: Newsroom, now: Clock) -> None:
    happening = newsroom.make_news(now())
    log.info("sample.news", what=happening.what, article=happening.slug)


async def _every(seconds: float, action: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(seconds)
        action()
