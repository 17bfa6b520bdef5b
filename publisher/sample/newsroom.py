"""The sample newsroom as it goes about its day. Pure: chance comes from a seed, time is passed in.

It opens with a dozen articles and eleven indicators. Each :meth:`Newsroom.move_market` is a tick of the market; each
:meth:`Newsroom.make_news` publishes, changes or withdraws one article.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from publisher.sample.market import Market
from publisher.sample.notes import market_note
from publisher.sample.stories import Story, load

ZONE = ZoneInfo("Asia/Jakarta")
OPENING = 12
MOST = 28
"""Articles that stand on the site; above it, news begins with a withdrawal."""

WITHDRAWN_KEPT = 200


@dataclass(frozen=True, slots=True)
class Piece:
    """A story on the site. ``related`` are the slugs and titles of two others, as they were when it came out."""

    story: Story
    published: datetime
    related: tuple[tuple[str, str], ...] = ()
    updated: datetime | None = None

    @property
    def title(self) -> str:
        """The headline; a revision may have one of its own."""
        return (self.updated and self.story.revised_title) or self.story.title

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The text; a revision has a paragraph more."""
        return (*self.story.paragraphs, self.story.addition) if self.updated else self.story.paragraphs

    @property
    def changed(self) -> datetime:
        """When it last became what it is."""
        return self.updated or self.published


@dataclass(frozen=True, slots=True)
class Happening:
    """What one tick of news did: ``published``, ``changed`` or ``withdrawn``."""

    what: str
    slug: str


class Newsroom:
    """The state of the site. ``language`` is ``id`` or ``en`` throughout."""

    def __init__(self, seed: int, now: datetime) -> None:
        self._chance = Random(seed)
        self.market = Market(self._chance, now.astimezone(ZONE).date())
        self.market_moved = now
        self.news_changed = now
        self._pieces: dict[str, Piece] = {}
        self._withdrawn: deque[str] = deque(maxlen=WITHDRAWN_KEPT)
        self._waiting = deque(load())
        self._notes = 0
        for n in reversed(range(OPENING)):
            self._publish(self._waiting.popleft(), now - timedelta(minutes=7 + 41 * n))

    def piece(self, slug: str) -> Piece | None:
        """The piece at this address; None if there is none now."""
        return self._pieces.get(slug)

    def was_withdrawn(self, slug: str) -> bool:
        """Whether a piece stood at this address lately and was taken back."""
        return slug in self._withdrawn

    def latest(self, language: str, section: str | None = None) -> list[Piece]:
        """What stands on the site, newest first; of one section where it is named."""
        found = [
            piece
            for piece in self._pieces.values()
            if piece.story.language == language and section in (None, piece.story.section.casefold())
        ]
        return sorted(found, key=lambda piece: piece.published, reverse=True)

    def sections(self, language: str) -> list[str]:
        """The sections that have something in them, by name."""
        return sorted({piece.story.section for piece in self._pieces.values() if piece.story.language == language})

    def move_market(self, now: datetime) -> list[str]:
        """One tick of the market; returns the symbols that moved."""
        self.market_moved = now
        return self.market.move(now.astimezone(ZONE).date())

    def make_news(self, now: datetime) -> Happening:
        """One tick of news."""
        self.news_changed = now
        unrevised = [piece for piece in self._pieces.values() if piece.updated is None]
        what = self._chance.choices(("published", "changed", "withdrawn"), (5, 4, 1))[0]
        if len(self._pieces) >= MOST:
            what = "withdrawn"
        if what == "withdrawn":
            return Happening(what, self._withdraw())
        if what == "changed" and unrevised:
            piece = self._chance.choice(unrevised)
            self._pieces[piece.story.slug] = replace(piece, updated=now)
            return Happening(what, piece.story.slug)
        return Happening("published", self._publish(self._next_story(now), now))

    def _next_story(self, now: datetime) -> Story:
        if self._waiting:
            return self._waiting.popleft()
        self._notes += 1
        return market_note(self.market, now.astimezone(ZONE), "en" if self._notes % 3 == 0 else "id")

    def _publish(self, story: Story, now: datetime) -> str:
        others = self.latest(story.language)
        related = self._chance.sample(others, min(2, len(others)))
        self._pieces[story.slug] = Piece(story, now, tuple((one.story.slug, one.title) for one in related))
        return story.slug

    def _withdraw(self) -> str:
        # The oldest goes when there are too many; otherwise it can be anyone's.
        oldest = min(self._pieces.values(), key=lambda piece: piece.published)
        chosen = oldest if len(self._pieces) >= MOST else self._chance.choice(list(self._pieces.values()))
        del self._pieces[chosen.story.slug]
        self._withdrawn.append(chosen.story.slug)
        return chosen.story.slug
