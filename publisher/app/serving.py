"""Running an installation as a service.

Start: the server, then what writes to storage, then what sends to the outside.
Stop: the reverse, each part with its own share of the 10 s that a service manager may expect.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any

from aiohttp import web

from publisher import __version__, telemetry
from publisher.app.installation import App, connections
from publisher.app.offering import ANSWER_SECONDS, answer, present
from publisher.app.probes import probes
from publisher.app.reloading import Reloader
from publisher.app.roles import alone
from publisher.app.terminal import on_hangup
from publisher.app.watching import watch as watch_files
from publisher.errors import NotFound, PublisherError
from publisher.maintenance import Job, Parts, jobs
from publisher.maintenance.heartbeat import Heartbeat
from publisher.maintenance.keeping import Kept
from publisher.model.node import DELIVER, INGEST, ROLES, WEB, Node
from publisher.outbound.mail import Mailer
from publisher.schedule import Schedule
from publisher.settings import Mail, Server, notify_socket, watchdog_usec
from publisher.storage.configuration import sources
from publisher.storage.engine.database import sqlite_file
from publisher.storage.engine.turns import Urgency, writing_as
from publisher.storage.log.tail import Tail
from publisher.storage.transfer import leftovers
from publisher.storage.transfer.backup import RESTORING
from publisher.systemd import Manager, watch, watchdog_interval
from publisher.web.app import make_app
from publisher.web.http.limits import LOOPBACK, Limits
from publisher.web.http.runner import Runner
from publisher.web.ops.metrics import add_metrics
from publisher.web.services import Services

log = telemetry.logger(__name__)

HELPERS_GRACE, READINGS_GRACE, DELIVERIES_GRACE, REQUESTS_GRACE = 0.5, 2.0, 3.0, 3.0
"""Seconds that running work may take to end after SIGTERM, in this order. Settling deliveries may take one more,
so the whole stop takes under 10 s."""

YOUNG_OBJECTS = 20_000
"""Objects made and not freed before the garbage collector looks at the newest (Python's default is 700). 256 requests
that begin together make about as many."""

COLLECT_SECONDS = 10.0
"""How often the newest objects are looked at all the same. Some 170 a second refer to each other in circles where
nothing happens but that sources are read; two minutes of them would hold 2 MB. A look takes a millisecond."""

KEPT = "the files are not taken; the last good ones are in force: see the log, or publisher apply"
SEALED = "some webhooks are told of nothing, since their secrets cannot be opened: see delivery.secret_sealed"


async def serve(
    app: App,
    *,
    roles: Collection[str] = ROLES,
    on_ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Do what the ``roles`` say until SIGTERM, SIGINT or ``stop``; SIGHUP reloads.

    It also stops if SIGHUP says that the terminal it was started from was closed.
    ``on_ready`` is called with the address once requests are answered: without the role ``web`` those of monitoring
    alone. Raises PublisherError where it cannot listen, or where another process has the roles that one alone may have.
    """
    stop = stop or asyncio.Event()
    manager = Manager(notify_socket())
    schedule = Schedule(lambda name, due: _read(app, name, due), app.db, app.timetable, node=app.node, check=app.check)
    reloader = Reloader(app, schedule, manager)
    async with contextlib.AsyncExitStack() as stack:
        _on(stack, stop.set, signal.SIGTERM, signal.SIGINT)
        stack.enter_context(alone(sqlite_file(app.settings.storage.url, app.home / "data"), roles))
        address = await _take_requests(stack, app, _web(app, schedule, reloader, roles))
        heartbeat = await _begin_work(stack, app, schedule, roles)
        reloader.status = f"Answers at {address}"
        helpers = _Helpers()
        stack.push_async_callback(helpers.stop)
        kept = Kept(app.settings.delivery.keep_deliveries, app.settings.storage.keep_events)
        parts = Parts(
            app.db, app.intake, app.publications, app.deliverer.wake, heartbeat, app.check, kept, app.node,
            mailer=_mailer(app.settings.mail), site=lambda: app.site,
        )  # fmt: skip
        helpers.run(*jobs(parts, roles))
        helpers.start("reload", reloader.run())
        service = stack.enter_context(present(app.home / "data"))
        helpers.run(Job("offers", ANSWER_SECONDS, lambda: answer(app, reloader, service), Urgency.ANSWER))
        helpers.start("collect", collect_the_newest())
        helpers.start("watch configuration", watch_files(app.home, reloader.noticed))
        _on(stack, on_hangup(stop.set, reloader.request), signal.SIGHUP)
        if interval := watchdog_interval(watchdog_usec()):
            helpers.start("watchdog", watch(manager, interval, lambda: _works(app, schedule, roles)))
        counts = {"sources": len(app.catalog.sources), "feeds": len(app.catalog.feeds)}
        log.info("service.ready", url=address, roles=",".join(roles), **counts)
        manager.ready(reloader.shown())
        if on_ready:
            on_ready(address)
        await stop.wait()
        manager.stopping()
        log.info("service.stopping")
    log.info("service.stopped")


class _Helpers:
    """Tasks that run beside the server until it stops."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    def run(self, *jobs: Job) -> None:
        for job in jobs:
            self.start(job.name, job.run())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=HELPERS_GRACE)


async def _take_requests(stack: contextlib.AsyncExitStack, app: App, application: web.Application) -> str:
    """Listen until the stack is closed; returns the address."""
    server = app.settings.server
    runner = Runner(
        application,
        limits=_limits(server),
        ended=app.metrics.ended,
        access_log=None,
        shutdown_timeout=REQUESTS_GRACE,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await _listen(runner, server.host, server.port)
    return _address(runner, server.host)


async def _begin_work(
    stack: contextlib.AsyncExitStack, app: App, schedule: Schedule, roles: Collection[str]
) -> Heartbeat:
    """Send deliveries and read sources, as far as the roles say, until the stack is closed."""
    heartbeat = Heartbeat(app.db, lambda: _node(app, roles))
    await heartbeat.beat()
    stack.push_async_callback(heartbeat.end)
    await asyncio.to_thread(leftovers.sweep, app.home / "data", RESTORING)
    if DELIVER in roles:
        with writing_as(Urgency.PROMISE):
            sender = asyncio.create_task(app.deliverer.run(), name="deliverer")
        stack.push_async_callback(_stop_sender, app, sender)
    if INGEST in roles:
        await app.db.write(sources.forget_leases)
        schedule.start({one.name: one for one in app.catalog.sources}, app.watched())
        stack.push_async_callback(schedule.stop, READINGS_GRACE)
    return heartbeat


def spare_the_garbage_collector() -> None:
    """Keep Python's garbage collector away from all objects that exist now, and let it look at new ones less often.

    To be called at the end of a start, for the whole process. With its defaults the collector goes through every object
    there is some nine times in 10,000 deliveries, since each burst of requests makes more of them than it expects:
    45 µs of the CPU of every delivery, and pauses of 50 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


async def collect_the_newest(every: float = COLLECT_SECONDS) -> None:
    """Free what is young and unreachable, every so many seconds, until cancelled."""
    while True:
        await asyncio.sleep(every)
        gc.collect(0)


async def _read(app: App, name: str, due: bool) -> bool:
    try:
        return not (await app.load(name, forced=False, due=due)).taken
    except NotFound:
        return True  # removed since it was due


def _node(app: App, roles: Collection[str]) -> Node:
    """This process, as the heartbeat records it."""
    used = app.in_force
    return Node(
        app.process,
        app.node,
        tuple(roles),
        os.getpid(),
        __version__,
        definitions=used.number,
        problem=used.problem,
    )


def _works(app: App, schedule: Schedule, roles: Collection[str]) -> bool:
    return (INGEST not in roles or schedule.running) and (DELIVER not in roles or app.deliverer.running)


async def _stop_sender(app: App, task: asyncio.Task[None]) -> None:
    await app.deliverer.stop(DELIVERIES_GRACE)
    await task


def _notes(app: App, reloader: Reloader) -> Mapping[str, str]:
    notes = {"configuration": KEPT} if reloader.fault else {}
    return {**notes, "secrets": SEALED} if app.deliverer.sealed else notes


def _web(app: App, schedule: Schedule, reloader: Reloader, roles: Collection[str]) -> web.Application:
    services = Services(
        db=app.db,
        tail=Tail(app.db),
        site=lambda: app.site,
        catalog=lambda: app.catalog,
        ingest=app.intake,
        publications=app.publications,
        deliverer=app.deliverer,
        sealer=app.sealer,
        guard=app.sender,
        probes=probes(app, schedule, roles),
        notes=lambda: _notes(app, reloader),
        trusted_proxies=app.settings.server.trusted_proxies,
        limits=app.allowances,
        check=app.check,
        now=app.now,
        runner=app.pushed,
    )
    application = make_app(services, public=WEB in roles)
    add_metrics(
        application,
        app.metrics,
        access=app.settings.server.metrics,
        sources=lambda: {source.name for source in app.catalog.sources},
        definitions=lambda: app.in_force.number,
    )
    return application


def _mailer(mail: Mail) -> Mailer | None:
    """Whoever sends mail to operators; None where none is wanted."""
    if not mail.host:
        return None
    return Mailer(
        mail.host, sender=mail.sender, to=mail.to, port=mail.port, tls=mail.tls, user=mail.user, password=mail.password
    )


def _limits(server: Server) -> Limits:
    """The limits for clients."""
    return Limits(
        connections=connections(server),
        per_address=server.connections_per_address,
        idle=server.idle_timeout,
        exempt=(*LOOPBACK, *server.trusted_proxies),
    )


def _on(stack: contextlib.AsyncExitStack, do: Callable[[], None], *signals: int) -> None:
    """Do something on these signals while the stack is open."""
    loop = asyncio.get_running_loop()
    for number in signals:
        # Only the main thread may; a test that serves in another gives its own event.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, do)
            stack.callback(loop.remove_signal_handler, number)


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        # The loops word it differently; a name that does not resolve has an errno of its own kind.
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        if error.errno == errno.EADDRINUSE:
            advice = "choose another port in [server] of config/publisher.toml, and the same in url of its [site]"
        else:
            advice = "set [server] host and port in config/publisher.toml"
        raise PublisherError(f"cannot listen at {host}:{port}: {reason}; {advice}") from error


def _address(runner: web.AppRunner, host: str) -> str:
    port = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
