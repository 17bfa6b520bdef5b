"""Which feeds an item belongs to, and what a change of it means to them. Pure.

One rule serves reading, webhooks and the live stream: **a feed matches an event if the item before or after it meets
the selection.** ``matching`` has the rule for one feed, ``index`` finds the feeds of an event among many, ``followers``
says what it is to those who follow several of them.
"""

from publisher.selection.followers import Followers, Judge, follow, told, visible
from publisher.selection.index import RAREST_FIRST, FeedIndex, Sides
from publisher.selection.matching import before_and_after, judge, narrowed_to, selects, wants

__all__ = [
    "RAREST_FIRST",
    "FeedIndex",
    "Followers",
    "Judge",
    "Sides",
    "before_and_after",
    "follow",
    "judge",
    "narrowed_to",
    "selects",
    "told",
    "visible",
    "wants",
]
