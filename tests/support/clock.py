"""A clock that stands still until it is told otherwise."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Call it for the time; ``advance`` is the only thing that moves it."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self.time = start

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> datetime:
        """Move the time on, and return it."""
        self.time += timedelta(seconds=seconds)
        return self.time


class Machine:
    """A wall clock that can be put, and a monotonic one that cannot."""

    def __init__(self, wall: ManualClock) -> None:
        self._wall = wall
        self._elapsed = 1000.0

    def elapsed(self) -> float:
        """The monotonic clock, in seconds."""
        return self._elapsed

    def passes(self, seconds: float) -> None:
        """Let time pass on both."""
        self._elapsed += seconds
        self._wall.advance(seconds)

    def put(self, seconds: float) -> None:
        """Set the wall clock alone, forward or back."""
        self._wall.advance(seconds)
