"""Sending: takes from the queue only what it has a free slot for, and sends outside any transaction."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

from publisher import telemetry
from publisher.delivery.endpoints.hosts import PER_HOST, Hosts
from publisher.delivery.endpoints.strain import Strain
from publisher.delivery.settler import Settler
from publisher.delivery.transports.bodies import Bodies, Prepared
from publisher.delivery.transports.post import Poster, outcome
from publisher.delivery.unbroken import unbroken
from publisher.delivery.workers import Workers
from publisher.errors import SecretError, StorageError, told
from publisher.outbound import BEFORE_SENDING
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions import deliveries
from publisher.storage.subscriptions.deliveries import Claim, Claimed, Outcome

log = telemetry.logger(__name__)

POLL_SECONDS = 1.0
"""How often the queue is looked at for what other processes put there."""

GATHER_SECONDS = 0.01
"""While few slots are free, how long to wait for more: claims of one row each would be all commits."""

FAULT_SECONDS = 1.0

FRESH_SECONDS = 0.5
"""How long after its claim a delivery is sent without asking again whether it is to be; later, it is asked once there
is a connection. So nothing begins to be sent a second after it was stopped, whatever it waited for."""

ASK_SECONDS = 2.0
"""How long that may take. What is asked about for longer is not sent: the receiver would have to make up for it."""

SEALED_SECONDS = 300.0
"""How long a delivery waits whose webhook's secret cannot be opened: until someone puts the right key back."""

Job = tuple[Claimed, Prepared, float]

Observer = Callable[[int | None, float | None], None]
"""Told of each attempt: the status that was answered, null if none, and the event's age in seconds if it arrived."""


class Sender:
    """Claims, sends and hands outcomes to the settler.

    ``slots`` deliveries are under way at most, ``per_endpoint`` of them to one subscription. A claim takes at most half
    of that of one subscription, and none of one that has less than that half left: so the cap always holds, and a slow
    endpoint never holds the slots of others. ``per_host`` go to one host at most, see :class:`Hosts`.
    """

    def __init__(
        self,
        db: Database,
        poster: Poster,
        settler: Settler,
        *,
        schedule: Sequence[float],
        lease_seconds: float,
        slots: int,
        per_endpoint: int,
        per_host: int = PER_HOST,
        observe: Observer = lambda _status, _age: None,
        answered: Callable[[str], None] = lambda _url: None,
        fresh_seconds: float = FRESH_SECONDS,
        process: str | None = None,
    ) -> None:
        self._db = db
        self._fresh_seconds = fresh_seconds
        self._poster = poster
        self._settler = settler
        self._schedule = tuple(schedule)
        self._lease_seconds = lease_seconds
        self._observe = observe
        self._answered = answered
        self._slots = slots
        self._share = max(1, per_endpoint // 2)
        self._busy_from = max(1, per_endpoint - self._share + 1)
        self._name = process or secrets.token_hex(6)
        self._claims = 0
        self._flowing = False
        self._workers = Workers(self._deliver, self._ended)
        self._of: Counter[int] = Counter()
        self._bodies = Bodies()
        self._strain = Strain()
        self._hosts = Hosts(time.monotonic, per_host)
        self._wake = asyncio.Event()
        self._sealed_at = float("-inf")
        self.moved_at = time.monotonic()
        """When it last looked at the queue, and could, by the monotonic clock."""

    @property
    def sealed(self) -> bool:
        """Whether it met, since what waits for that was last tried, a secret that cannot be opened."""
        return time.monotonic() - self._sealed_at < SEALED_SECONDS + POLL_SECONDS

    def wake(self) -> None:
        """Look at the queue at once."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled; what is under way goes on then, see :meth:`drain`."""
        while True:
            try:
                await self._settler.keeps_up.wait()
                await self._strain.rest()
                self._wake.clear()
                if not await self._take():
                    await self._pause()
                self.moved_at = time.monotonic()
            except Exception as error:
                if not told(error):
                    log.error("delivery.claim_failed", error=str(error)[:300])
                await asyncio.sleep(FAULT_SECONDS)

    async def drain(self, grace: float) -> None:
        """Wait up to ``grace`` seconds for what is under way, then hand the rest back, due at once."""
        await self._workers.drain(grace)

    @property
    def _free(self) -> int:
        return self._slots - len(self._workers)

    @property
    def _busy(self) -> list[int]:
        return [
            *(subscription for subscription, count in self._of.items() if count >= self._busy_from),
            *self._hosts.busy,
        ]

    async def _take(self) -> bool:
        """Fill the free slots with what is due; returns whether there was any."""
        if self._free * 2 < self._slots:
            await asyncio.sleep(GATHER_SECONDS)
        if not self._free:
            return False
        # While claims bring something the next one probably does; else looking first spares the writer.
        if not self._flowing and await self._due_in() != 0:
            return False
        # Unbroken to the start: what was claimed is under way, to be waited for or handed back.
        return await unbroken(self._claim())

    async def _claim(self) -> bool:
        self._claims += 1
        asked = time.monotonic()
        claim = await self._db.write(
            deliveries.claim,
            limit=self._free,
            lease=f"{self._name}.{self._claims}",
            lease_seconds=self._lease_seconds,
            busy=self._busy,
            share=self._share,
            known=self._bodies.known,
        )
        self._start(claim, asked)
        self._flowing = bool(claim.deliveries)
        return self._flowing

    async def _due_in(self) -> float | None:
        return await unbroken(self._db.read(deliveries.next_due, self._busy))

    async def _pause(self) -> None:
        """Until something is made due, a slot frees up, the next retry is due, or it is time to look anyway."""
        wait = POLL_SECONDS
        if self._free:
            due = await self._due_in()
            # What is due and could not be claimed is being claimed by another process.
            wait = POLL_SECONDS if due is None else min(max(due, GATHER_SECONDS), POLL_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), wait)

    def _start(self, claim: Claim, asked: float) -> None:
        self._bodies.add(claim.events)
        for one in claim.deliveries:
            if one.cancelled:
                self._settler.add(Outcome(one.id, one.lease, "cancelled"))
                continue
            turn = self._hosts.begin(one.subscription, one.url)
            if turn is not None:
                self._settler.add(_unsent(one, turn))
                continue
            self._of[one.subscription] += 1
            self._workers.start((one, self._bodies.get(one.seq), asked))
        self._bodies.trim()

    async def _deliver(self, job: Job) -> None:
        one, prepared, asked = job
        question = _Question()
        BEFORE_SENDING.set(lambda: self._still(one, asked, question))
        body = prepared.body(one.type, one.change, one.summary)
        try:
            at, result = await self._poster.post(one.url, one.secret, prepared.event.id, body)
        except SecretError as error:
            self._sealed_at = time.monotonic()
            log.error("delivery.secret_sealed", error=str(error), retry_in=SEALED_SECONDS)
            self._settler.add(_unsent(one, SEALED_SECONDS))
            return
        if question.open:
            # The time for the receiver ran out while our own database was asked.
            self._settler.add(_unsent(one, FAULT_SECONDS))
            return
        if result.ours:
            self._settler.add(_unsent(one, self._strain.felt(result.error)))
            return
        self._strain.over()
        self._hosts.took(one.url, result.duration_ms / 1000, taken=result.delivered)
        self._settler.add(outcome(one, at, result, self._schedule))
        if result.delivered:
            self._answered(one.url)
        age = (at - prepared.event.timestamp).total_seconds() + result.duration_ms / 1000
        self._observe(result.status, age if result.delivered else None)

    async def _still(self, one: Claimed, asked: float, question: _Question) -> None:
        """Raise CancelledError if this is not to be sent any more: to wait for a connection may take long.

        It is handed back then, and settled as what stopped it. So is what cannot be asked about.
        """
        began = time.monotonic()
        if began - asked < self._fresh_seconds:
            return
        question.open = True
        try:
            stopped = await unbroken(self._db.read(deliveries.stopped, [one.id]))
        except StorageError as error:
            raise asyncio.CancelledError from error
        if stopped or time.monotonic() - began > ASK_SECONDS:
            raise asyncio.CancelledError
        question.open = False

    def _ended(self, job: Job, error: BaseException | None) -> None:
        one, *_ = job
        left = self._of[one.subscription] - 1
        if left:
            self._of[one.subscription] = left
        else:
            del self._of[one.subscription]
        resumed = self._hosts.end(one.url)
        if resumed or self._free == 1 or left == self._busy_from - 1:
            self._wake.set()
        if isinstance(error, asyncio.CancelledError):
            self._settler.add(_unsent(one, 0.0))
        elif error is not None:
            # Left to its lease: it is not known what to settle.
            log.error("delivery.crashed", delivery=one.id, error=repr(error)[:300])


class _Question:
    """Whether a delivery is still to be sent; ``open`` from when it is asked until the answer is that it is."""

    __slots__ = ("open",)

    def __init__(self) -> None:
        self.open = False


def _unsent(one: Claimed, wait: float) -> Outcome:
    """Not sent, or not to its end: it goes back as it was for ``wait`` seconds, and the attempt does not count."""
    return Outcome(one.id, one.lease, "pending" if one.number == 1 else "retrying", wait=wait)
