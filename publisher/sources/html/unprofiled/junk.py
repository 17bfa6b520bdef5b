"""What stands among the paragraphs of an article and is none: links to others, share bars, notes of the house.

Whole blocks only, and only where their form or a short phrase leaves no doubt: a sentence that mentions one stays.
"""

from __future__ import annotations

import re

from publisher.sources.forms.leads import ALONE, CALLS, LEADS
from publisher.sources.html.body import Block

_MARKS = "-–—>»•*|#[(【▶►▪◾➡👉 \t"
_STOPS = (".", "!", "?", "。", "！", "？", "।", "”", '."')
MAX_JUNK = 240
"""Characters of such a block; a paragraph of an article is mostly longer."""
_SENTENCE_END = re.compile(r"[.!?。！？]['\"”’)]*\s+\S")


def is_junk(block: Block, linked: int) -> bool:
    """Whether a block is no part of an article, ``linked`` characters of its text being links."""
    text = block.text
    if not text or block.html.startswith("<blockquote"):
        return False
    if len(text) > MAX_JUNK:
        return len(text) <= 4 * MAX_JUNK and linked > 0.85 * len(text)
    folded = text.casefold().lstrip(_MARKS)
    if folded.strip(" .:…[]()-–—*") in ALONE:
        return True
    lead = next((lead for lead in LEADS if folded.startswith(lead)), None)
    if lead is not None and _is_label(folded, lead, linked):
        return True
    return linked > 0.85 * len(text) and block.html.startswith(("<ul", "<ol", "<p", "<h"))


def _is_label(folded: str, lead: str, linked: int) -> bool:
    """Whether a phrase at the start of a line leads on to something else, and does not begin a sentence
    ("Publicidad y propaganda no son lo mismo.").
    """
    rest = folded[len(lead) :]
    if lead[-1].isalpha() and rest[:1].isalpha() and lead.isascii():
        return False
    if lead in CALLS or rest.lstrip().startswith((":", "：", "»", ">", "|", "–", "-")) or lead.endswith(":"):
        return len(_SENTENCE_END.findall(folded)) < 2
    return bool(linked) or not folded.endswith(_STOPS) or not rest.strip(" .!…")
