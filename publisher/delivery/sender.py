"""Sending: takes from the queue only what it has a free slot for, and sends outside any transaction."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from publisher import telemetry
from publisher.delivery.backoff import Backoff
from publisher.delivery.endpoints.caps import PER_HOST, HostCaps
from publisher.delivery.endpoints.retry import outcome
from publisher.delivery.lastcheck import FRESH_SECONDS, LastCheck
from publisher.delivery.posting import Poster
from publisher.delivery.prepared import Prepared, PreparedEvents
from publisher.delivery.settler import Settler
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import Request
from publisher.delivery.unbroken import unbroken
from publisher.delivery.workers import Workers
from publisher.errors import SecretError, told
from publisher.storage.engine.database import Database, Tx
from publisher.storage.subscriptions import deliveries
from publisher.storage.subscriptions.deliveries import Claim, Claimed, Outcome

log = telemetry.logger(__name__)

POLL_SECONDS = 1.0
"""How often to look at the queue for what other processes put there."""

GATHER_SECONDS = 0.01
"""How long to wait for more slots while few are free: claims of one row each would spend all time in commits."""

FAULT_SECONDS = 1.0

SEALED_SECONDS = 300.0
"""How long a delivery waits whose webhook's secret cannot be opened: until someone puts the right key back."""

UNWRITTEN_SECONDS = 300.0
"""How long a delivery waits that this program cannot write: its format is one of a later program, or has a fault."""


@dataclass(frozen=True, slots=True)
class Policy:
    """``schedule``: the waits between attempts; ``timeout``: the limit of one; ``lease``: of a claim. In seconds.

    The lease outlasts the timeout: else another process would send again what is still under way.
    """

    schedule: tuple[float, ...]
    timeout: float
    lease: float


class Job(NamedTuple):
    """A claimed delivery, ``claimed_at`` by the monotonic clock, under the ``policy`` that its lease was made for."""

    claimed: Claimed
    prepared: Prepared
    claimed_at: float
    policy: Policy


Observer = Callable[[int | None, float | None], None]
"""Told of each attempt: the status of the response, None without one, and the event's age in seconds if it arrived."""


class Sender:
    """Claims, sends and hands outcomes to the settler.

    ``slots`` deliveries are under way at most, ``per_endpoint`` of them to one subscription. A claim takes at most half
    of that of one subscription, and none of one that has less than that half left: so the cap always holds, and a slow
    endpoint never holds the slots of others. ``per_host`` go to one host at most, see :class:`HostCaps`.
    """

    def __init__(
        self,
        db: Database,
        poster: Poster,
        settler: Settler,
        *,
        policy: Policy,
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
        self.policy = policy
        """What the next claim goes by; what was claimed before keeps to its own."""
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
        self._prepared = PreparedEvents()
        self._backoff = Backoff()
        self._hosts = HostCaps(time.monotonic, per_host)
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
                await self._backoff.wait()
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
        claimed_at, policy = time.monotonic(), self.policy
        claim = await self._db.write(self._claimed, policy)
        self._start(claim, claimed_at, policy)
        self._flowing = bool(claim.deliveries)
        return self._flowing

    def _claimed(self, tx: Tx, policy: Policy) -> Claim:
        self._prepared.valid(self._db.epoch)  # in the transaction: nothing this process erased is taken for known
        return deliveries.claim(
            tx,
            limit=self._free,
            lease=f"{self._name}.{self._claims}",
            lease_seconds=policy.lease,
            busy=self._busy,
            share=self._share,
            known=self._prepared.known,
        )

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

    def _start(self, claim: Claim, claimed_at: float, policy: Policy) -> None:
        self._prepared.add(claim.events)
        for one in claim.deliveries:
            if one.cancelled:
                self._settler.add(Outcome(one.id, one.lease, "cancelled"))
                continue
            turn = self._hosts.begin(one.subscription, one.url)
            if turn is not None:
                self._settler.add(_unsent(one, turn))
                continue
            self._of[one.subscription] += 1
            self._workers.start(Job(one, self._prepared.get(one.seq), claimed_at, policy))
        self._prepared.trim()

    async def _deliver(self, job: Job) -> None:
        one, prepared, claimed_at, policy = job
        request = _written(one, prepared)
        if request is None:
            self._settler.add(_unsent(one, UNWRITTEN_SECONDS))
            return
        check = LastCheck(self._db, one.id, claimed_at, self._fresh_seconds)
        try:
            at, result = await self._poster.post(
                one.url, one.secret, request, policy.timeout, begins=check.fresh, before=check
            )
        except SecretError as error:
            self._sealed_at = time.monotonic()
            log.error("delivery.secret_sealed", error=str(error), retry_in=SEALED_SECONDS)
            self._settler.add(_unsent(one, SEALED_SECONDS))
            return
        if check.unanswered:
            # The receiver's timeout ran out while our own database was checked.
            self._settler.add(_unsent(one, FAULT_SECONDS))
            return
        if result.ours:
            self._settler.add(_unsent(one, self._backoff.failed(result.error)))
            return
        self._backoff.succeeded()
        self._hosts.took(one.url, result.duration_ms / 1000, taken=result.delivered)
        self._settler.add(outcome(one, at, result, policy.schedule))
        if result.delivered:
            self._answered(one.url)
        age = (at - prepared.event.timestamp).total_seconds() + result.duration_ms / 1000
        self._observe(result.status, age if result.delivered else None)

    def _ended(self, job: Job, error: BaseException | None) -> None:
        one = job.claimed
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


def _written(one: Claimed, prepared: Prepared) -> Request | None:
    """The event in the delivery's format; None, told in the log, where this program cannot write that."""
    try:
        return prepared.request(FORMATS[one.format], one.type, one.change, one.summary)
    except Exception as error:
        said = f"there is no format {one.format!r} here" if one.format not in FORMATS else repr(error)[:300]
        log.error("delivery.unwritten", webhook=one.webhook, seq=one.seq, error=said, retry_in=UNWRITTEN_SECONDS)
        return None


def _unsent(one: Claimed, wait: float) -> Outcome:
    """Not sent, or not to its end: it goes back as it was for ``wait`` seconds, and the attempt does not count."""
    return Outcome(one.id, one.lease, "pending" if one.number == 1 else "retrying", wait=wait)
