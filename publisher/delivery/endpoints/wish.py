"""What a subscription asked for, as far as its sender goes by it: pace, order, batches."""

from __future__ import annotations

from functools import lru_cache

from publisher.model.options import Options, read
from publisher.storage.subscriptions.alone import Reached

CAUGHT_UP_SECONDS = 0.1
"""How much of its pace may be made up for at once: the event loop comes round to it late, not early."""

KEPT = 4096


class Wish:
    """The options of one line that has any, and what is remembered for them."""

    __slots__ = ("_next_at", "options", "reached")

    def __init__(self, options: Options) -> None:
        self.options = options
        self.reached = Reached()
        self._next_at = float("-inf")

    @property
    def most(self) -> int | None:
        """How many requests may be under way, None where it did not say."""
        return 1 if self.options.ordered else self.options.max_in_flight

    def wait(self, now: float) -> float:
        """Seconds until one more may begin; ``now`` is monotonic."""
        return 0.0 if self.options.rate_limit is None else max(0.0, self._next_at - now)

    def begins(self, now: float) -> None:
        """One more begins."""
        if self.options.rate_limit is not None:
            self._next_at = max(self._next_at, now - CAUGHT_UP_SECONDS) + 1 / self.options.rate_limit


@lru_cache(KEPT)
def of(text: str) -> Options | None:
    """The options that are stored as this text, None where a sender has nothing to go by."""
    options = read(text)
    plain = not options.alone and options.max_in_flight is None and options.rate_limit is None
    return None if plain else options
