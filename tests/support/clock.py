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
