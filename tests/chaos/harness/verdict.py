"""What must hold after a run, whatever was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from chaos.harness.receivers import Attempt
from chaos.harness.run import Run, Window


async def faults(run: Run) -> list[str]:
    """What is wrong with the run, in words; nothing, if all is well."""
    return [*_missing(run), *_repeated(run), *[said async for said in _accounts(run)], *_logged(run)]


def repeats(run: Run) -> int:
    """How many deliveries were sent again after a success."""
    return sum(
        one.taken for got in run.receivers.got for told in got.values() for one, _ in pairwise(told.attempts)
    )  # fmt: skip


def _missing(run: Run) -> Iterator[str]:
    """Each endpoint has each event at least once, and no other."""
    expected = set(run.pushed)
    for endpoint, got in enumerate(run.receivers.got):
        taken = Counter(told.article for told in got.values() if any(one.taken for one in told.attempts))
        if taken.keys() != expected:
            yield f"endpoint {endpoint} lacks {sorted(expected - taken.keys())[:5]}"
        if doubled := [article for article, count in taken.items() if count > 1]:
            yield f"endpoint {endpoint} was told of {doubled[:5]} under two ids"


def _repeated(run: Run) -> Iterator[str]:
    """What was taken comes again only if it was under way, or just answered, when something broke."""
    for endpoint, got in enumerate(run.receivers.got):
        for told in got.values():
            for before, after in pairwise(told.attempts):
                if before.taken and not any(_undone(before, window) for window in run.windows):
                    yield f"endpoint {endpoint} took {told.article} at {before.ended}, and again at {after.begun}"


def _undone(attempt: Attempt, window: Window) -> bool:
    assert attempt.ended is not None
    return attempt.begun <= window.ended and attempt.ended >= window.settled


async def _accounts(run: Run) -> Iterator[str]:
    """matched = delivered + …, by webhook from the API and in all from the metrics, as the receivers counted."""
    for endpoint, webhook in enumerate(run.fleet.webhooks):
        told = run.receivers.got[endpoint]
        shown = await run.fleet.deliveries(webhook)
        states = Counter(one["state"] for one in shown)
        if states != {"delivered": len(run.pushed)}:
            yield f"{webhook}: {dict(states)} of {len(run.pushed)} that matched"
        if {one["event"] for one in shown} != told.keys():
            yield f"{webhook}: it shows other events than its endpoint got"
        for one in shown:
            kept = [attempt["status"] for attempt in one["attempts"]]
            answered = Counter(attempt.status for attempt in told[one["event"]].attempts)
            if sum(200 <= (status or 0) < 300 for status in kept) != 1:
                yield f"{webhook}: {one['event']} was delivered, by its attempts {kept}"
            elif more := Counter(status for status in kept if status) - answered:
                yield f"{webhook}: {one['event']} shows attempts that its endpoint did not see: {dict(more)}"


def _logged(run: Run) -> Iterator[str]:
    """No process met what its authors had not thought of."""
    for service in run.fleet.services:
        for entry in service.log:
            if "exception" in entry:
                yield f"{service.home.name}: {entry['event']}: {str(entry['exception'])[-300:]}"
