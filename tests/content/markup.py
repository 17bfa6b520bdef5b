"""Markup as strangers write it, and what other parsers than ours find in what is left of it."""

from __future__ import annotations

import html5lib
import lxml.html
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from publisher.content import ELEMENTS
from publisher.content.vocabulary import ATTRIBUTES, EVERYWHERE

# Generating is what takes long on a busy machine, not cleaning.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

_NAMES = [
    *sorted(ELEMENTS),
    *("div", "span", "script", "style", "svg", "math", "iframe", "video", "source", "form", "h1", "textarea", "font"),
]
_VALUES = st.one_of(
    st.sampled_from(
        ["/x", "https://example.org/?a=1&b=2", "javascript:alert(1)", "JaVa\tscript:x", "data:text/html,x", "//e.org",
         "3", "rtl", "id", " onerror=x ", "'\"><img src=x onerror=y>", "x y", "mailto:a@b.c"]
    ),
    st.text(max_size=12),
)  # fmt: skip
_PLACES = st.sampled_from(
    ["href", "src", "srcset", "data-src", "onerror", "onclick", "style", "class", "title", "alt", "dir", "lang",
     "start", "cite"]
)  # fmt: skip


@st.composite
def markup(draw: st.DrawFn) -> str:
    """Text, elements, and pieces of both."""
    pieces = []
    for _ in range(draw(st.integers(0, 12))):
        match draw(st.integers(0, 4)):
            case 0:
                pieces.append(draw(st.text(max_size=20)))
            case 1:
                pieces.append(f"</{draw(st.sampled_from(_NAMES))}>")
            case 2:
                pieces.append(
                    draw(st.sampled_from(["<!--", "-->", "<![CDATA[", "]]>", "<", "&lt;script&gt;", "&#0;", "<?x"]))
                )
            case _:
                said = "".join(
                    f" {name}={quote}{value}{quote}"
                    for name, value, quote in draw(
                        st.lists(st.tuples(_PLACES, _VALUES, st.sampled_from(["", '"', "'"])), max_size=3)
                    )
                )
                pieces.append(f"<{draw(st.sampled_from(_NAMES))}{said}>")
    return "".join(pieces)


def elements(html: str) -> list[tuple[str, dict[str, str]]]:
    """All elements that two other parsers find in it, with their attributes."""
    found = []
    tree = html5lib.parseFragment(html, namespaceHTMLElements=False)
    found += [(one.tag, dict(one.attrib)) for one in tree.iter() if isinstance(one.tag, str) and one is not tree]
    for one in lxml.html.fragments_fromstring(html) if html.strip() else []:
        if not isinstance(one, str):
            found += [(below.tag, dict(below.attrib)) for below in one.iter()]
    return [one for one in found if one[0] != "DOCUMENT_FRAGMENT"]


def is_allowed(html: str) -> bool:
    """Whether all elements and attributes in it are such as an article may have, and all addresses may be followed."""
    return all(
        name in ELEMENTS
        and attributes.keys() <= ATTRIBUTES.get(name, set()) | EVERYWHERE | {"rel"}
        and all(
            attributes.get(key, "https:").startswith(("https:", "http:", "mailto:", "tel:"))
            for key in ("href", "src", "cite")
        )
        for name, attributes in elements(html)
    )
