"""The stories that the sample newsroom tells: own writing, about companies that do not exist."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Story:
    """One story. ``revised_title`` and ``addition`` are what an editor later makes of it."""

    slug: str
    language: str
    section: str
    title: str
    dateline: str
    editor: str
    topics: tuple[str, ...]
    caption: str
    credit: str
    paragraphs: tuple[str, ...]
    addition: str
    revised_title: str | None = None
    agency: str | None = None


@cache
def load() -> tuple[Story, ...]:
    """Every story, the languages taking turns until one runs out."""
    by_language = [
        [_story(language, table) for table in tomllib.loads(_text(language))["story"]] for language in ("id", "en")
    ]
    longest = max(map(len, by_language))
    return tuple(stories[n] for n in range(longest) for stories in by_language if n < len(stories))


def _story(language: str, table: dict[str, Any]) -> Story:
    tuples = {key: tuple(table[key]) for key in ("topics", "paragraphs")}
    return Story(language=language, **{**table, **tuples})


def _text(language: str) -> str:
    return files("publisher.sample.stories").joinpath(f"{language}.toml").read_text("utf-8")
