"""robots.txt: what a site lets robots read (RFC 9309), and how long it wants them to pause.

Protego reads it. What strangers wrote is cut down first: it puts every rule of a group into each robot that the group
names, so that a file of robots alone would take minutes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from protego import Protego

MAX_LINES = 20_000
MAX_LINE = 4096
LONGEST_DELAY = 10.0
"""Seconds of ``Crawl-delay`` that are heeded; some write minutes."""

_SOMEONE_ELSE = "someone-else"
_AGENT = re.compile(r"\s*user[- ]?agent\s*:?\s*([A-Za-z_-]+|\*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules for one robot. ``delay`` is the pause between its requests, in seconds."""

    robot: str
    rules: Protego = field(default_factory=Protego)
    delay: float = 0.0

    def allows(self, url: str) -> bool:
        """Whether the robot may read this URL: the longest pattern decides, and of two alike the one that allows."""
        return bool(self.rules.can_fetch(url, self.robot))


def parse(text: str, robot: str) -> Robots:
    """The rules of a robots.txt for the robot of this product token; of all groups for it, else of those for ``*``."""
    rules = Protego.parse("\n".join(_concerning(text, robot.lower())))
    delay = rules.crawl_delay(robot) or 0.0
    return Robots(robot, rules, min(delay, LONGEST_DELAY) if math.isfinite(delay) else 0.0)


def _concerning(text: str, robot: str) -> Iterator[str]:
    """The lines that matter; robots are named by their product token, and all but ours by one name."""
    for line in text.splitlines()[:MAX_LINES]:
        agent = _AGENT.match(line)
        if agent:
            token = (agent[1] or "").lower()
            yield f"user-agent: {token if token in (robot, '*') else _SOMEONE_ELSE}"
        elif len(line) <= MAX_LINE:
            yield line
