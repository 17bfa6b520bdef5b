"""Sending: takes a little ahead of what it can send, and sends outside any transaction.

Each subscription has a line in memory. Lines take turns; places are given by ``endpoints/slots.py``. What a line has
no room for stays in the database, and is looked for there by its own index once the line has room: whoever has much
waiting, or is slow, costs no one else more than its place.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from publisher import clock, telemetry
from publisher.delivery.backoff import Backoff
from publisher.delivery.endpoints.parties import Endpoint, Item, Line, unsent
from publisher.delivery.endpoints.policy import Policy
from publisher.delivery.endpoints.retry import outcome
from publisher.delivery.endpoints.slots import Bounds, Slots
from publisher.delivery.lanes import Lanes
from publisher.delivery.lines import Lines
from publisher.delivery.posting import Poster
from publisher.delivery.prepared import PreparedEvents
from publisher.delivery.settler import Settler
from publisher.delivery.transports import FORMATS
from publisher.delivery.transports.base import Request
from publisher.errors import SecretError, told
from publisher.outbound import PostResult
from publisher.storage.engine.database import Database, Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import queue, wakes
from publisher.storage.subscriptions.deliveries import Outcome
from publisher.storage.subscriptions.queue import Claim, Claimed
from publisher.unbroken import unbroken

log = telemetry.logger(__name__)

POLL_SECONDS = 1.0
"""How often to look for what other processes put into the queue."""

FRESH_SECONDS = 0.5
"""How old what is known of a delivery may be when it begins to be sent: so nothing begins a second after it was
stopped, whatever it waited for."""

SURE_SECONDS = 0.9
"""How old it may be where the look itself takes long."""

AHEAD = 8192
"""Deliveries taken and not under way, at most."""

BATCH = 512
"""Deliveries taken in one transaction."""

SCAN = 4096
"""New deliveries looked at in one statement."""

FIRST_AHEAD = 20
"""Deliveries taken ahead for a subscription whose endpoint is not known to be quick."""

TURN = 64
"""Requests begun in one step of the event loop: some milliseconds in which nothing else is done."""

LOCKED_MICROS = 50_000
"""How long to leave alone what another transaction holds just now."""

PROBES, PROBES_AT_HOST = 16, 4
"""Probes under way at most, in all and to one host."""

FAULT_SECONDS = 1.0

SEALED_SECONDS = 300.0
"""How long a delivery waits whose webhook's secret cannot be opened: until someone puts the right key back."""

UNWRITTEN_SECONDS = 300.0
"""How long a delivery waits that this program cannot write: its format is one of a later program, or has a fault."""

Pairs = list[tuple[int, int]]
"""Deliveries and their subscriptions."""

Shares = dict[int, list[int]]
"""How many to take of each of which subscriptions."""

Observer = Callable[[int | None, float | None], None]
"""Told of each attempt: the status of the response, None without one, and the event's age in seconds if it arrived."""


class Sender:
    """Takes what is due in the lanes of this process, sends it, and hands outcomes to the settler."""

    def __init__(
        self,
        db: Database,
        poster: Poster,
        settler: Settler,
        lanes: Lanes,
        *,
        policy: Policy,
        bounds: Bounds,
        process: str,
        observe: Observer = lambda _status, _age: None,
        answered: Callable[[str], None] = lambda _url: None,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._db = db
        self._fresh_seconds = fresh_seconds
        self._poster = poster
        self._settler = settler
        self._lanes = lanes
        self.policy = policy
        """What is taken next goes by it; what was taken before keeps to its own."""
        self._observe = observe
        self._answered = answered
        self._process = process
        self._claims = 0
        self._lines = Lines()
        self._slots = Slots(bounds)
        self._prepared = PreparedEvents()
        self._backoff = Backoff()
        self._sending: set[Item] = set()
        self._none = asyncio.Event()
        self._none.set()
        self._held = 0
        self._unloaded: list[Line] = []
        self._strays: set[int] = set()
        self._foreign: set[int] = set()
        self._probes: Counter[str] = Counter()
        self._new: deque[tuple[int, int]] = deque()
        self._reached: int | None = None
        self._more_new = True
        self._scanned_at = float("-inf")
        self._swept_at = float("-inf")
        self._serving: frozenset[int] = frozenset()
        self._known_at = float("-inf")
        self._known = (-1, -1)
        self._generation = db.generation
        self._draining = False
        self._turning = False
        self._wake = asyncio.Event()
        self._sealed_at = float("-inf")
        self.moved_at = time.monotonic()
        """When it last looked at the queue, and could, by the monotonic clock."""

    @property
    def sealed(self) -> bool:
        """Whether it met, since what waits for that was last tried, a secret that cannot be opened."""
        return time.monotonic() - self._sealed_at < SEALED_SECONDS + POLL_SECONDS

    def wake(self) -> None:
        """Look for new deliveries at once."""
        self._more_new = True
        self._wake.set()

    def busy(self) -> frozenset[int]:
        """The lanes in which something is under way, or waits in memory."""
        return frozenset(item.line.lane for item in self._sending).union(
            line.lane for line in self._lines if line.items
        )

    def look_again(self) -> None:
        """Look at all that is open at once, as at the start: times in the database were moved."""
        self._serving = frozenset()
        self._wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled; what is under way goes on then, see :meth:`drain`."""
        while True:
            try:
                await self._settler.keeps_up.wait()
                await self._backoff.wait()
                self._wake.clear()
                await self._look()
                self.moved_at = time.monotonic()
                await self._pause()
            except Exception as error:
                self.look_again()  # what was chosen, or was taken by a commit whose answer was lost, is known no more
                if not told(error):
                    log.error("delivery.claim_failed", error=str(error)[:300])
                await asyncio.sleep(FAULT_SECONDS)

    async def drain(self, grace: float) -> None:
        """Begin nothing more, wait up to ``grace`` seconds for what is under way, then hand back the rest, due at
        once.
        """
        self._draining = True
        for line in self._lines:
            self._hand_back(line)
        if self._sending:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._none.wait(), grace)
        for item in tuple(self._sending):
            item.cut = True
            if item.sending is not None:
                item.sending.cancel()
        await self._none.wait()

    # Looking

    async def _look(self) -> None:
        """Learn what has changed, then take and begin as much as there is room for."""
        await self._follow_changes()
        await self._follow_lanes()
        await self._find_strays()
        self._let_go_of_old()
        while await self._take():
            await self._probe()
            self._turn()
            await self._follow_changes()
            if not self._settler.keeps_up.is_set():
                return
        await self._probe()
        await self._load()
        self._turn()

    async def _follow_changes(self) -> None:
        """Make sure that what is known of what is held is not too old to send by."""
        began = time.monotonic()
        if self._current and began - self._known_at < self._fresh_seconds / 2:
            return
        await unbroken(self._db.refresh())
        known = (self._db.changes, self._db.epoch)
        if known != self._known:
            await unbroken(self._check())
            self._known = known
        if self._generation != self._db.generation:
            # It is another log, in which numbers may be given out anew: what is open is looked through as at the start.
            self._generation, self._reached, self._serving = self._db.generation, None, frozenset()
            self._new.clear()
        self._known_at = began

    @property
    def _current(self) -> bool:
        """Whether nothing is known to have changed since what is held was read."""
        return self._known == (self._db.changes, self._db.epoch)

    async def _follow_lanes(self) -> None:
        """Look through all that is open in lanes that are new here, and hand back what is of others."""
        lanes = self._lanes.held
        if lanes == self._serving:
            return
        self._lines.moved()
        for line in list(self._lines):
            if line.lane not in lanes:
                self._hand_back(line)
                if line.idle or not line.under_way:
                    line.due = None
                    if not line.listed:
                        self._lines.remove(line)
        gained = lanes - self._serving
        if gained:
            found, end = await unbroken(self._db.read(_open_in, gained))
            now = time.monotonic()
            for follower, due in found:
                self._lines.more(self._lines.add(follower, now), due)
            if self._reached is None:
                self._reached = end
        self._serving = lanes

    def _let_go_of_old(self) -> None:
        """Hand back what has waited for longer than it may: its lease must outlast its attempt."""
        now = time.monotonic()
        if now - self._swept_at < min(POLL_SECONDS, self.policy.queue / 4):
            return
        self._swept_at = now
        for line in self._lines:
            if line.items and any(item.lapsed(now) for item in line.items):
                self._hand_back(line)

    async def _find_strays(self) -> None:
        """Learn when something is due of subscriptions that were forgotten while it was being settled; have others look
        for what is theirs.
        """
        strays, self._strays = self._strays, set()
        if strays and self._serving:
            for follower, due in await unbroken(self._db.read(queue.waiting, self._serving, strays)):
                self._lines.more(self._lines.add(follower, time.monotonic()), due)
        foreign, self._foreign = self._foreign, set()
        if foreign:  # whoever sends for them now may have looked before they were back in the queue
            await unbroken(self._db.write(wakes.wake, sorted(foreign)))

    async def _check(self) -> None:
        """Read again all that is held and has not begun: it may be stopped, go elsewhere, or have lost its lease."""
        items = {item.one.id: item for line in self._lines for item in line.items}
        items |= {item.one.id: item for item in self._sending if not item.begun}
        claim, woken = await self._db.write_loosely(self._checked, list(items))
        self._prepared.add(claim.events)
        self._awake(woken)
        for n in claim.parked:
            if (parked := self._lines.get(n)) is not None:
                self._lines.more(parked, self._now())
        still = {one.id: one for one in claim.deliveries}
        for id_, item in items.items():
            self._update(item, still.get(id_))
        for line in self._lines:
            if any(item.dropped for item in line.items):
                kept = deque(item for item in line.items if not item.dropped)
                self._held -= len(line.items) - len(kept)
                line.items = kept
                self._seek(line)
            if line.lane not in self._lanes.held:  # where it goes now another process sends
                self._hand_back(line)
            elif line.items:
                self._slots.ask(line)  # where it goes now there may be a place

    def _awake(self, woken: Iterable[tuple[queue.Follower, int | None]]) -> None:
        """Take over what is on record of these, and when something of each is due."""
        for follower, due in woken:
            line = self._lines.add(follower, time.monotonic())
            circuit = line.endpoint.circuit
            # Only where it is open: failures that are not committed yet are not on record, and still count.
            if not follower.failures and circuit.open and circuit.succeeded():
                self._resume(line.endpoint)
            if due is not None:
                self._lines.more(line, due)

    def _update(self, item: Item, one: Claimed | None) -> None:
        """Go by what a delivery that has not begun is now; None: it belongs to someone else, or stands still."""
        if one is None:
            item.dropped = True
        elif one.cancelled:
            item.dropped = True
            self._settler.add(Outcome(one.id, one.lease, "cancelled"))
        else:
            moved, item.one = one.url != item.one.url, one
            self._lines.readdress(item.line, one.url)
            if moved and item in self._sending and item.sending is not None:
                item.sending.cancel()

    def _checked(self, tx: Tx, ids: list[int]) -> tuple[Claim, list[tuple[queue.Follower, int | None]]]:
        self._prepared.valid(self._db.epoch)
        lanes = self._lanes.held
        own = wakes.woken(tx, lanes)
        due = {one.n: at for one, at in queue.waiting(tx, lanes, own)} if own else {}
        found = [(one, due.get(one.n)) for one in queue.followers(tx, own)] if own else []
        wakes.heard(tx, own)
        held = queue.held_by(tx, ids, self._process) if ids else []
        return queue.brought(tx, held, self._prepared.known), found

    # Taking

    async def _take(self) -> bool:
        """Take what is due, as far as there is room; returns whether there may be more."""
        room = min(BATCH, AHEAD - self._held)
        if room <= 0 or self._draining or not self._serving:
            return False
        await self._scan()
        new, own = self._chosen(room)
        if not new and not own:
            return bool(self._new)
        self._claims += 1
        began, policy = time.monotonic(), self.policy
        # Unbroken to the end: what was taken is held, to be sent or handed back.
        await unbroken(self._taken(new, own, began, policy))
        return bool(self._new) or self._is_due()

    async def _scan(self) -> None:
        """Look for new deliveries, and learn whose they are."""
        if time.monotonic() - self._scanned_at >= POLL_SECONDS:
            self._more_new = True
        if self._new or not self._more_new or self._reached is None:
            return
        self._more_new = False
        self._scanned_at = time.monotonic()
        (found, self._reached), unknown = await unbroken(self._db.read(self._scanned, self._reached))
        now = time.monotonic()
        for one in unknown:
            if one.lane in self._serving:
                self._lines.add(one, now)
            else:
                self._lines.elsewhere(one.n)
        self._new.extend(found)
        self._more_new |= len(found) == SCAN

    def _scanned(self, tx: Tx, after: int) -> tuple[tuple[Pairs, int], list[queue.Follower]]:
        found = queue.fresh(tx, after, SCAN)
        unknown = {n for _, n in found[0] if n not in self._lines}
        return found, queue.followers(tx, unknown) if unknown else []

    def _chosen(self, room: int) -> tuple[Pairs, Shares]:
        """Which new deliveries to take, and of which subscriptions how many (by that number) of those due before."""
        own: Shares = {}
        later = []
        now = self._now()
        for line in self._lines.due(now):
            if line.endpoint.circuit.open or line.lane not in self._serving:
                continue  # looked for again once it is closed
            share = min(self._room(line), room)
            if share <= 0:
                later.append(line)
                if room <= 0:
                    break
                continue
            share = 1 << (share.bit_length() - 1)
            own.setdefault(share, []).append(line.n)
            room -= share
        for line in later:
            self._seek(line)
        new: Pairs = []
        planned: dict[int, int] = {}
        while self._new and room > 0:
            id_, n = self._new.popleft()
            one = self._lines.get(n)
            if one is None or one.lane not in self._serving:
                if n not in self._lines:  # forgotten since it was scanned
                    self._strays.add(n)
                    self._wake.set()
                continue
            # What is due of it in the database comes first, and what it has no room for stays there.
            behind = one.due is not None and one.due <= now
            if behind or one.endpoint.circuit.open or self._room(one) <= planned.get(n, 0):
                one.due = now if one.due is None else min(one.due, now)
                self._seek(one)
                continue
            planned[n] = planned.get(n, 0) + 1
            new.append((id_, n))
            room -= 1
        return new, own

    async def _taken(self, new: Pairs, own: Shares, began: float, policy: Policy) -> None:
        claim, due = await self._db.write_loosely(self._claimed, new, own, policy)
        self._add(claim, began, policy)
        got = {one.subscription for one in claim.deliveries}
        soon = self._now() + LOCKED_MICROS
        for n, at in due.items():
            line = self._lines.get(n)
            if line is not None:
                # What is due and was not taken is locked by someone who changes it.
                line.due = at if at is None or n in got else max(at, soon)
                self._seek(line)

    def _claimed(self, tx: Tx, new: Pairs, own: Shares, policy: Policy) -> tuple[Claim, dict[int, int | None]]:
        """What was taken; and of those subscriptions that may have more, when that is due."""
        self._prepared.valid(self._db.epoch)  # in the transaction: nothing this process erased is taken for known
        lease = f"{self._process}.{self._claims}"
        taken: list[int] = []
        for share, some in own.items():
            taken += queue.take_of(tx, some, share, lease=lease, seconds=policy.lease)
        if new:
            taken += queue.take(tx, [id_ for id_, _ in new], lease=lease, seconds=policy.lease)
        claim = queue.brought(tx, taken, self._prepared.known)
        missed = set(new) - {(one.id, one.subscription) for one in claim.deliveries} if len(taken) < len(new) else ()
        concerned = {n for some in own.values() for n in some}.union(claim.parked, (n for _, n in missed))
        found = queue.due(tx, concerned) if concerned else {}
        return claim, {n: found.get(n) for n in concerned}

    def _add(self, claim: Claim, began: float, policy: Policy) -> None:
        self._prepared.add(claim.events)
        for one in claim.deliveries:
            line = self._lines.get(one.subscription)
            if one.cancelled:
                self._settler.add(Outcome(one.id, one.lease, "cancelled"))
                continue
            if line is not None:
                self._lines.readdress(line, one.url)
            # It goes elsewhere by now, or its lane does, or this process stops.
            if line is None or self._draining or line.lane not in self._lanes.held:
                self._settler.add(unsent(one, 0.0))
                continue
            self._lines.used(line)
            line.items.append(Item(one, line, began, policy))
            self._held += 1
            self._slots.ask(line)
        self._prepared.trim()
        self._lines.trim()

    def _room(self, line: Line) -> int:
        """How many more may be taken ahead for this line: what it may send in some two seconds, as far as is known."""
        endpoint = line.endpoint
        if endpoint.seconds is None or not endpoint.quick:
            most = max(FIRST_AHEAD, 2 * self._slots.bounds.endpoint)
        else:
            most = BATCH
        return most - len(line.items)

    def _is_due(self) -> bool:
        due = self._lines.next_due
        return due is not None and due <= self._now()

    def _now(self) -> int:
        return clock.to_micros(self._db.now())

    # Probes of endpoints whose circuit is open

    async def _probe(self) -> None:
        now = time.monotonic()
        for endpoint in self._lines.to_probe(now):
            circuit, host = endpoint.circuit, endpoint.host.name
            if self._probes.total() >= PROBES:
                return
            if not circuit.probing and not self._draining and self._probes[host] < PROBES_AT_HOST:
                await unbroken(self._probe_one(endpoint))
                self._turn()

    async def _probe_one(self, endpoint: Endpoint) -> None:
        newest = endpoint.circuit.probe()
        began, policy = time.monotonic(), self.policy
        own = [n for n, line in endpoint.lines.items() if line.due is not None]
        self._claims += 1
        try:
            claim, left = await self._db.write_loosely(self._probed, own, newest, policy)
        except BaseException:
            endpoint.circuit.unanswered(time.monotonic())
            raise
        self._prepared.add(claim.events)
        for n, at in left.items():
            if (line := self._lines.get(n)) is not None:
                line.due = at
        begun = False
        for one in claim.deliveries:
            line = self._lines.get(one.subscription)
            if one.cancelled:
                self._settler.add(Outcome(one.id, one.lease, "cancelled"))
            elif line is not None:
                self._probes[endpoint.host.name] += 1
                self._begin(Item(one, line, began, policy, probe=True))
                begun = True
        if not begun:
            endpoint.circuit.unanswered(time.monotonic())

    def _probed(self, tx: Tx, own: list[int], newest: bool, policy: Policy) -> tuple[Claim, dict[int, int | None]]:
        """One delivery of the first of these subscriptions that has any; and when those before it have one again."""
        self._prepared.valid(self._db.epoch)
        lease = f"{self._process}.{self._claims}"
        for place, n in enumerate(own):
            taken = queue.probe(tx, n, newest=newest, lease=lease, seconds=policy.lease)
            if taken:
                return queue.brought(tx, taken, self._prepared.known), self._due_of(tx, own[:place])
        return Claim(), self._due_of(tx, own)

    @staticmethod
    def _due_of(tx: Tx, own: list[int]) -> dict[int, int | None]:
        found = queue.due(tx, own) if own else {}
        return {n: found.get(n) for n in own}

    # Sending

    def _turn(self) -> None:
        """Begin what can begin, some at a time."""
        self._turning = False
        left, slots = TURN, self._slots
        now = time.monotonic()
        if self._draining or not self._settler.keeps_up.is_set() or self._backoff.resting:
            return
        if not self._current or now - self._known_at > (self._fresh_seconds or SURE_SECONDS):
            self._wake.set()
            return
        while slots.ready and left and not slots.full:
            line = slots.ready.popleft()
            line.listed = False
            if not line.items:
                continue
            if line.lane not in self._lanes.held:  # handed back by the next look, or sent where it is back by then
                line.listed = True
                self._unloaded.append(line)
                continue
            item = line.items[0]
            if item.dropped or item.lapsed(now):
                line.items.popleft()
                self._held -= 1
                if not item.dropped:
                    item.dropped = True
                    self._settler.add(item.unsent(0.0))
                slots.ask(line)
                self._seek(line)
                continue
            if self._prepared.find(item.one.seq) is None:
                self._wake.set()  # to be loaded
                line.listed = True
                self._unloaded.append(line)
                continue
            if item.held_back_at > self._known_at:
                self._known_at = float("-inf")  # what is known of it is to be read first
                self._wake.set()
                slots.ask(line)
                return
            parties = slots.take(line)
            if parties is None:
                continue
            line.items.popleft()
            self._held -= 1
            item.parties = parties
            left -= 1
            self._begin(item)
            if line.items:
                slots.ask(line)
            self._seek(line)
        if slots.ready and not slots.full:
            self._turn_soon()

    def _turn_soon(self) -> None:
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _seek(self, line: Line) -> None:
        """Have more of a line looked for when that is due, once it has come to half of what may be taken ahead."""
        if line.due is None or (line.sought is not None and line.sought <= line.due):
            return
        now = self._now()
        if line.due > now:
            self._lines.more(line, line.due)
        elif not line.endpoint.circuit.open and self._room(line) > len(line.items):
            self._lines.more(line, line.due)
            self._wake.set()

    async def _load(self) -> None:
        """Load the events of lines whose next one is not in memory any more."""
        lines, self._unloaded = self._unloaded, []
        wanted = {line.items[0].one.seq for line in lines if line.items}
        if wanted:
            self._prepared.valid(self._db.epoch)
            try:
                self._prepared.add(await unbroken(self._db.read(events.among, wanted)))
            except BaseException:
                self._unloaded += lines
                raise
        for line in lines:
            line.listed = False
            if line.items:
                self._slots.ask(line)

    def _begin(self, item: Item) -> None:
        one = item.one
        item.endpoint = item.line.endpoint
        request = self._written(item)
        if request is None:
            self._over(item, item.unsent(UNWRITTEN_SECONDS))
            return
        self._sending.add(item)
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
        if item.dropped or self._draining or item.line.lane not in self._lanes.held or item.lapsed(now):
            return False
        age = now - self._known_at
        looked = self._known_at > item.held_back_at > float("-inf")
        if self._current and (age <= self._fresh_seconds or (looked and age <= SURE_SECONDS)):
            item.begun = True
            return True
        if item.held_back_at <= self._known_at:
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
        self._sending.discard(item)
        if not self._sending:
            self._none.set()

    def _judge(self, item: Item, result: PostResult) -> None:
        one = item.one
        if item.dropped and not item.begun:
            self._over(item, None)
            return
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
        self._over(item, outcome(one, item.at, result, item.policy.schedule, probe=item.probe))
        if result.delivered:
            self._answered(one.url)
        prepared = self._prepared.find(one.seq)
        age = None
        if prepared is not None and result.delivered:
            age = (item.at - prepared.event.timestamp).total_seconds() + seconds
        self._observe(result.status, age)

    def _not_sent(self, item: Item) -> None:
        """It was stopped before it began, or cut off by our own stop: it waits on, or goes back."""
        line, now = item.line, time.monotonic()
        if item.dropped:
            self._over(item, None)
        elif self._draining or item.probe or item.lapsed(now) or line.lane not in self._lanes.held:
            self._over(item, item.unsent(0.0))
        else:
            line.items.appendleft(item)
            self._held += 1
            self._over(item, None)
            self._slots.ask(line)
            self._wake.set()

    def _over(self, item: Item, what: Outcome | None) -> None:
        """Settle it, and let others have its places."""
        if what is not None:
            self._settler.add(what)
        if item.probe:
            self._probes[item.endpoint.host.name] -= 1
            if item.endpoint.circuit.probing:  # it told nothing: the pace stays
                item.endpoint.circuit.probing = False
                item.endpoint.circuit.probe_at = time.monotonic() + FAULT_SECONDS
        if item.parties:
            self._slots.give_back(item.line, item.parties)
            item.parties = ()
        self._turn_soon()

    def _circuit(self, item: Item, endpoint: Endpoint, *, delivered: bool) -> None:
        circuit, now = endpoint.circuit, time.monotonic()
        if delivered:
            if circuit.succeeded():
                log.info("endpoint.recovered", url=_shown(endpoint))
                self._resume(endpoint)
                self._wake.set()
        elif item.probe:
            circuit.failures += 1
            circuit.unanswered(now)
        elif circuit.failed(now):
            self._lines.failing(endpoint)
            log.warning("endpoint.circuit_opened", url=_shown(endpoint), failures=circuit.failures)
            for line in list(endpoint.lines.values()):
                self._hand_back(line)

    def _resume(self, endpoint: Endpoint) -> None:
        """Have more looked for of every line that goes there: its circuit is closed."""
        for line in endpoint.lines.values():
            self._lines.more(line, self._now())

    def returned(self, outcomes: Iterable[Outcome]) -> None:
        """These are back in the queue, for as long as they say: only now could they be found there."""
        now = self._now()
        for one in outcomes:
            if one.wait is None:
                continue
            line = self._lines.get(one.subscription)
            if line is None:
                self._strays.add(one.subscription)
                self._wake.set()
                continue
            if line.lane not in self._lanes.held:
                self._foreign.add(one.subscription)
                self._wake.set()
                continue
            at = now + round(one.wait * 1e6)
            if line.due is None or at < line.due:
                line.due = at
            self._seek(line)
            self._wake.set()

    def _hand_back(self, line: Line) -> None:
        """Let go of what waits in memory for this line; it stays due."""
        for item in line.items:
            self._settler.add(item.unsent(0.0))
            item.dropped = True
        self._held -= len(line.items)
        line.items.clear()

    def _written(self, item: Item) -> Request | None:
        """The event in the delivery's format; None, told in the log, where this program cannot write that."""
        one = item.one
        try:
            return self._prepared.request(one.seq, FORMATS[one.format], one.type, one.change, one.summary)
        except Exception as error:
            said = f"there is no format {one.format!r} here" if one.format not in FORMATS else repr(error)[:300]
            log.error("delivery.unwritten", webhook=one.webhook, seq=one.seq, error=said, retry_in=UNWRITTEN_SECONDS)
            return None

    async def _pause(self) -> None:
        """Until something is made due, the next retry is, or it is time to look anyway."""
        wait = POLL_SECONDS
        if self._held or self._sending:
            wait = min(wait, max(self._fresh_seconds / 2, 0.05))
        due = self._lines.next_due
        if due is not None and self._held < AHEAD:
            wait = min(wait, max((due - self._now()) / 1e6, 0.01))
        try:
            # Not wait_for(): in Python 3.11 it swallows a cancellation that comes as it ends.
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            self._more_new = True


def _shown(endpoint: Endpoint) -> str:
    scheme, host, port, path = endpoint.key
    return f"{scheme}://{host}{f':{port}' if port else ''}{path}"


def _open_in(tx: Tx, lanes: Iterable[int]) -> tuple[list[tuple[queue.Follower, int]], int]:
    # In this order: what is written in between is seen twice, and not missed.
    end = queue.last(tx)
    return queue.waiting(tx, list(lanes)), end
