"""The delivery path as one service: fan-out, sending and settling, started and stopped together."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from publisher import clock, telemetry
from publisher.clock import Clock
from publisher.delivery.aboard import Aboard
from publisher.delivery.endpoints.policy import Policy
from publisher.delivery.endpoints.slots import Bounds
from publisher.delivery.endpoints.verified_hosts import VerifiedHosts
from publisher.delivery.followers import pausing
from publisher.delivery.followers.fanout import FanOut
from publisher.delivery.followers.replaying import Replaying
from publisher.delivery.lanes import Lanes
from publisher.delivery.posting import Poster
from publisher.delivery.sender import FRESH_SECONDS, Observer, Sender
from publisher.delivery.settler import Settler
from publisher.delivery.suspects import ALONE_AFTER
from publisher.delivery.testing import Tests
from publisher.delivery.transports.base import SITE, Site
from publisher.errors import told
from publisher.model import EventType, Subscription
from publisher.outbound import Exchange, Outbound
from publisher.storage.access.sealing import Sealer
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import subscriptions

log = telemetry.logger(__name__)

BOUNDS = Bounds()

QUEUE_SECONDS = 20.0
"""How long a row that was taken may wait in memory for its turn. (For seats: ``ABOARD_SECONDS`` of ``parties.py``.)"""

LEASE_MARGIN = 10.0
"""Seconds by which a lease outlasts that and the timeout: to settle in, and before a killed process's work goes on."""

LAST_COMMIT_SECONDS = 1.0

STUCK_SECONDS = 60.0
"""How long the fan-out or the sender may be without getting any further before it counts as stuck."""
TELL_SECONDS = 5.0
"""How often to look for what other processes left to be told about webhooks."""


class Deliverer:
    """Tells subscribers of events, each at least once.

    ``schedule`` are the waits between attempts and ``timeout`` the limit of one, in seconds. ``observe`` is told of
    each attempt; ``bounds`` are on what is under way; ``fresh_seconds`` is how old what is known of a delivery may be
    when it begins; ``alone_after`` is how long a process must have had lanes before it sends what is suspected of
    ending processes alone (``suspects.py``); ``check`` is the fan-out's. ``now`` is the time that signatures state,
    ``process`` an id of this process, with which every lease begins that it holds; ``alone``: no other process sends,
    nor will; ``site`` is who tells. Start it with :meth:`run`, end it with :meth:`stop`.
    """

    def __init__(
        self,
        db: Database,
        outbound: Outbound,
        sealer: Sealer,
        *,
        schedule: Sequence[float],
        timeout: float,
        bounds: Bounds = BOUNDS,
        lease_margin: float = LEASE_MARGIN,
        observe: Observer = lambda _status, _age: None,
        fresh_seconds: float = FRESH_SECONDS,
        alone_after: Sequence[float] = ALONE_AFTER,
        check: Callable[[Tx], None] = lambda _tx: None,
        now: Clock = clock.now,
        process: str | None = None,
        alone: bool = False,
        site: Site = SITE,
    ) -> None:
        self._db = db
        self._now = now
        self._lease_margin = lease_margin
        self._check = check
        self._poster = Poster(outbound, sealer, now=now)
        self._tests = Tests(self._poster, now=now)
        self._owed = asyncio.Event()
        process = process or secrets.token_hex(6)
        aboard = Aboard()
        self._settler = Settler(db, failed=self._owed.set, process=process, journaled=aboard.journaled)
        self._verified = VerifiedHosts(db)
        self._lanes = Lanes(db, process, alone=alone)
        self._sender = Sender(
            db,
            self._poster,
            self._settler,
            self._lanes,
            aboard,
            policy=self._policy(schedule, timeout),
            bounds=bounds,
            process=process,
            observe=observe,
            answered=self._verified.answered,
            fresh_seconds=fresh_seconds,
            alone_after=alone_after,
        )
        self._sender.site = self._tests.site = site
        self._lanes.changed, self._lanes.busy = self._sender.wake, self._sender.busy
        self._lanes.lost = self._sender.lost
        self._settler.recorded, self._settler.returned = self._sender.recorded, self._sender.returned
        self._fanout = FanOut(db, made=self._sender.fanned_out, check=check)
        self._replaying = Replaying(db, lanes=lambda: self._lanes.held, check=check)
        self._loops: tuple[asyncio.Task[None], ...] = ()
        self._settling: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    def configure(self, *, schedule: Sequence[float], timeout: float, site: Site | None = None) -> None:
        """Go by this schedule and timeout, in seconds, for whatever is read or taken from now on, and tell as ``site``.

        What waits in memory or is under way keeps to those of before, and what waits for a retry to the time it was
        given.
        """
        self._sender.policy = self._policy(schedule, timeout)
        if site is not None:
            self._sender.site = self._tests.site = site

    def _policy(self, schedule: Sequence[float], timeout: float) -> Policy:
        return Policy(tuple(schedule), timeout, QUEUE_SECONDS, lease=QUEUE_SECONDS + timeout + self._lease_margin)

    @property
    def site(self) -> Site:
        """Who tells."""
        return self._sender.site

    @property
    def running(self) -> bool:
        """Whether it follows the log, sends and settles."""
        tasks = (*self._loops, self._settling)
        return self._settling is not None and not any(task is None or task.done() for task in tasks)

    @property
    def stuck(self) -> str:
        """Which part has not got any further for a minute, and for how long; empty where all do.

        A part with nothing to do gets further too: it looks every second.
        """
        now = time.monotonic()
        parts = (("fan-out", self._fanout.moved_at), ("sender", self._sender.moved_at))
        found = [f"{name} stuck for {now - at:.0f} s" for name, at in parts if now - at > STUCK_SECONDS]
        return ", ".join(found)

    @property
    def sealed(self) -> bool:
        """Whether something waits since a webhook's secret cannot be opened."""
        return self._sender.sealed

    async def run(self) -> None:
        """Deliver until :meth:`stop`; cancelling it is stopping without grace."""
        self._settling = asyncio.create_task(self._settler.run(), name="settler")
        self._loops = (
            asyncio.create_task(self._lanes.run(), name="lanes"),
            asyncio.create_task(self._fanout.run(), name="fanout"),
            asyncio.create_task(self._sender.run(), name="sender"),
            asyncio.create_task(self._tell(), name="teller"),
            asyncio.create_task(self._replaying.run(), name="replays"),
            asyncio.create_task(self._sender.successes.run(), name="successes"),
        )
        try:
            await self._stopped.wait()
        except asyncio.CancelledError:
            await self.stop(0)
            raise

    async def stop(self, grace: float = 5.0) -> None:
        """Take nothing more, wait up to ``grace`` seconds for what is under way, and hand back the rest, due at once.

        Returns when all of it is settled, or a second after the grace if the database does not take it; leases then
        run out by themselves.
        """
        deadline = time.monotonic() + grace
        await _end(self._loops, grace + LAST_COMMIT_SECONDS)
        await self._sender.drain(max(0.0, deadline - time.monotonic()))
        self._settler.finish()
        if self._settling is not None:
            rest = max(0.0, deadline - time.monotonic()) + LAST_COMMIT_SECONDS
            await asyncio.wait([self._settling], timeout=rest)
            await _end([self._settling], LAST_COMMIT_SECONDS)
        await asyncio.wait([asyncio.ensure_future(self._lanes.leave())], timeout=LAST_COMMIT_SECONDS)
        await self._verified.written(LAST_COMMIT_SECONDS)
        await asyncio.wait([asyncio.ensure_future(self._sender.successes.run_out())], timeout=LAST_COMMIT_SECONDS)
        self._stopped.set()

    def wake(self) -> None:
        """Look at all that is open at once: it became due by other means than an event."""
        self._sender.look_again()

    async def _tell(self) -> None:
        """Tell what is owed about webhooks, until cancelled: at once after our own failures, in time after others'."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._owed.wait(), TELL_SECONDS)
            self._owed.clear()
            try:
                await self._db.read(self._check)
                await pausing.tell(self._db)
            except Exception as error:
                if not told(error):
                    log.error("webhook.telling_failed", error=str(error)[:300])

    async def test(
        self, subscription: Subscription, type: EventType | None = None, *, summary: bool = False
    ) -> Exchange:
        """Send one signed ``webhook.test`` now, once, outside the log, or an example of a type; returns how it went.

        ``summary``: what it follows shows no full text. Raises NotFound where the subscription is gone.
        """
        sealed = await self._db.read(subscriptions.secret, subscription.id)
        result = await self._tests.test(subscription, sealed, self._sender.policy.timeout, type, summary=summary)
        await self._note(subscription, result)
        return result

    async def challenge(self, subscription: Subscription, sealed: bytes) -> tuple[bool, Exchange]:
        """Send one signed ``webhook.challenge`` with these credentials; returns whether it was echoed, and how."""
        echoed, result = await self._tests.challenge(subscription, sealed, self._sender.policy.timeout)
        if echoed:
            await self._note(subscription, result)
        return echoed, result

    async def _note(self, subscription: Subscription, result: Exchange) -> None:
        if result.delivered:
            self._verified.answered(subscription.url)
            await self._verified.written(LAST_COMMIT_SECONDS)


async def _end(tasks: Iterable[asyncio.Task[None]], within: float) -> None:
    """Cancel tasks and wait for them; what cannot end within that many seconds is left behind."""
    open_ = [task for task in tasks if not task.done()]
    for task in open_:
        task.cancel()
    if open_:
        await asyncio.wait(open_, timeout=within)
