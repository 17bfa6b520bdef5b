"""What of a source is refused at present: kept from reading to reading, until what it stood in is read again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from publisher.errors import advised
from publisher.model.base import Frozen, xml_legal
from publisher.model.observed import Batch, Problem

MOST_ORIGINS = 1_000
"""Origins (files, pages, entries) that are remembered one by one; what is refused beyond them is only counted."""

MOST_REASONS = 20
"""Reasons that are kept in words, of one source."""

LONGEST_ORIGIN, LONGEST_REASON = 300, 500
"""Characters of each; so a source's refusals take 0.5 MB at the very most, and commonly under 1 KB."""


class Refusal(Frozen):
    """What was refused of one origin: how often, and why the first time. ``reason`` is None where too many were.

    ``advice`` is what an operator can set, for operators alone.
    """

    origin: str
    count: int = 1
    reason: str | None = None
    advice: str | None = None


class Refusals(Frozen):
    """All that is refused of a source. ``beyond`` counts what lies in more origins than are remembered.

    ``advice`` is what an operator can set where the source as a whole was refused, the last time that it was tried.
    """

    found: tuple[Refusal, ...] = ()
    beyond: int = 0
    advice: str | None = None

    @property
    def count(self) -> int:
        """How many refusals there are."""
        return sum(one.count for one in self.found) + self.beyond

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, at most :data:`MOST_REASONS`."""
        return tuple(one.reason for one in self.found if one.reason is not None)

    @property
    def for_operators(self) -> tuple[str, ...]:
        """The reasons with the advice."""
        return tuple(advised(one.reason, one.advice) for one in self.found if one.reason is not None)


def after(before: Refusals, batch: Batch, problems: Iterable[Problem]) -> Refusals:
    """What is refused after a reading that brought ``batch`` and met ``problems``. Pure.

    What an earlier reading refused still is, where this one did not read it again: a file that stayed as it was is not
    opened a second time, but it is no better for it.
    """
    unread = {_origin(one) for one in batch.unread} if before.found else frozenset()
    kept = [one for one in before.found if batch.unchanged or one.origin in unread]
    fresh = _by_origin([one for one in problems if one.severity == "error"])
    told_again = {one.origin for one in fresh}
    found = [*(one for one in kept if one.origin not in told_again), *fresh]
    beyond = before.beyond if batch.unchanged or batch.unread else 0
    beyond += sum(one.count for one in found[MOST_ORIGINS:])
    found = found[:MOST_ORIGINS]
    worded = [one for one in found if one.reason is not None]
    wordless = {one.origin for one in worded[MOST_REASONS:]}
    return Refusals(
        found=tuple(
            one.model_copy(update={"reason": None, "advice": None}) if one.origin in wordless else one for one in found
        ),
        beyond=beyond,
    )


def _by_origin(problems: Sequence[Problem]) -> list[Refusal]:
    counted: dict[str, Refusal] = {}
    for problem in problems:
        origin = _origin(problem.origin)
        if before := counted.get(origin):
            counted[origin] = before.model_copy(update={"count": before.count + 1})
            continue
        reason = xml_legal(str(problem))[:LONGEST_REASON]
        counted[origin] = Refusal(origin=origin, reason=reason, advice=problem.advice)
    return list(counted.values())


def _origin(text: str) -> str:
    return xml_legal(text)[:LONGEST_ORIGIN]
