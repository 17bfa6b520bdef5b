"""The text of an article, of what the page states and what its structure shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from selectolax.lexbor import LexborHTMLParser

from publisher.sources.html.body import Block, escaped, fragment_blocks
from publisher.sources.html.unprofiled.edges import trimmed
from publisher.sources.html.unprofiled.evidence import EXTRACTED, JSONLD, decoded, word_set, words
from publisher.sources.html.unprofiled.extracting import linked_text
from publisher.sources.html.unprofiled.junk import is_junk

TEASER = 0.6
"""A text that the page states is taken for the whole if it holds at least so much of what the page shows."""

AGREED = 0.85
DOUBTED = 0.6
"""Shares of the words that two readings have in common, from which they are one text, and below which one is wrong."""

ONE_BLOCK = 1_500
"""Characters of a text without a paragraph that lost those that it had."""

_INLINE = word_set("b strong i em u a span s strike sub sup small mark abbr cite code q font ins del big tt")
_BLOCKS = word_set("p div br h1 h2 h3 h4 h5 h6 ul ol li blockquote figure img table section article hr pre")

# A number, or a word.
_TOKEN = re.compile(r"(?P<number>\d+(?:[.,:]\d+)*)|[^\W\d_]+")
_Words = tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """One reading of the text, and its origin."""

    blocks: tuple[Block, ...]
    origin: str

    @cached_property
    def words(self) -> Counter[str]:
        return Counter(word for block in self.blocks for word in words(block.text))

    @cached_property
    def length(self) -> int:
        return sum(len(block.text) for block in self.blocks)

    @property
    def line(self) -> str:
        return " ".join(block.text for block in self.blocks)

    @property
    def is_one_block(self) -> bool:
        return len(self.blocks) == 1 and self.length > ONE_BLOCK


@dataclass(frozen=True, slots=True)
class Choice:
    """The text that is taken, None where there is none, and what is doubtful about it."""

    text: Text | None
    doubt: str | None = None


def agreement(one: Text, other: Text) -> float:
    """The share of words that two texts have in common (F1)."""
    total = one.words.total() + other.words.total()
    return 2 * (one.words & other.words).total() / total if total else 0.0


def covered(part: Text, whole: Text) -> float:
    """The share of the first text's words that the second holds."""
    total = part.words.total()
    return (part.words & whole.words).total() / total if total else 0.0


def stated(body: str | None) -> Text | None:
    """The text that JSON-LD gives: plain paragraphs, or the markup that some leave in it or encode."""
    if not body:
        return None
    html = _as_html(body) or _as_html(decoded(body))
    blocks = fragment_blocks(html or escaped(_lines(decoded(body))))
    kept = tuple(one for one in blocks if one.text and not is_junk(one, linked_text(one.html)))
    return Text(kept, JSONLD) if kept else None


def _as_html(body: str) -> str | None:
    """The text as markup, where there is any in it."""
    if "<" not in body:
        return None
    tree = LexborHTMLParser(f"<body>{body}")
    found = {node.tag for node in tree.css("body *")}
    if found & _BLOCKS:
        return body
    return "".join(f"<p>{line}</p>" for line in _lines(body)) if found & _INLINE else None


def _lines(body: str) -> list[str]:
    return [line.strip() for line in body.splitlines() if line.strip()]


def choose(said: Text | None, shown: Text | None, second: Callable[[], Text | None], lead: str | None) -> Choice:
    """The text of a page. ``said`` is what its JSON-LD states, ``shown`` what its structure shows, ``second`` another
    reading of the latter, which takes long; ``lead`` a summary that the text should begin with or hold.
    """
    if said is None:
        return _of_two(shown, second(), lead)
    shown = shown if shown is not None and shown.blocks else second()
    if shown is None:
        return Choice(said)
    if covered(said, shown) < DOUBTED and said.length > 200:
        other = second()
        if other is not None and agreement(said, other) > agreement(said, shown):
            shown = other
    if said.length < TEASER * shown.length:
        return _instead(said, shown, second, lead)
    choice = _with_paragraphs(said, shown) if said.is_one_block else Choice(said, _apart(said, shown))
    return choice if choice.doubt else Choice(choice.text, _other_number(said, shown))


def _apart(said: Text, shown: Text) -> str | None:
    """The doubt where the page shows another text than JSON-LD gives."""
    apart = covered(said, shown) < DOUBTED and shown.length > 200
    return "JSON-LD gives another text than the page shows" if apart else None


def _other_number(said: Text, shown: Text) -> str | None:
    """The doubt where the page shows another number than JSON-LD gives for the same."""
    found = other_number(said.line, shown.line)
    return f"JSON-LD says {found[0]} where the page shows {found[1]}" if found else None


def _with_paragraphs(said: Text, shown: Text) -> Choice:
    """What JSON-LD gives in one block, as the page shows it in paragraphs."""
    part = _within(shown, said)
    if covered(said, part) >= AGREED:
        return Choice(part)
    return Choice(said, "JSON-LD gives the text without its paragraphs, and the page shows another")


def _instead(said: Text, shown: Text, second: Callable[[], Text | None], lead: str | None) -> Choice:
    """What the page shows, where JSON-LD gives only a part of it."""
    better = _of_two(shown, second(), lead)
    taken = better.text or shown
    if said.length >= TEASER * taken.length:
        return Choice(said)
    share = round(100 * said.length / taken.length)
    return Choice(taken, f"JSON-LD holds {share} % of the text that the page shows, which is taken instead")


def _within(shown: Text, said: Text) -> Text:
    """The blocks of what the page shows whose words JSON-LD has too, and those without text between them."""
    left = Counter(said.words)
    kept: list[Block] = []
    for block in shown.blocks:
        counted = Counter(words(block.text))
        total = counted.total()
        if not total or (counted & left).total() >= 0.7 * total or block.html.startswith(("<h2", "<h3", "<h4")):
            kept.append(block)
            left -= counted
    return Text(tuple(trimmed(kept, None)), EXTRACTED)


def _of_two(shown: Text | None, other: Text | None, lead: str | None) -> Choice:
    """The better of two readings of what the page shows: ours, unless it found next to nothing."""
    found = [text for text in (shown, other) if text is not None and text.blocks]
    if len(found) < 2:
        return Choice(found[0] if found else None)
    ours, second = found
    agree = agreement(ours, second)
    if agree >= AGREED:
        return Choice(ours)
    doubt = "two readings of the page's text have little in common; write a profile for the site"
    return Choice(second if _is_missed(ours, second, lead) else ours, doubt if agree < DOUBTED else None)


def _is_missed(ours: Text, other: Text, lead: str | None) -> bool:
    """Whether our reading is of a mere box of the page, and the other of its article."""
    if (
        ours.length >= 400
        or other.length < 1.8 * ours.length
        or not any(len(block.text) >= 80 for block in other.blocks)
    ):
        return False
    return _holds(other, lead) >= _holds(ours, lead)


def _holds(text: Text, lead: str | None) -> float:
    """The share of a summary's words that a text holds."""
    wanted = Counter(words(lead or ""))
    held, total = (wanted & text.words).total(), wanted.total()
    return held / total if total else 0.0


def other_number(one: str, other: str, *, behind: int = 2) -> tuple[str, str] | None:
    """The first number of a text for which another gives a different one, and that: between the same two words before
    it and as many as ``behind`` after it, which stand as often in both. None where there is none.
    """
    first, second = _numbers(one, behind), _numbers(other, behind)
    for around, numbers in first.items():
        found = second.get(around, [])
        only, instead = Counter(numbers) - Counter(found), Counter(found) - Counter(numbers)
        if only and len(numbers) == len(found):
            return next(iter(only)), next(iter(instead))
    return None


def _numbers(text: str, behind: int) -> dict[_Words, list[str]]:
    """The numbers of a text by the words around each; a number among those is no word."""
    tokens = list(_TOKEN.finditer(text.casefold()))
    parts = ["", "", *("#" if token["number"] else token[0] for token in tokens), *[""] * behind]
    found: dict[_Words, list[str]] = {}
    for at, token in enumerate(tokens):
        around = (*parts[at : at + 2], *parts[at + 3 : at + 3 + behind])
        if token["number"] and any(one.isalpha() for one in around):
            found.setdefault(around, []).append(token["number"])
    return found
