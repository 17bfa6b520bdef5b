"""Limits for one owner, and for all owners together at one unverified host. Whatever exceeds one is 429 and names it.

The number of webhooks is held to in the transaction that makes one (``storage/subscriptions/hosts.py``); rates are
counted here, by each process for itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from publisher.errors import LimitReached
from publisher.model import Filter, Key, Role
from publisher.storage.engine.database import Tx
from publisher.storage.log import events
from publisher.storage.subscriptions import filters, hosts
from publisher.storage.subscriptions.hosts import Most
from publisher.web.budgets.buckets import Buckets, Slots
from publisher.web.budgets.uses import Uses
from publisher.web.budgets.wrong_keys import WrongKeys
from publisher.web.http.limits import client_of
from publisher.web.http.response import Problem, too_many

TESTS_AT_A_TIME = 2
"""Tests under way for one owner, and at one unverified host."""

PREVIEWS_PER_MINUTE = 60
"""Previews of one owner: each reads and judges some hundred events."""

WAITING_AT_A_TIME = 50
"""Requests of one key (without a key: of one address) that may wait for events at once: each takes a connection."""

WAITING_IN_ALL = 500
"""All requests that may wait at once: half of the maximum of connections, since a waiting one is never closed for
another."""

ALL = "all clients together"

BUSY_SECONDS = 5
"""``Retry-After`` seconds where tests are under way or requests wait, which may take a while."""

Counted = Callable[[str], None]
"""Called with why a request was refused: the name of the limit, or ``wrong_key``."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The settings: how many webhooks, and how many requests a minute. ``open``: webhooks are registered without a key
    too.
    """

    webhooks_per_owner: int = 100
    webhooks_per_unverified_host: int = 10
    registrations_per_minute: int = 30
    registrations_per_address_per_minute: int = 5
    open: bool = False
    tests_per_minute: int = 10
    wrong_keys_per_minute: int = 20


class _Tests:
    """The counts of tests for each owner, or for each host."""

    def __init__(self, limit: str, per_minute: int, clock: Callable[[], float]) -> None:
        self.limit = limit
        self.buckets = Buckets(per_minute, clock)
        self.slots = Slots(TESTS_AT_A_TIME)


class Allowances:
    """The limits of one process. An operator's key is held only to those that protect strangers' hosts from tests.

    ``waiting`` is how many requests may wait for news in all.
    """

    def __init__(
        self,
        rates: Rates | None = None,
        *,
        counted: Counted = lambda _limit: None,
        clock: Callable[[], float] = time.monotonic,
        waiting: int = WAITING_IN_ALL,
    ) -> None:
        self._rates = rates = rates or Rates()
        self._counted = counted
        self._most = Most(rates.webhooks_per_owner, rates.webhooks_per_unverified_host)
        self._registrations = Buckets(rates.registrations_per_minute, clock)
        self._strangers = Buckets(rates.registrations_per_address_per_minute, clock)
        self._tests = _Tests("tests_per_minute", rates.tests_per_minute, clock)
        self._strange_tests = _Tests("tests_at_unverified_host", rates.tests_per_minute, clock)
        self._previews = Buckets(PREVIEWS_PER_MINUTE, clock)
        self._waiting, self._all_waiting = Slots(WAITING_AT_A_TIME), Slots(waiting)
        self.uses = Uses()
        self.wrong_keys = WrongKeys(rates.wrong_keys_per_minute, counted=counted, clock=clock)

    def adjust(self, rates: Rates) -> None:
        """Use these settings from now on; counts are kept. Wrong keys are counted by each node."""
        self._rates = rates
        self._most = Most(rates.webhooks_per_owner, rates.webhooks_per_unverified_host)
        self._registrations.adjust(rates.registrations_per_minute)
        self._strangers.adjust(rates.registrations_per_address_per_minute)
        for tests in (self._tests, self._strange_tests):
            tests.buckets.adjust(rates.tests_per_minute)

    @property
    def open(self) -> bool:
        """Whether webhooks may be registered without a key."""
        return self._rates.open

    def registering_openly(self, address: str) -> None:
        """Count a registration without a key, or a challenge to its endpoint; 429 for too many a minute."""
        party = client_of(address)
        if wait := self._strangers.wait(party):
            limit = "registrations_per_address_per_minute"
            most = self._rates.registrations_per_address_per_minute
            said = f"from one address {most} webhooks may be registered or verified a minute ([registration] {limit})"
            raise self._refused(limit, said, wait)
        self._strangers.take(party)

    def check_openly(self, tx: Tx, url: str) -> None:
        """Check the number of webhooks at a host before one is made there without a key; 429 for too many.

        This locks the log until the transaction ends, as :meth:`check`.
        """
        events.lock(tx)
        try:
            hosts.check_host(tx, url, self._most)
            hosts.check_open(tx, url, self._most)
        except LimitReached as reached:
            self._counted(reached.limit)
            raise Problem(429, str(reached)) from reached

    def registering(self, key: Key) -> None:
        """Count a registration, or a webhook that is pointed elsewhere; 429 for too many a minute."""
        if key.role.allows(Role.OPERATOR):
            return
        if wait := self._registrations.wait(key.owner):
            most = self._rates.registrations_per_minute
            limit = "registrations_per_minute"
            said = f"the owner {key.owner!r} may register {most} webhooks a minute ([registration] {limit})"
            raise self._refused(limit, said, wait)
        self._registrations.take(key.owner)

    def previewing(self, key: Key) -> None:
        """Count a preview; 429 for too many a minute."""
        if key.role.allows(Role.OPERATOR):
            return
        if wait := self._previews.wait(key.owner):
            said = f"the owner {key.owner!r} may have {PREVIEWS_PER_MINUTE} previews a minute"
            raise self._refused("previews_per_minute", said, wait)
        self._previews.take(key.owner)

    def expressing(self, tx: Tx, key: Key, filter: Filter, owner: str) -> None:
        """Check the number of different filters with an expression before the owner's webhook gets this one; 429 where
        there would be too many, for all owners together also to an operator. Lock the log before.
        """
        try:
            filters.check_expression(tx, filter, owner, limited=not key.role.allows(Role.OPERATOR))
        except LimitReached as reached:
            self._counted(reached.limit)
            raise Problem(429, str(reached)) from reached

    def check(self, tx: Tx, key: Key, url: str, *, new: bool) -> None:
        """Check the number of webhooks before one is made (``new``) or pointed at ``url``; 429 where there would be too
        many.

        This locks the log until the transaction ends, so that two at once count each other.
        """
        if key.role.allows(Role.OPERATOR):
            return
        events.lock(tx)
        try:
            if new:
                hosts.check_owner(tx, key.owner, self._most)
            hosts.check_host(tx, url, self._most)
        except LimitReached as reached:
            self._counted(reached.limit)
            raise Problem(429, str(reached)) from reached

    @contextmanager
    def testing(self, key: Key, host: str, *, verified: bool) -> Iterator[None]:
        """Count a test, and hold a place for it while it lasts; 429 for too many a minute or at a time."""
        with ExitStack() as held:
            if not key.role.allows(Role.OPERATOR):
                held.enter_context(self._test(self._tests, key.owner, f"the owner {key.owner!r}"))
            if not verified:
                who = f"{host}, which has not answered 2xx yet,"
                held.enter_context(self._test(self._strange_tests, host, who))
            yield

    @contextmanager
    def waiting(self, key: Key | None, address: str) -> Iterator[None]:
        """Hold a place for a request that waits for events; 429 where its client, or all together, have too many."""
        party = client_of(address) if key is None else f"the key {key.id}"
        with ExitStack() as held:
            for slots, who in ((self._waiting, party), (self._all_waiting, ALL)):
                if slots.full(who):
                    said = f"{who} may have {slots.each} requests with `wait` at a time"
                    raise self._refused("waiting", said, BUSY_SECONDS)
                held.enter_context(slots.taken(who))
            yield

    def _test(self, tests: _Tests, party: str, who: str) -> AbstractContextManager[None]:
        if tests.slots.full(party):
            raise self._refused(tests.limit, f"{who} may have {TESTS_AT_A_TIME} tests under way", BUSY_SECONDS)
        if wait := tests.buckets.wait(party):
            most = f"{self._rates.tests_per_minute} tests a minute ([registration] tests_per_minute)"
            raise self._refused(tests.limit, f"{who} may have {most}", wait)
        tests.buckets.take(party)
        return tests.slots.taken(party)

    def _refused(self, limit: str, said: str, wait: float) -> Problem:
        self._counted(limit)
        return too_many(said, wait)
