"""What in a text looks as if it were no part of the article, or as if a part were missing. It is told, not cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from publisher.sources.forms.leads import READ_ALSO
from publisher.sources.reading.draft import Reading

_CLOSED = re.compile(r"[.!?…。！？।؟:;]['\"”’»)\]]*$|[)\]\"”»]$")
_JUNK = re.compile(
    rf"(?:{'|'.join(READ_ALSO)}|advertisement|iklan\b|scroll\b|baca (?:selengkapnya|artikel)|simak (?:berita|video)"
    r"|tonton\b|ikuti\b.*\b(?:kami|berita|saluran|channel|news)|dapatkan (?:update|berita)|bagikan\b|berlangganan"
    r"|langganan|download aplikasi|unduh aplikasi|cek berita|selanjutnya\s*:|menarik dibaca|terkait\s*:|terbaru\b"
    r"|berita terkait|artikel terkait|halaman\s*(?:berikut|selanjutnya|\d)|klik di sini|hak cipta|share (?:this|on)"
    r"|follow us|subscribe|related:|lesen sie|mehr zum thema|sign up|newsletter|copyright|©|all rights reserved"
    r"|tags?\s*:|click here)",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(rf"(?:{'|'.join(READ_ALSO)})\b", re.IGNORECASE)
_WITHIN = re.compile(r"[.!?] ?(?:Baca [Jj]uga|BACA JUGA|Read also|Also read|Lire aussi|Lea también)\s*:")
_LEAST = 25
"""Characters of a paragraph that does not stand twice by chance."""


def is_closed(text: str) -> bool:
    """Whether a paragraph ends as sentences, quotations and the lead-in of a list do."""
    return _CLOSED.search(text.rstrip()) is not None


def is_wrapped(paragraphs: Sequence[str]) -> bool:
    """Whether paragraphs are broken into lines: most end within a sentence, and most of the next go on in one."""
    broken = sum(
        1
        for one, following in pairwise(paragraphs)
        if not is_closed(one) and (following[:1].islower() or len(one) > _LEAST)
    )
    return len(paragraphs) > 5 and 2 * broken > len(paragraphs) and any(one[:1].islower() for one in paragraphs)


def leads_elsewhere(text: str) -> bool:
    """Whether a paragraph says that it leads to another article: "Baca Juga: …"."""
    return _ELSEWHERE.match(text) is not None


def tell_doubts(reading: Reading, paragraphs: Sequence[str], title: str | None) -> None:
    """Warn of paragraphs that stand twice, of the headline among them, and of what is not written as a sentence.

    Only plain paragraphs are given: headings, lists, tables and captions end as they like.
    """
    seen: set[str] = set()
    open_ended = []
    for text in paragraphs:
        if len(text) >= _LEAST and text in seen:
            reading.warn("the paragraph stands twice", "body", text)
        seen.add(text)
        if text == title:
            reading.warn("the headline stands in the text, too; does another article begin here?", "body", text)
        elif _JUNK.match(text) or _WITHIN.search(text):
            reading.warn("may be no part of the article", "body", text)
        elif not is_closed(text):
            open_ended.append(text)
    if open_ended and 2 * len(open_ended) < len(paragraphs):  # else it is how this text is written
        more = f", and {len(open_ended) - 1} more" if len(open_ended) > 1 else ""
        told = "ends as no sentence: a heading, or a teaser of another article?"
        reading.warn(told + more, "body", open_ended[0])
