"""Sending: reads a little ahead of what it can send, and sends outside any transaction.

Each subscription has a line in memory, filled from parcels (``boarding.py``) and from rows (``taking.py``). Lines take
turns; places are given by ``endpoints/slots.py``. Where anything has changed since it was read, all that waits is read
again (``checking.py``) before any of it begins.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from publisher import redaction, telemetry
from publisher.delivery.aboard import Aboard
from publisher.delivery.backoff import Backoff
from publisher.delivery.boarding import Boarding
from publisher.delivery.checking import Checking
from publisher.delivery.endpoints.parties import Endpoint, Item
from publisher.delivery.endpoints.policy import Policy
from publisher.delivery.endpoints.retry import outcome
from publisher.delivery.endpoints.slots import Bounds, Slots
from publisher.delivery.exchanges import LastSuccesses, exchange
from publisher.delivery.following import Following
from publisher.delivery.held import Held
from publisher.delivery.lanes import Lanes
from publisher.delivery.posting import Poster
from publisher.delivery.probing import FAULT_SECONDS, Probing
from publisher.delivery.settler import Settler
from publisher.delivery.suspects import ALONE_AFTER, Suspects
from publisher.delivery.taking import AHEAD, POLL_SECONDS, Taking
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import Request, Site
from publisher.delivery.turns import SURE_SECONDS, Turns
from publisher.errors import SecretError, Unwritable, told
from publisher.model import Event
from publisher.outbound import PostResult
from publisher.storage.engine.database import Database
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.settling import Recorded

log = telemetry.logger(__name__)

FRESH_SECONDS = 0.5
"""How old what is known of a delivery may be when it begins to be sent: so nothing begins a second after it was
stopped, whatever it waited for."""

SEALED_SECONDS = 300.0
"""How long a delivery waits whose webhook's secret cannot be opened: until someone puts the right key back."""

UNWRITTEN_SECONDS = 300.0
"""How long a delivery waits that this program cannot write: its format is one of a later program, or has a fault."""

Observer = Callable[[int | None, float | None], None]
"""Told of each attempt: the status of the response, None without one, and the event's age in seconds if it arrived."""


class Sender:
    """Sends what is due in the lanes of this process, from parcels and from rows, and hands outcomes to the settler."""

    def __init__(
        self,
        db: Database,
        poster: Poster,
        settler: Settler,
        lanes: Lanes,
        aboard: Aboard,
        *,
        policy: Policy,
        bounds: Bounds,
        process: str,
        observe: Observer = lambda _status, _age: None,
        answered: Callable[[str], None] = lambda _url: None,
        fresh_seconds: float = FRESH_SECONDS,
        alone_after: Sequence[float] = ALONE_AFTER,
    ) -> None:
        self._held = Held(db, settler, lanes, Slots(bounds), policy=policy, process=process)
        self._boarding = Boarding(self._held, aboard)
        self._taking = Taking(self._held)
        self._checking = Checking(self._held, self._boarding)
        self._backoff = Backoff()
        self._turns = Turns(self._held, self._backoff, self._begin, fresh_seconds)
        self._probing = Probing(self._held, self._begin, self._turns.take)
        self._suspects = Suspects(self._held, self._begin, self._probing, alone_after)
        self._following = Following(
            self._held, self._boarding, self._taking, self._checking, self._suspects, fresh_seconds
        )
        self._poster = poster
        self._observe = observe
        self._answered = answered
        self.successes = LastSuccesses(db)
        self._fresh_seconds = fresh_seconds
        self._none = asyncio.Event()
        self._none.set()
        self._sealed_at = float("-inf")
        self.moved_at = time.monotonic()
        """When it last looked at the queue, and could, by the monotonic clock."""

    @property
    def policy(self) -> Policy:
        """What is taken next goes by it; what was taken before keeps to its own."""
        return self._held.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._held.policy = policy

    @property
    def site(self) -> Site:
        """Who tells of events."""
        return self._held.prepared.site

    @site.setter
    def site(self, site: Site) -> None:
        self._held.prepared.site = site

    @property
    def sealed(self) -> bool:
        """Whether it met, since what waits for that was last tried, a secret that cannot be opened."""
        return time.monotonic() - self._sealed_at < SEALED_SECONDS + POLL_SECONDS

    def wake(self) -> None:
        """Look for new deliveries at once."""
        self._taking.more = True
        self._boarding.look()
        self._held.wake.set()

    def fanned_out(self, some: Sequence[Event], epoch: int) -> None:
        """Look for the deliveries of these events, which need not be loaded again; they were read in this epoch."""
        if epoch == self._held.db.epoch:
            self._held.prepared.valid(epoch)
            self._held.prepared.add([one for one in some if one.seq not in self._held.prepared.known])
            self._held.prepared.trim()
        self.wake()

    def busy(self) -> frozenset[int]:
        """The lanes in which something is under way, or waits in memory to be sent, or in parcels to be settled."""
        return frozenset(item.line.lane for item in self._held.sending).union(
            (line.lane for line in self._held.lines if line.items),
            (parcel.lane for parcel in self._held.unsettled()),
        )

    def lost(self, lanes: frozenset[int]) -> None:
        """These lanes were not this process's for a while, though they may be again before it looks."""
        self._following.lost(lanes)

    def look_again(self) -> None:
        """Look at all that is open at once, as at the start: times in the database were moved."""
        self._following.look_again()

    async def run(self) -> None:
        """Send what is due until cancelled; what is under way goes on then, see :meth:`drain`."""
        while True:
            try:
                await self._held.settler.keeps_up.wait()
                await self._backoff.wait()
                self._held.wake.clear()
                await self._look()
                self.moved_at = time.monotonic()
                await self._pause()
            except Exception as error:
                self.look_again()  # what was chosen, or was taken by a commit whose answer was lost, is known no more
                if not told(error):
                    log.error("delivery.claim_failed", error=str(error)[:300])
                await asyncio.sleep(FAULT_SECONDS)

    async def drain(self, grace: float) -> None:
        """Begin nothing more, wait up to ``grace`` seconds for what is under way, and hand back the rest: rows due at
        once, and seats in their parcels.
        """
        self._held.draining = True
        if not self._held.current:  # what others made rows of is to be given back, too
            checking = asyncio.ensure_future(self._checking.check())
            await asyncio.wait([checking], timeout=grace)
            if checking.done() and (error := checking.exception()) is not None and not told(error):
                log.warning("delivery.check_failed", error=str(error)[:300])
        for line in self._held.lines:
            self._held.hand_back(line)
        if self._held.sending:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._none.wait(), grace)
        for item in tuple(self._held.sending):
            item.cut = True
            if item.sending is not None:
                item.sending.cancel()
        await self._none.wait()

    def recorded(self, what: Recorded) -> None:
        """Go by what the settler has committed of parcels."""
        self._boarding.recorded(what)

    def returned(self, outcomes: Iterable[Outcome]) -> None:
        """As :meth:`Taking.returned`."""
        outcomes = list(outcomes)
        self._suspects.returned(outcomes)
        self._taking.returned(outcomes)

    async def _look(self) -> None:
        """Learn what has changed, then take and begin as much as there is room for."""
        await self._following.changes()
        await self._following.lanes()
        await self._taking.find_strays()
        self._following.let_go_of_old()
        while (await self._boarding.board()) | (await self._taking.take()):
            await self._probing.probe()
            self._turns.take()
            await self._following.changes()
            if not self._held.settler.keeps_up.is_set():
                return
        await self._probing.probe()
        await self._suspects.look()
        await self._turns.load()
        self._turns.take()

    def _begin(self, item: Item) -> None:
        one = item.one
        item.endpoint = item.line.endpoint
        try:
            request = self._written(item)
        except Unwritable as error:
            self._over(item, self._dead(item, str(error)))
            return
        if request is None:
            self._over(item, item.unsent(UNWRITTEN_SECONDS))
            return
        self._held.sending.add(item)
        self._none.clear()
        try:
            item.at, item.sending = self._poster.send(
                one.url, one.secret, request, item.policy.timeout,
                lambda result: self._done(item, result), lambda: self._may_begin(item),
            )  # fmt: skip
        except SecretError as error:
            self._sealed_at = time.monotonic()
            log.error("delivery.secret_sealed", error=str(error), retry_in=SEALED_SECONDS)
            self._ended(item)
            self._over(item, item.unsent(SEALED_SECONDS))
        except Exception as error:  # one delivery's surprise must not become everyone's
            log.exception("delivery.crashed", delivery=one.id, error=repr(error)[:300])
            self._ended(item)
            self._over(item, item.unsent(UNWRITTEN_SECONDS))

    def _may_begin(self, item: Item) -> bool:
        """Whether it may be written to the connection that it has now, however long that took."""
        now = time.monotonic()
        if item.dropped or self._held.draining or item.line.lane not in self._held.lanes.held or item.lapsed(now):
            return False
        age = now - self._held.known_at
        looked = self._held.known_at > item.held_back_at > float("-inf")
        if self._held.current and (age <= self._fresh_seconds or (looked and age <= SURE_SECONDS)):
            item.begun = True
            return True
        if item.held_back_at <= self._held.known_at:
            item.held_back_at = now
        return False

    def _done(self, item: Item, result: PostResult) -> None:
        """How it went, from the client."""
        try:
            self._ended(item)
            self._judge(item, result)
        except Exception as error:  # one delivery's surprise must not become everyone's
            log.exception("delivery.crashed", delivery=item.one.id, error=repr(error)[:300])

    def _ended(self, item: Item) -> None:
        self._held.sending.discard(item)
        if not self._held.sending:
            self._none.set()

    def _judge(self, item: Item, result: PostResult) -> None:
        one = item.one
        if item.dropped and not item.begun:
            self._over(item, None)
            return
        result = FORMATS[one.format].judged(result)
        if result.stopped or (item.cut and result.status is None):
            self._not_sent(item)
            return
        if result.ours:
            self._over(item, item.unsent(self._backoff.failed(result.error)))
            return
        self._backoff.succeeded()
        endpoint, seconds = item.endpoint, result.duration_ms / 1000
        endpoint.took(seconds, taken=result.delivered)
        endpoint.host.took(seconds, taken=result.delivered)
        assert item.at is not None
        self._circuit(item, endpoint, delivered=result.delivered)
        if item.line.failing and not one.failures:  # a seat does not say so, nor a row that was taken before
            one = one._replace(failures=1)
        item.line.failing = not result.delivered
        schedule = item.policy.schedule
        settled = outcome(one, item.at, result, schedule, item.parcel, item.seat, probe=item.probe)
        if result.delivered:
            self._answered(one.url)
            self.successes.note(item, result)
        else:
            settled = settled._replace(exchange=exchange(item.sending))
        self._over(item, settled)
        prepared = self._held.prepared.find(one.seq)
        age = None
        if prepared is not None and result.delivered:
            age = (item.at - prepared.event.timestamp).total_seconds() + seconds
        self._observe(result.status, age)

    def _not_sent(self, item: Item) -> None:
        """It was stopped before it began, or cut off by our own stop: it waits on, or goes back."""
        line, now = item.line, time.monotonic()
        in_parcel = item.parcel is not None and not item.parcel.moved >> item.seat & 1
        if item.dropped or (self._held.draining and in_parcel):
            self._over(item, None)
        elif (
            self._held.draining or item.probe or line.ordered or item.lapsed(now)
            or line.lane not in self._held.lanes.held
        ):  # fmt: skip
            self._over(item, item.unsent(0.0))
        else:
            line.items.appendleft(item)
            self._held.count(1, [item])
            self._over(item, None)
            self._held.slots.ask(line)
            self._held.wake.set()

    def _over(self, item: Item, what: Outcome | None) -> None:
        """Settle it, and let others have its places."""
        if what is not None:
            self._held.settle(item, what)
            if what.wait is not None and item.line.ordered:
                self._held.hand_back(item.line)  # those behind it go after it
        if item.probe:
            self._probing.over(item)
        if item.parties:
            self._held.slots.give_back(item.line, item.parties)
            item.parties = ()
        self._turns.soon()

    def _circuit(self, item: Item, endpoint: Endpoint, *, delivered: bool) -> None:
        circuit, now = endpoint.circuit, time.monotonic()
        if delivered:
            if circuit.succeeded():
                log.info("endpoint.recovered", url=_shown(endpoint))
                self._held.resume(endpoint)
                self._held.wake.set()
        elif item.probe:
            circuit.failures += 1
            circuit.unanswered(now)
        elif circuit.failed(now):
            self._held.lines.failing(endpoint)
            log.warning("endpoint.circuit_opened", url=_shown(endpoint), failures=circuit.failures)
            for line in list(endpoint.lines.values()):
                self._held.hand_back(line)

    def _written(self, item: Item) -> Request | None:
        """The event in the delivery's format; None, told in the log, where this program cannot write that.

        Raises Unwritable where what its webhook asked for makes too much of it.
        """
        one = item.one
        try:
            wish = item.line.wish
            # What was taken together is sent together, whatever its webhook asks for by now.
            if item.others or (wish is not None and wish.options.batch is not None):
                return self._held.prepared.batch(FORMATS[one.format], item.rows)
            return self._held.prepared.request(
                one.seq, FORMATS[one.format], one.type, one.change, one.summary, one.options
            )
        except Unwritable:
            raise
        except Exception as error:
            said = f"there is no format {one.format!r} here" if one.format not in FORMATS else repr(error)[:300]
            log.error("delivery.unwritten", webhook=one.webhook, seq=one.seq, error=said, retry_in=UNWRITTEN_SECONDS)
            return None

    def _dead(self, item: Item, reason: str) -> Outcome:
        """It can never be sent, which is its webhook's own doing and says nothing of the endpoint."""
        return outcome(item.one, self._poster.now(), PostResult(None, reason), (), item.parcel, item.seat)

    async def _pause(self) -> None:
        """Until something is made due, the next retry is, or it is time to look anyway."""
        wait = POLL_SECONDS
        if self._held.rows or self._held.seats or self._held.sending:
            wait = min(wait, max(self._fresh_seconds / 2, 0.05))
        due = self._held.lines.next_due
        if due is not None and self._held.rows < AHEAD:
            wait = min(wait, max((due - self._held.now()) / 1e6, 0.01))
        try:
            # Not wait_for(): in Python 3.11 it swallows a cancellation that comes as it ends.
            async with asyncio.timeout(wait):
                await self._held.wake.wait()
        except TimeoutError:
            self._taking.more = True
            self._boarding.look()


def _shown(endpoint: Endpoint) -> str:
    scheme, host, port, path = endpoint.key
    return redaction.endpoint(f"{scheme}://{host}{f':{port}' if port else ''}{path}")
