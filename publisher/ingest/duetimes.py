"""When a source is due again: by its pace, or by a cron line in the site's time zone. Pure.

Due times stand in the database and are by its clock, so all nodes together read a source once for each. A pace counts
on from the time that was due and not from when the reading ended: so it does not drift. What nobody was there to read
is made up for once, and then it goes on in step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from publisher.catalog.definitions import ANY_NODE, EVERY, SourceDefinition

CRON = "cron"
"""How the timing of a source begins that goes by times of day: those stay where they are when the clock is put."""


def read_by(source: SourceDefinition, node: str) -> bool:
    """Whether the node of this name may read the source."""
    return not source.nodes or ANY_NODE in source.nodes or node in source.nodes


def pace(source: SourceDefinition) -> float:
    """Seconds between two readings; for a cron line, what is taken in its place after a failure."""
    return source.every or EVERY


@dataclass(frozen=True, slots=True)
class Timetable:
    """The rules by which due times are set.

    ``zone`` gives the site's time zone; ``after`` the first time of a cron line in that zone that is later than a
    moment; ``language`` the site's language.
    """

    zone: Callable[[], str]
    after: Callable[[str, str, datetime], datetime]
    language: Callable[[], str] = lambda: ""

    def timing(self, source: SourceDefinition) -> str:
        """By what the due time of a source is set, as text: the same text, the same times."""
        when = f"every {pace(source):g}" if source.cron is None else f"{CRON} {source.cron} {self.zone()}"
        return f"{when} {self._way(source)}"

    def _way(self, source: SourceDefinition) -> str:
        """How a source is read: by its definition, and by what the site lends to it."""
        return f"{source.digest}/{self.language()}/{self.zone()}"

    def placed(self, source: SourceDefinition, before: str | None, now: datetime) -> datetime | None:
        """When a source is due whose timing is new, and was ``before`` until now; None: at once.

        One with a cron line waits for its time, unless it is read in another way now.
        """
        if source.cron is None or (before is not None and before.rpartition(" ")[2] != self._way(source)):
            return None
        return self.following_time(source.cron, now)

    def following(self, source: SourceDefinition, due: datetime | None, began: datetime, now: datetime) -> datetime:
        """When a source is due after a reading that began at ``began`` and ends now; ``due`` is what was due, or is."""
        if source.cron is not None:
            return due if due is not None and due > now else self.following_time(source.cron, now)
        every = timedelta(seconds=pace(source))
        since = began if due is None else due
        if since > now:  # it was read for another reason, a changed file say
            return min(since, now + every)
        return since + ((now - since) // every + 1) * every

    def retried(self, source: SourceDefinition, earliest: datetime) -> datetime:
        """When a source is tried again that failed, and is to be left alone until ``earliest``."""
        if source.cron is None:
            return earliest
        return self.following_time(source.cron, earliest - timedelta(microseconds=1))

    def following_time(self, cron: str, now: datetime) -> datetime:
        """The first time of a cron line that is later than now."""
        return self.after(cron, self.zone(), now)


def _none_known(cron: str, zone: str, now: datetime) -> datetime:
    raise NotImplementedError(f"no one here reads cron lines: {cron}")


BY_PACE = Timetable(lambda: "UTC", _none_known)
"""For sources without cron lines."""
