"""A feed: a named selection of items."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from publisher.model.base import Frozen, Language, Text, is_blank
from publisher.model.key import Role

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}$"


def _one_line(value: str) -> str:
    if is_blank(value) or value.splitlines() != [value]:
        raise ValueError("should be one line of text, and not empty")
    return value


class Selection(Frozen):
    """Which items a feed takes: keys combine with AND, the values of one key with OR; matching ignores case."""

    sources: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()

    @field_validator("*")
    @classmethod
    def _none_blank(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if any(map(is_blank, values)):
            raise ValueError("an empty string selects nothing; take it out")
        return values


class FeedDefinition(Frozen):
    """One file of ``feeds/``; ``name`` is the file's name and stands in every URL of the feed."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    title: Annotated[Text, Field(max_length=500), AfterValidator(_one_line)]
    description: Annotated[Text, Field(max_length=10_000)] = ""
    items: Literal["articles", "indicators", "operations"] = "articles"
    limit: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 50
    content: Literal["full", "summary"] = "full"
    language: Language = None
    private: bool = False
    select: Selection = Selection()

    @property
    def public(self) -> bool:
        """Whether it can be read without a key; operations never can."""
        return not self.private and self.items != "operations"

    @property
    def follower(self) -> Role:
        """The least role that may be told of its events."""
        return Role.SUBSCRIBER if self.public else Role.OPERATOR

    @property
    def digest(self) -> str:
        """A digest of everything that shapes the feed's documents and its membership."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]
