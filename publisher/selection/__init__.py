"""Which feeds an item belongs to, and what a change of it means to them. Pure.

One rule serves reading, webhooks and the live stream: **a feed matches an event if the item before or after it meets
the selection.** ``matching`` has the rule for one feed, ``index`` finds the feeds of an event among many, ``followers``
says what it is to those who follow several of them, and ``where`` and ``expression`` (by ``condition``) what they may
ask for besides.
"""

from publisher.selection.condition import Shown, envelope
from publisher.selection.followers import Followers, Judge, follow, told, visible
from publisher.selection.index import RAREST_FIRST, FeedIndex, Sides
from publisher.selection.matching import before_and_after, judge, narrowed_to, selects, wants
from publisher.selection.where import NotANarrowing, Where, parse

__all__ = [
    "RAREST_FIRST",
    "FeedIndex",
    "Followers",
    "Judge",
    "NotANarrowing",
    "Shown",
    "Sides",
    "Where",
    "before_and_after",
    "envelope",
    "follow",
    "judge",
    "narrowed_to",
    "parse",
    "selects",
    "told",
    "visible",
    "wants",
]
