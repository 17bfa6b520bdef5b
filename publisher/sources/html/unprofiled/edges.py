"""What a page shows before and behind a text: the headline again, who wrote it, the day, headings of what follows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from selectolax.lexbor import LexborHTMLParser

from publisher.content.text import one_line
from publisher.sources.forms.bylines import is_byline
from publisher.sources.html.body import Block
from publisher.sources.html.unprofiled.evidence import alike, plain

_CRUMB = re.compile(r"\s[>›»/]\s")
_DATED = re.compile(
    r"\b(?:19|20)\d\d\b.{0,20}\b\d{1,2}[:.]\d\d\b|^\W*\d{1,2}[./ -]\w{1,10}[./ -](?:19|20)\d\d\W*$"
    r"|(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}"
    r"|^\W*\d{1,2} min(?:ute)?s? read\b"
    r"|^\W*\w{3,10},? \d{1,2} \w{3,10} (?:19|20)\d\d\W*$|^\W*\w{3,10}\.? \d{1,2}, (?:19|20)\d\d\W*$"
)
_SENTENCE = re.compile(r"[.!?。！？।]['\"”’)]*$")
LED_IN = 6
"""Blocks at the start of a text among which such lines are looked for."""

LED_OUT = 3
"""Blocks at its end, likewise."""


def trimmed(blocks: Sequence[Block], headline: str | None) -> list[Block]:
    """Without what a page shows above a text, the headline, the byline and the date, and headings without a text at
    the end.
    """
    kept = [block for at, block in enumerate(blocks) if at >= LED_IN or not _leads_in(block, headline)]
    for _ in range(LED_OUT):
        last = next((at for at in reversed(range(len(kept))) if kept[at].text), -1)
        if last >= 0 and _leads_out(kept[last]):
            del kept[last]
    while (heading := _heading_at_end(kept)) is not None:
        del kept[heading:]
    return kept


def _heading_at_end(blocks: Sequence[Block]) -> int | None:
    """The place of a heading or a line that only pictures follow."""
    for at in reversed(range(len(blocks))):
        if is_heading(blocks[at]) or blocks[at].html.startswith("<hr"):
            return at
        if blocks[at].text:
            return None
    return None


def bylines(blocks: Iterable[Block]) -> list[str]:
    """The lines at either end of a text that say who wrote it."""
    texts = [block.text for block in blocks if block.text]
    return [text for text in (*texts[:LED_IN], *texts[LED_IN:][-LED_OUT:]) if is_byline(text)]


def unsigned(blocks: Sequence[Block], names: Iterable[str]) -> list[Block]:
    """The blocks of a text without those at either end that hold nothing but the name of one who wrote it."""
    people = {plain(name) for name in names}
    inner = range(LED_IN, len(blocks) - LED_OUT)
    return [block for at, block in enumerate(blocks) if at in inner or plain(block.text) not in people]


def _leads_out(block: Block) -> bool:
    text = block.text
    return len(text) < 100 and (is_byline(text) or (_DATED.search(text) is not None and not _SENTENCE.search(text)))


def _leads_in(block: Block, headline: str | None) -> bool:
    text = block.text
    if not text or len(text) > 200:
        return False
    if headline and (plain(text) == plain(headline) or (is_heading(block) and alike(text, headline))):
        return True
    if headline and text.startswith(headline) and len(text) < len(headline) + 100 and not _SENTENCE.search(text):
        return True
    if block.html.startswith("<h1") or is_byline(text):
        return True
    if len(text) < 60 and _is_time(block):
        return True
    crumbs = len(text) < 120 and len(_CRUMB.findall(text)) >= 2
    return crumbs or (len(text) < 100 and _DATED.search(text) is not None and not _SENTENCE.search(text))


def _is_time(block: Block) -> bool:
    """Whether a block is a paragraph with a ``time`` element and no text besides."""
    if not block.html.startswith("<p") or "<time" not in block.html:
        return False
    time = LexborHTMLParser(block.html).css_first("p > time")
    return time is not None and one_line(time.text()) == block.text


def is_heading(block: Block) -> bool:
    """Whether a block is a heading."""
    return block.html.startswith(("<h1", "<h2", "<h3", "<h4", "<h5", "<h6"))
