"""How endpoints answer, by a seed: the n-th attempt of an event at an endpoint is answered alike in every run."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

SURE_FROM = 6
"""From this attempt on every answer is a success, so that no schedule is used up."""


class Manner(StrEnum):
    """What a receiver does with a request."""

    TAKES = "takes"
    REFUSES = "refuses"
    HANGS_UP = "hangs up"  # before it has answered
    IS_LATE = "is late"  # and takes it then


@dataclass(frozen=True, slots=True)
class Reply:
    """``status`` is 0 where none is sent; ``after`` are seconds."""

    manner: Manner
    status: int
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Script:
    """Which share of the attempts fails, and how many of the others are late."""

    seed: int
    failing: float = 0.2
    late: float = 0.05

    def reply(self, endpoint: int, article: str, number: int) -> Reply:
        """The reply to an endpoint's attempt of this number, from 0, at the event of an article."""
        chance = random.Random(f"{self.seed}/{endpoint}/{article}/{number}")
        drawn = chance.random()
        if number < SURE_FROM and drawn < self.failing:
            if chance.random() < 0.25:
                return Reply(Manner.HANGS_UP, 0)
            return Reply(Manner.REFUSES, chance.choice((404, 429, 500, 503)))
        if drawn > 1 - self.late:
            return Reply(Manner.IS_LATE, 204, chance.uniform(0.02, 0.3))
        return Reply(Manner.TAKES, 204)
