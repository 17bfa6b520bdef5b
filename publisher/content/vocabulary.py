"""The elements and attributes that an article's HTML may have, and what becomes of the others.

What readers show and no script hides in: text, its structure, tables, pictures, links (HTML, "The elements of HTML").
"""

from __future__ import annotations

from typing import Final


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


INLINE: Final = _names(
    "a abbr b bdi bdo br cite code del dfn em i img ins kbd mark q rp rt ruby s samp small strike strong sub sup u var"
    " wbr"
)
BLOCK: Final = _names(
    "blockquote caption dd dl dt figcaption figure h2 h3 h4 hr li ol p pre table tbody td tfoot th thead tr ul"
)
ELEMENTS: Final = INLINE | BLOCK

RENAMED: Final = {"h1": "h2", "h5": "h4", "h6": "h4"}
"""Headings inside an article: the page has its own h1, and no reader tells six kinds apart."""

VOID: Final = frozenset(("br", "hr", "img", "wbr"))

MEDIA: Final = frozenset(("iframe", "video", "audio", "embed"))
"""What becomes a link to what it would play."""

REMOVED: Final = _names(
    "script style template noscript object applet svg math form button input select textarea nav head title link meta"
    " base dialog canvas map frameset noframes noembed plaintext xmp source track param"
)
"""Removed with all that is in them: no part of the text, or not for people to read."""

TOLD: Final = _names(
    "script object applet embed form svg math button select textarea canvas dialog xmp plaintext noembed noframes"
)
"""Of what is removed, what somebody may miss, or should hear of."""

LEAVES_A_GAP: Final = MEDIA | _names(
    "img object applet svg math form button input select textarea nav dialog canvas plaintext xmp"
)
"""What stands between two words or numbers where it is shown, and must not glue them together where it is not."""

STRUCK: Final = frozenset(("del", "s", "strike"))
"""What no longer holds: it stays as it is marked, and is no part of a text that has no marks."""

READINGS: Final = frozenset(("rt", "rp"))
"""How a word is pronounced, beside the word."""

ENDS_A_WORD: Final = (
    BLOCK
    | frozenset(RENAMED)
    | _names(
        "address article aside body br center details div fieldset footer header legend main marquee section"
        " summary hgroup"
    )
) - frozenset(("rt",))
"""Where one of these begins or ends, so does a word."""

KEPT_EMPTY: Final = frozenset(("td", "th", "tr", "hr", "br", "img", "wbr", "dd", "rp"))
"""Elements that mean something without text: a table keeps its shape."""

SCHEMES: Final = {"href": frozenset(("http", "https", "mailto", "tel")), "src": frozenset(("http", "https"))}
"""The schemes of addresses, by attribute; elsewhere http and https."""

ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "dfn": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start", "reversed", "type"},
    "li": {"value"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "q": {"cite"},
    "blockquote": {"cite"},
    "del": {"cite", "datetime"},
    "ins": {"cite", "datetime"},
}

EVERYWHERE: Final = frozenset(("dir", "lang"))
"""Attributes of any element: without them Arabic within an English sentence is set in the wrong direction."""

NUMBERS: Final = frozenset(("width", "height", "start", "value", "colspan", "rowspan"))
HIDING: Final = frozenset(("display:none", "visibility:hidden"))
"""Declarations of a style by which nothing is shown."""

SIGNED: Final = frozenset(("start", "value"))
"""Of these, the numbers of a list, which may count from below zero."""

LIST_TYPES: Final = frozenset("1aAiI")
"""How a list counts: a text may speak of its point (b)."""

WORDS: Final = {"dir": frozenset(("ltr", "rtl", "auto")), "scope": frozenset(("col", "row", "colgroup", "rowgroup"))}

LAZY_SOURCES: Final = ("data-src", "data-lazy-src", "data-original", "data-lazy", "data-full-src")
LAZY_SETS: Final = ("srcset", "data-srcset", "data-lazy-srcset")
"""Where pages keep a picture's address until it is scrolled to, most usual first."""
