"""Running an installation as a service.

Start: what was missed while it was down, then the server, then what writes to storage and what the outside is told.
Stop: the reverse, each part with its own share of the 10 s that a service manager may expect.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from publisher import telemetry
from publisher.app.installation import App
from publisher.app.reloading import Reloader
from publisher.app.watching import watch as watch_files
from publisher.delivery import access
from publisher.delivery.pausing import keep
from publisher.errors import NotFound, PublisherError
from publisher.schedule import Schedule, next_run
from publisher.settings import notify_socket, watchdog_usec
from publisher.storage import idempotency
from publisher.systemd import Manager, watch, watchdog_interval
from publisher.web.app import make_app
from publisher.web.metrics import add_metrics
from publisher.web.services import Services

log = telemetry.logger(__name__)

HELPERS_GRACE, READINGS_GRACE, DELIVERIES_GRACE, REQUESTS_GRACE = 0.5, 2.0, 3.0, 3.0
"""Seconds that what is under way may take to end after SIGTERM, in this order. Settling deliveries may take one more,
so the whole stop takes under 10 s."""

TAIL_SECONDS = 1.0
"""How often the log is looked at for what another process appended."""

SETTLE_SECONDS = 30.0
"""How often articles that went back and forth are looked at, and webhooks that have no feed left."""

PRUNE_SECONDS = 3600.0
"""How often what is kept for a time only is cleared away."""


async def serve(app: App, *, on_ready: Callable[[str], None] | None = None, stop: asyncio.Event | None = None) -> None:
    """Run the server, the scheduler and the sender until SIGTERM, SIGINT or ``stop``; SIGHUP reloads.

    ``on_ready`` is called with the address once requests are answered.
    """
    stop = stop or asyncio.Event()
    manager = Manager(notify_socket())
    schedule = Schedule(lambda name: _read(app, name), timezone=app.site.timezone)
    runner = web.AppRunner(_web(app, schedule), access_log=None, shutdown_timeout=REQUESTS_GRACE)
    async with contextlib.AsyncExitStack() as stack:
        _on(stack, stop.set, signal.SIGTERM, signal.SIGINT)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await _listen(runner, app.settings.server.host, app.settings.server.port)
        address = _address(runner, app.settings.server.host)
        # Rights may be others since an older publisher wrote the data.
        await app.db.write(access.review, app.catalog.feeds)
        sender = asyncio.create_task(app.deliverer.run(), name="deliverer")
        stack.push_async_callback(_stop_sender, app, sender)
        schedule.start({one.name: one for one in app.catalog.sources}, app.watched())
        stack.push_async_callback(schedule.stop, READINGS_GRACE)
        reloader = Reloader(app, schedule, manager, f"Answers at {address}")
        helpers = _Helpers()
        stack.push_async_callback(helpers.stop)
        _start_helpers(helpers, app)
        helpers.start("reload", reloader.run())
        helpers.start("watch configuration", watch_files(app.home, reloader.noticed))
        _on(stack, reloader.asked, signal.SIGHUP)
        if interval := watchdog_interval(watchdog_usec()):
            helpers.start("watchdog", watch(manager, interval, lambda: schedule.running and app.deliverer.running))
        log.info("service.ready", url=address, sources=len(app.catalog.sources), feeds=len(app.catalog.feeds))
        manager.ready(f"Answers at {address}")
        if on_ready:
            on_ready(address)
        await stop.wait()
        manager.stopping()
        log.info("service.stopping")
    log.info("service.stopped")


def _start_helpers(helpers: _Helpers, app: App) -> None:
    helpers.start("tail", _every(TAIL_SECONDS, app.db.refresh))
    helpers.start("settle", _every(SETTLE_SECONDS, app.intake.settle))
    helpers.start("embargoes", app.intake.keep_time())
    # Each reload does so too; this is for what was removed while the service was down, or just as it was followed.
    helpers.start("webhooks", _every(SETTLE_SECONDS, lambda: keep(app.db, app.catalog.feeds)))
    helpers.start("prune", _every(PRUNE_SECONDS, lambda: app.db.write(idempotency.prune)))


class _Helpers:
    """Tasks that run beside the server until it stops."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=HELPERS_GRACE)


async def _read(app: App, name: str) -> None:
    try:
        await app.load(name, forced=False)
    except NotFound:
        pass  # removed since it was due
    except Exception:  # the next tick must come, whatever this one ran into
        log.exception("source.crashed", source=name)


async def _stop_sender(app: App, task: asyncio.Task[None]) -> None:
    await app.deliverer.stop(DELIVERIES_GRACE)
    await task


def _web(app: App, schedule: Schedule) -> web.Application:
    services = Services(
        db=app.db,
        site=app.site,
        catalog=lambda: app.catalog,
        ingest=app.intake,
        publications=app.publications,
        deliverer=app.deliverer,
        sealer=app.sealer,
        guard=app.sender,
        probes={"scheduler": lambda: schedule.running, "deliverer": lambda: app.deliverer.running},
        trusted_proxies=app.settings.server.trusted_proxies,
        now=app.now,
        sources=lambda: app.catalog.sources,
        next_run=lambda one, state: next_run(one, state, timezone=app.site.timezone, now=app.now()),
    )
    application = make_app(services)
    add_metrics(
        application,
        app.metrics,
        access=app.settings.server.metrics,
        sources=lambda: {source.name for source in app.catalog.sources},
    )
    return application


def _on(stack: contextlib.AsyncExitStack, do: Callable[[], None], *signals: int) -> None:
    """Do something on these signals while the stack is open."""
    loop = asyncio.get_running_loop()
    for number in signals:
        # Only the main thread may; a test that serves in another gives its own event.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, do)
            stack.callback(loop.remove_signal_handler, number)


async def _every(seconds: float, action: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Do it now, and again ``seconds`` after it was done; one failure is not the last try."""
    while True:
        try:
            await action()
        except Exception:
            log.exception("service.task_failed", task=getattr(action, "__qualname__", "?"))
        await asyncio.sleep(seconds)


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        # The loops word it differently; a name that does not resolve has an errno of its own kind.
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise PublisherError(
            f"cannot listen at {host}:{port}: {reason}; set [server] host and port in config/publisher.toml"
        ) from error


def _address(runner: web.AppRunner, host: str) -> str:
    port = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
