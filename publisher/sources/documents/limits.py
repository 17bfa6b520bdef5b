"""How much one document may hold: beyond any that a newsroom writes, and below what would hold up the work of others.

Each is counted in time linear in the document, before anything whose time grows faster looks at it.
"""

from __future__ import annotations

MAX_DEPTH = 400
"""Open elements at any place of a page; browsers stop at 512."""

MAX_ELEMENTS = 200_000
"""Elements of a page, a feed or a sitemap of five million bytes."""

MAX_OF_ONE = 500
"""Attributes of one element; parsers take time by the square of them."""

MAX_ATTRIBUTES = 500_000
"""Attributes of a whole page."""

MAX_FAULTS = 100
"""Faults that are told of one item or request; how many more there are is said once."""

MAX_KEYS = 100
"""Keys of a JSON object that is an item; the largest has sixteen."""

MAX_ENTRY_KEYS = 10
"""Keys of one image or related link of an article in JSON, which has three."""

MAX_VALUES = 1_000
"""Authors, topics, images or related links of one article."""

MAX_SHOWN = 2_000
"""Characters of a value that was refused, where it is kept beside the reason."""

MAX_PROBLEMS = 1_000
"""Problems that are told of one document."""

MAX_ENTRIES = 5_000
"""Entries of one feed, and links of one list."""

MAX_CATEGORIES = 1_000
"""Categories of one entry of a feed, and of the feed itself."""

MAX_BODY = 5_000_000
"""Characters of the text of one article with its markup, once its links are absolute."""

MAX_PUSHED = 1_000_000
"""Bytes of one article that is pushed."""
