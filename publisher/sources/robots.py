"""robots.txt: what a site lets robots read (RFC 9309), and how long it wants them to pause."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

MAX_LINES = 20_000
LONGEST_DELAY = 10.0
"""Seconds of ``Crawl-delay`` that are heeded; some write minutes."""


@dataclass(slots=True)
class _Group:
    rules: list[tuple[bool, str]] = field(default_factory=list)
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules for one robot: (allowed, path pattern). ``delay`` is the pause that it is asked to make, in seconds."""

    rules: tuple[tuple[bool, str], ...] = ()
    delay: float = 0.0

    def allows(self, url: str) -> bool:
        """Whether the robot may read this URL: the longest pattern decides, and of two alike the one that allows."""
        parts = urlsplit(url)
        path = _normal((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        matching = [(len(pattern), allowed) for allowed, pattern in self.rules if matches(pattern, path)]
        return max(matching, default=(0, True))[1]


def parse(text: str, robot: str) -> Robots:
    """The rules of a robots.txt for the robot of this product token; of all groups for it, else of those for ``*``."""
    groups: dict[str, _Group] = {}
    current: list[_Group] = []
    naming = False
    for key, value in _lines(text):
        if key == "user-agent":
            if not naming:
                current = []
            current.append(groups.setdefault(_token(value), _Group()))
            naming = True
            continue
        naming = False
        for group in current:
            if key in ("allow", "disallow") and value:
                group.rules.append((key == "allow", _normal(value)))
            elif key == "crawl-delay" and re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", value):
                group.delay = min(float(value), LONGEST_DELAY)
    found = groups.get(robot.lower(), groups.get("*", _Group()))
    return Robots(tuple(found.rules), found.delay)


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern with ``*`` and a ``$`` at its end matches the beginning of a path, in time that stays small."""
    pattern, ends = (pattern[:-1], True) if pattern.endswith("$") else (pattern, False)
    first, *rest = pattern.split("*")
    if not path.startswith(first):
        return False
    if not rest:
        return not ends or path == first
    at = len(first)
    *middle, last = rest
    for part in middle:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return path.endswith(last) and len(path) - len(last) >= at if ends else path.find(last, at) >= 0


def _lines(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines()[:MAX_LINES]:
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield key.strip().lower(), value.strip()


def _token(value: str) -> str:
    """The product token of a user-agent line, without version or comment."""
    match = re.match(r"[A-Za-z_-]+|\*", value)
    return match[0].lower() if match else ""


def _normal(path: str) -> str:
    """One spelling of each path: what need not be encoded is not, everything else is."""
    return quote(unquote(path), safe="/*$?=&:;,@!~+'()%")
