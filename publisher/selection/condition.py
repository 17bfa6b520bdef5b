"""What a follower asks of events beside their feeds and types: a narrowing, an expression, or both.

It is asked of the item before the event and after it, each **as the follower is shown it**: with a summary where its
feeds show summaries, without what no follower is told. So no answer changes when only hidden text does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from publisher.clock import rfc3339
from publisher.content import summarised, text_of
from publisher.model import Change, Event, EventType, Filter
from publisher.selection import where
from publisher.selection.expression import EvaluationError, NoExpressions, NotAnExpression, activation, compiled
from publisher.selection.matching import before_and_after
from publisher.selection.words import Words, words_of

SECONDS = 0.5
"""Seconds of the processor that all expressions together may take for one event; whatever is left then is no match. How
busy the machine is with other things does not count."""

_TEXTS = ("title", "summary", "dateline", "section", "editor", "agency", "symbol", "name")
_LISTS = ("authors", "topics")


class Shown:
    """An event as it is shown to followers, each form of it made once, and what asking about it has taken.

    ``faults`` are what went wrong since they were last taken.
    """

    def __init__(self, event: Event, seconds: float = SECONDS) -> None:
        self._event = event
        self._left = seconds
        self._seconds = seconds
        self._words: dict[tuple[bool, bool], Words] = {}
        self._activations: dict[tuple[bool, bool, EventType, Change], Any] = {}
        self._faults: list[str] = []

    def takes(self, narrowing: where.Where, *, after: bool, summary: bool) -> bool:
        """Whether a narrowing takes the item."""
        facets = self._facets[after]
        return facets is not None and narrowing.takes(facets, lambda: self._words_of(after, summary))

    def holds(self, text: str, *, after: bool, summary: bool, type: EventType, change: Change) -> bool:
        """Whether an expression is true of the event as it is told, with its item before or after it.

        An error is no match, and a fault; so is one that there is no time for.
        """
        if self._left <= 0:
            self._faults.append(f"not asked: expressions had taken {self._seconds:g} s of this event already")
            return False
        try:
            program = compiled(text)  # once for each process: no event's time
            began = time.thread_time()
            try:
                return program.holds(self._activation(after, summary, type, change))
            finally:
                self._left -= time.thread_time() - began
        except (EvaluationError, NoExpressions, NotAnExpression) as error:
            self._faults.append(str(error))
            return False
        except Exception as error:  # whatever the library makes of an event, it must not keep others from being told
            self._faults.append(f"it could not be evaluated ({error.__class__.__name__})")
            return False

    def fault(self) -> str | None:
        """The first fault since this was last asked."""
        found = self._faults[0] if self._faults else None
        self._faults.clear()
        return found

    @cached_property
    def _facets(self) -> tuple[Any, Any]:
        return before_and_after(self._event)

    def _data(self, after: bool, summary: bool) -> Mapping[str, Any]:
        event = self._event
        data = event.data if after or event.before is None else event.before
        # A source in it says whose item it was, and is no part of the item.
        if data is not event.data:
            data = {key: value for key, value in data.items() if key != "source"}
        return summarised(data) if summary else data

    def _words_of(self, after: bool, summary: bool) -> Words:
        found = self._words.get((after, summary))
        if found is None:
            found = self._words[after, summary] = item_words(self._data(after, summary))
        return found

    def _activation(self, after: bool, summary: bool, type: EventType, change: Change) -> Any:
        key = (after, summary, type, change)
        if key not in self._activations:
            told = envelope(self._event, type, change, self._data(after, summary))
            self._activations[key] = activation(told)
        return self._activations[key]


class Condition:
    """What a filter asks of events beside feeds and types. Make it with :func:`condition_of`."""

    def __init__(self, filter: Filter, *, public: bool) -> None:
        self._where = where.of(filter.where)
        self._expression = filter.expression
        # Where items come from is for operators to know, whatever was registered with which key.
        self._never = public and where.SOURCE in self._where.keys

    def meets(self, shown: Shown, *, after: bool, summary: bool, type: EventType, change: Change) -> bool:
        """Whether the event's item, as it was before or is after, is asked for.

        ``summary``: the follower is shown a summary of that item. ``type`` and ``change`` are what it would be told if
        it asked for nothing but its feeds and types.
        """
        if self._never or not shown.takes(self._where, after=after, summary=summary):
            return False
        return self._expression is None or shown.holds(
            self._expression, after=after, summary=summary, type=type, change=change
        )


def condition_of(filter: Filter, *, public: bool) -> Condition | None:
    """What a filter asks besides its feeds and types; None for nothing. ``public``: of a follower that is told nothing
    of private feeds.
    """
    return Condition(filter, public=public) if filter.where or filter.expression is not None else None


def envelope(event: Event, type: EventType, change: Change, data: Mapping[str, Any]) -> dict[str, Any]:
    """An event as its followers are told it, whatever the format."""
    return {
        "type": type.value,
        "timestamp": rfc3339(event.timestamp),
        "id": event.id,
        "seq": event.seq,
        "source": event.source if type.items == "operations" else None,
        "change": change.value,
        "changed": list(event.changed),
        "data": data,
    }


def item_words(data: Mapping[str, Any]) -> Words:
    """The words of an item in its JSON form: of its texts, names, topics, and the captions of its images."""
    texts = [data.get(name) for name in _TEXTS]
    texts += [one for name in _LISTS for one in data.get(name) or ()]
    texts += [image.get(part) for image in data.get("images") or () for part in ("caption", "credit")]
    body = data.get("body")
    own = frozenset(word for text in texts if text for word in words_of(text))
    return Words(own | _body_words(body) if body else own)


@lru_cache(maxsize=32)
def _body_words(body: str) -> frozenset[str]:
    """Those of a text of HTML, which most changes leave as it was."""
    return frozenset(words_of(text_of(body)))
