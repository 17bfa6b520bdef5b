"""Whose picture: the credit at the end of a caption, in the forms that credits have. Pure and bounded.

"(Foto: X/ANTARA)", "KONTAN/Fransiskus", "REUTERS/Jim Young", "X via AP", "© AFP", "Getty Images", "Photo by X". What
has no such form, "(20/5/2024)" or "(kiri)", is caption.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from publisher.sources.forms.bylinewords import is_agency, is_degree, is_name, is_outlet

MAX_CAPTION = 2_000
"""Characters of a caption in which a credit is looked for."""

MAX_CREDIT = 120
MAX_TAIL, MAX_NAMES, MAX_PICTURED = 60, 5, 3
"""Characters and words behind the last sentence of a caption that may be a credit of a form that is not known, and
words where one of them is that for a picture: more tell of what it shows.
"""

_LEFT = "a credit may stand within the caption; it is left there"
_WIDE_END = re.compile(r"[。！？](?=.)")
_BETWEEN = frozenset(("for", "of", "and", "dan", "und", "et", "y", "via", "/", "|", "-", "–"))
_PICTURE = frozenset(("photo", "photos", "foto", "layar", "bild", "picture", "image", "gambar"))

_LABELS = (
    "foto|fotos|fotografer|pewarta foto|fotografi|sumber|sumber foto|kredit|kredit foto|dok|dok.|dok. foto|dokumentasi"
    "|photo|photos|photograph|photographer|photo credit|credit|credits|image|image credit|picture|courtesy|source"
    "|handout|bild|bilder|bildquelle|quelle|crédit|crédit photo|crédits|fotografía|fuente|crédito|créditos|imagem"
    "|imagen|fonte|beeld|kilde|ilustrasi|illustration|grafis|infografis|screenshot|tangkapan layar|repro"
)
_LABEL = "|".join(sorted(map(re.escape, _LABELS.split("|")), key=len, reverse=True))
_WITH_COLON = re.compile(rf"(?:{_LABEL})\s*[:：]\s*(?P<who>\S.*)", re.IGNORECASE)
_SPOKEN = re.compile(
    r"(?i:photos? by|photographs? by|(?:photo )?courtesy(?: of)?|images? by|pictures? by|foto oleh|fotos? von|bild von"
    r"|photo de|fotografía de|ilustrasi oleh|illustration by|dok\.?|dokumentasi|handout)\s+(?P<who>[^\W\d_a-z].*)"
)
_SIGN = re.compile(r"(?:©|\(c\)|℗|copyright\b|hak cipta\b)\s*(?:\d{4}\s*)?(?P<who>\S.*)", re.IGNORECASE)
_STOCK = re.compile(
    r"(?:getty(?:\s+images)?|istock(?:photo)?|shutterstock|unsplash|pexels|pixabay|freepik|alamy|adobe\s*stock"
    r"|depositphotos|dreamstime|picture[\s-]alliance|imago(?:\s+images)?|wikimedia(?:\s+commons)?|123rf|canva|zuma(?:\s+press)?|sipa"
    r"|epa(?:-efe)?|antara\s+foto|ap\s+photo|kyodo\s+news|xinhua|bloomberg|reuters|afp|ap|antara|dpa|kontan|tempo"
    r"|kompas|istimewa|ist\.?|dok\.?\s*\w+|dokumentasi\s+\w+|handout|nasa|pool)",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"[^\s/][^/]{0,40}(?:\s?/\s?[^/]{1,50}){1,4}")
_VIA = re.compile(r"(?P<who>.{2,80}?)\s+via\s+(?P<house>\S.{1,40})")
_NOT_A_NAME = re.compile(r"\d{1,2}\s?/\s?\d{1,2}|\d{4}|\bRp\b|%")
# A word and a period with more behind: a sentence ends there, unless the word is an abbreviation that names have.
_CLOSED = re.compile(
    r"(?<!\w)(?!(?:dok|dr|prof|hj?|ir|drs|dra|moh|muh|st|jr|sr|mr|mrs|ms)\.)\w{2,}[.!?] ", re.IGNORECASE
)
_DATED_END = re.compile(r"/(?:\d{1,2}/\d{1,2}/\d{2,4}|(?:19|20)\d\d)$")
"""The day that some houses write behind the name: "KONTAN/X/10/01/2024"."""

_CLOSE = {")": "(", "]": "["}
_SENTENCE_END = re.compile(r"(?<=[.!?…)\]\"”’»])\s+|\s+[|–—•·-]{1,2}\s+|\s*\|\s*|\s+(?=©|\(c\)\s|℗)")
_AGENCY_START = re.compile(
    r"(?<![\w/])(?=(?:ANTARA FOTO|ANTARA|REUTERS|AFP|AP Photo|AP|EPA|EPA-EFE|KONTAN|TEMPO|KOMPAS|BISNIS|SINDO|XINHUA"
    r"|Xinhua|Getty Images|GETTY IMAGES|dpa|TRIBUN\w*|Tribun\w*|Kompas\.com|detik\w*|CNN\w*)\s?/\s?[^\W\d_])"
)


@dataclass(frozen=True, slots=True)
class Credited:
    """A caption and its credit, each None where there is none. ``doubt`` says what could be a credit and was left."""

    caption: str | None = None
    credit: str | None = None
    doubt: str | None = None


def credited(text: str) -> Credited:
    """A caption with its credit apart; all of it is the caption where no form of credits stands at its end."""
    shown = " ".join(text.split())
    if not shown or len(shown) > MAX_CAPTION:
        return Credited(shown or None)
    return _bracketed(shown) or _labelled(shown) or _after_a_sentence(shown) or _at_an_agency(shown) or _whole(shown)


def is_credit(text: str) -> bool:
    """Whether a text that stands apart is a credit and nothing else: behind a sentence, or in brackets."""
    shown = text.strip()
    if not shown or len(shown) > MAX_CREDIT or not any(map(str.isalpha, shown)) or _CLOSED.search(shown):
        return False
    sign = _SIGN.fullmatch(shown) or _WITH_COLON.fullmatch(shown) or _SPOKEN.fullmatch(shown)
    if sign:
        return _is_who(sign["who"])
    return _is_house(shown) or _is_slashed(shown) or _is_via(shown)


def _bracketed(text: str) -> Credited | None:
    """The credit in brackets at the end, with or without a period behind it."""
    bare = text.rstrip(" .")
    opening = _CLOSE.get(bare[-1:])
    start = bare.rfind(opening) if opening else -1
    if start < 0 or not is_credit(bare[start + 1 : -1]):
        return None
    return Credited(bare[:start].strip() or None, _plain(bare[start + 1 : -1].strip()))


def _labelled(text: str) -> Credited | None:
    """A caption that is a credit only, or ends in one that a colon makes plain: "… di sawah. Foto: Bagas"."""
    for mark in reversed(list(_SENTENCE_END.finditer(text))):
        tail = text[mark.end() :]
        if len(tail) > MAX_CREDIT:
            break
        if (found := _WITH_COLON.fullmatch(tail) or _SIGN.fullmatch(tail)) and _is_who(found["who"]):
            return Credited(text[: mark.start()].strip() or None, _plain(tail))
    found = _WITH_COLON.fullmatch(text) or _SIGN.fullmatch(text) or _SPOKEN.fullmatch(text)
    if found and _is_who(found["who"]):
        house = _is_house(found["who"]) or _is_slashed(found["who"]) or not _WITH_COLON.fullmatch(text)
        return Credited(
            None, _plain(text), None if house else f"{text!r} may be who is shown, and not whose picture it is"
        )
    return None


def _after_a_sentence(text: str) -> Credited | None:
    """What follows the last closed sentence, where all of it is a credit."""
    best = None
    for mark in reversed(list(_SENTENCE_END.finditer(text))):
        tail = text[mark.end() :]
        if len(tail) > MAX_CREDIT:
            break
        if is_credit(tail):
            best = Credited(text[: mark.start()].strip() or None, _plain(tail))
    return best


def _at_an_agency(text: str) -> Credited | None:
    """A credit that an agency's name begins, though no period stands before: "Petani di sawah ANTARA FOTO/Bagas"."""
    starts = [found.start() for found in _AGENCY_START.finditer(text)]
    for start in starts:
        tail = text[start:]
        if len(tail) <= MAX_CREDIT and _is_slashed(tail):
            return Credited(text[:start].rstrip(" ,;|–—-") or None, tail)
    if starts:
        return Credited(text, None, _LEFT)
    return None


def _whole(text: str) -> Credited:
    if (
        is_credit(text)
        and not text.endswith((".", "!", "?"))
        and (_is_house(text) or _is_slashed(text) or _is_via(text))
    ):
        return Credited(None, text)
    return Credited(text, None, _LEFT if _may_end_in_a_credit(text) else None)


def _may_end_in_a_credit(text: str) -> bool:
    """Whether a caption goes on behind its last sentence with a few words that could name whose picture it is."""
    ends = [*_SENTENCE_END.finditer(text), *_WIDE_END.finditer(text)]
    if not ends:
        return False
    at = max(end.end() for end in ends)
    tail = text[at:]
    if not tail or len(tail) > MAX_TAIL or tail[-1] in ".!?。！？" or _NOT_A_NAME.search(tail):
        return False
    if text[at - 1] in "。！？":
        return True
    names = [word for word in tail.split() if word.lower() not in _BETWEEN]
    if len(names) == 1:
        return "/" in tail
    pictured = any(word.lower() in _PICTURE for word in names)
    named = all(word[0].isupper() or word.lower() in _PICTURE for word in names)
    return named and 1 < len(names) <= (MAX_PICTURED if pictured else MAX_NAMES)


def _plain(credit: str) -> str:
    """A credit without the word for one; "Dok. Pribadi", "Photo courtesy of X" and "© AFP" say more and stay."""
    found = re.fullmatch(
        r"(?:foto|fotos|photo|photos|photograph|photographer|fotografer|pewarta foto|credit|credits|kredit|kredit foto"
        r"|photo credit|image credit|image|picture|bild|bilder|crédit|crédit photo|crédito|créditos|imagen|imagem|beeld"
        r"|sumber foto|sumber|source|quelle|bildquelle|fuente|fonte|kilde)\s*[:：]\s*(?P<who>\S.*)"
        r"|(?:photos?|photographs?|image|picture|foto|bild|illustration) (?:by|oleh|von|de) (?P<by>\S.*)",
        credit,
        re.IGNORECASE,
    )
    return (found["who"] or found["by"]).strip() if found else credit


def _is_who(text: str) -> bool:
    """Whether it names who made a picture: a person, a house, or both with slashes."""
    shown = text.strip().rstrip(".")
    if not shown or len(shown) > MAX_CREDIT or _NOT_A_NAME.search(shown):
        return False
    parts = re.split(r"\s*(?:/|,|;|\bvia\b|\bdan\b|\band\b|\bund\b|&|\bfor\b|\bof\b)\s*", shown)
    return all(_is_part(part) for part in parts if part)


def _is_part(text: str) -> bool:
    bare = text.strip(" .()[]")
    word = re.fullmatch(r"[\w.-]{1,20}", bare) is not None
    return is_name(bare) or _is_house(bare) or is_degree(bare) or word


def _is_house(text: str) -> bool:
    shown = text.strip().rstrip(".")
    if _STOCK.fullmatch(shown):
        return shown[:1].isupper() or re.match(r"dpa|ist\b|istimewa|iStock|imago|picture|dok", shown) is not None
    return is_agency(shown) or (len(shown.split()) <= 5 and is_outlet(shown) and shown[:1].isupper())


def _is_slashed(text: str) -> bool:
    """ "KONTAN/Fransiskus", "Sputnik/Pavel Byrkin/Kremlin via REUTERS": begun by a capital, names all through."""
    shown = _DATED_END.sub("", text.strip().rstrip("."))
    if not _SLASHED.fullmatch(shown) or not shown[0].isupper() or _NOT_A_NAME.search(shown):
        return False
    parts = [part.strip() for part in re.split(r"/|\bvia\b|,", shown)]
    first, *others = parts
    named = is_name(first) or _is_house(first)
    return named and len(first.split()) <= 5 and all(_is_part(part) and len(part.split()) <= 5 for part in others)


def _is_via(text: str) -> bool:
    found = _VIA.fullmatch(text.strip().rstrip("."))
    if found is None:
        alone = re.fullmatch(r"[Vv]ia\s+(?P<house>\S.{1,40})", text.strip().rstrip("."))
        return alone is not None and _is_house(alone["house"])
    return _is_who(found["who"]) and (_is_house(found["house"]) or found["house"].isupper())
