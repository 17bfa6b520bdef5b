"""Where it was written: the dateline before the first sentence, as newsrooms write it. Pure and bounded.

"KONTAN.CO.ID - JAKARTA. ", "ST. PETERSBURG (Reuters) – ", "JAKARTA, KOMPAS.com - ", "WASHINGTON, D.C., Nov 3 (AP) — ".
What could be the sentence's own first word ("NASA – the agency") is never cut: it is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from publisher.sources.forms import places
from publisher.sources.forms.bylinewords import is_agency, is_outlet, words

MAX_DATELINE = 160
"""Characters at the start of a text in which a dateline ends, with its house, date and agency."""

MAX_PLACE = 60

_SURE = "sure"

_DASH = r"(?:\s*\.-\s*|\s+-{1,2}\s*|\s*(?:--|[–—―])\s*|-\s+)"
_DOMAIN = r"[A-Za-z][\w-]*(?:\.[A-Za-z]{2,4}){1,2}"
_HOUSE = re.compile(
    rf"(?P<house>{_DOMAIN}|CN[NB]C? Indonesia|CNBC Indonesia|KONTAN|VIVA|SINDOnews|JawaPos)\s*"
    rf"(?:(?P<dash>{_DASH})|(?P<comma>,)\s*|\s*[/|:]\s*)"
)
_AGENCY_ALONE = re.compile(rf"[(\[](?P<agency>[^()\[\]]{{2,30}})[)\]]{_DASH}")
_BRACKET = re.compile(rf"\s*[(\[](?P<inside>[^()\[\]]{{1,40}})[)\]]\s*(?:{_DASH}|[.:,]\s+|\s)")
_ENDS = re.compile(rf"(?P<bracket>{_BRACKET.pattern})|(?P<dash>{_DASH})|(?P<colon>:\s+)|(?P<stop>\.(?:\s+|$))")
_MONTH = r"[^\W\d_]{3,10}\.?"
_DATE = re.compile(
    rf",?\s*(?:(?:le|den|am|on|al)\s+)?(?:\d{{1,2}}\.?\s*(?:de\s+)?{_MONTH}(?:\s+(?:de\s+)?\d{{4}})?"
    rf"|{_MONTH}\s+\d{{1,2}}(?:,?\s+\d{{4}})?|\d{{1,2}}[./-]\d{{1,2}}(?:[./-]\d{{2,4}})?)$"
)
_ONLY_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}(?:[./-]\d{2,4})?|[^\W\d_]+,? \d{1,2}(?:[./-]\d{1,2}(?:[./-]\d{2,4})?)?")
_WEEKDAY = re.compile(
    r",\s*(?:Senin|Selasa|Rabu|Kamis|Jum['’]?at|Sabtu|Minggu|Ahad|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)$",
    re.IGNORECASE,
)
_SHORT = words(
    "st ste sta sto ft mt gn tj tg pt kab kec kep u.s u.n d.c p n e w s"
    " jan feb mar apr jun jul aug sep sept oct nov dec"
)
_REGION = re.compile(r"(?:D\.?C\.?|[A-Z][a-z]{1,5}\.|[A-Z]\.[A-Z]\.|[A-Z]{2})")
_INSIDE = words("of de la le am an der im upon del do da dos di el al den und and dan & y i e sur sous les")
_NO_PLACE = words(
    "BREAKING UPDATE EXCLUSIVE EKSKLUSIF VIDEO FOTO PHOTO OPINI OPINION LIVE FOKUS ANALISIS ANALYSIS WATCH NEWS"
    " EDITORIAL KOLOM TAJUK FACTBOX EXPLAINER CORRECTION RALAT INFOGRAFIS EILMELDUNG"
)


@dataclass(frozen=True, slots=True)
class Dateline:
    """What stands before the first sentence: ``prefix`` and ``rest`` are the text, whatever was found.

    ``place`` is None where none is certain; ``doubt`` then says what could be one. ``agency`` is the agency or the
    house that is named in it.
    """

    rest: str
    place: str | None = None
    prefix: str = ""
    agency: str | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A place that could end here; ``known``: it is on the list, ``capitals``: it has no small letter."""

    place: str
    end: int
    kind: str
    evidence: bool
    agency: str | None = None

    @property
    def known(self) -> bool:
        first = re.split(r"\s*(?:/|,|&|\b(?:dan|and|und|et|y)\b)\s*", self.place)[0]
        return places.known(self.place) or places.known(first)

    @property
    def capitals(self) -> bool:
        return self.place.isupper() or not any(letter.islower() for letter in _REGION.sub("", self.place))


def dateline(text: str, *, after: int = 0) -> Dateline:
    """The dateline of a first paragraph. ``after`` are the characters of the house's own mark, where that is known."""
    house = None
    at, by_comma = after, False
    if not after and (found := _AGENCY_ALONE.match(text)) and is_agency(found["agency"]):
        return Dateline(text[found.end() :], prefix=text[: found.end()], agency=found["agency"])
    if not after and (found := _HOUSE.match(text)) and _starts(text[found.end() :]):
        at, by_comma, house = found.end(), bool(found["comma"]), found["house"]
    doubt = _unmarked(text[at:], capitals=not by_comma) if at else None
    for one in _candidates(text[at : at + MAX_DATELINE]):
        verdict = _verdict(one, text[at + one.end :], housed=at > 0, by_comma=by_comma)
        if verdict == _SURE:
            end = at + one.end
            return Dateline(text[end:], one.place, text[:end], one.agency or house)
        doubt = doubt or verdict
    if by_comma or doubt:  # "Kompas.com, the site, …" is a sentence's own words
        return Dateline(text, doubt=doubt)
    return Dateline(text[at:], prefix=text[:at], agency=house)


def fits(place: str, rest: str) -> bool:
    """Whether what a pattern took for the place can be one, and does not break off inside a name: "ST" of
    "ST. PETERSBURG".
    """
    taken = _shape(place.strip())
    if taken is None:
        return False
    broken = re.match(r"[^\W\d_]{2,}", rest)
    return not (_abbreviated(taken) and broken is not None and broken[0].isupper() == taken.isupper())


def _candidates(head: str) -> Iterator[_Candidate]:
    """Each place that a mark closes; the text before the first mark that closes none is no dateline."""
    for mark in _ENDS.finditer(head):
        before = head[: mark.start()].rstrip()
        if len(before) > MAX_PLACE + 30:
            return
        if mark["stop"] and _abbreviated(before) and (mark.end() < len(head)) and _goes_on(before, head[mark.end() :]):
            continue
        whole = before + "." if mark["stop"] and re.search(r"\b[A-Z]\.[A-Z]$", before) else before
        yield from _closed(whole, mark)
        if mark["dash"] or mark["bracket"]:
            return


def _closed(before: str, mark: re.Match[str]) -> Iterator[_Candidate]:
    undated = _DATE.sub("", before)
    evidence = undated != before
    kind = "bracket" if mark["bracket"] else "dash" if mark["dash"] else "stop" if mark["stop"] else "colon"
    agency = None
    if mark["bracket"]:
        agency = _named(mark["inside"])
        before_dash = re.search(rf"[)\]]\s*{_DASH}$", mark["bracket"]) is not None
        if (
            agency is None
            and before_dash
            and (evidence or places.known(undated))
            and re.fullmatch(r"[\w-]{2,20}", mark["inside"])
        ):
            agency = mark["inside"]
        if agency is None and not (_closes(mark["bracket"]) and _ONLY_DATE.fullmatch(mark["inside"])):
            return
        undated = _WEEKDAY.sub("", undated)
        evidence = evidence or agency is not None
    first, comma, last = undated.rpartition(",")
    if comma and not mark["bracket"] and _named(last.strip(" |")):
        undated, agency, evidence = first, last.strip(" |"), True
    place = _shape(undated.strip(" ,|"))
    if place:
        yield _Candidate(place, mark.end(), kind, evidence, agency)


def _closes(bracket: str) -> bool:
    """Whether a dash or a period stands behind a bracket."""
    return re.search(rf"[)\]]\s*(?:{_DASH}|\.\s+)$", bracket) is not None


def _named(text: str) -> str | None:
    """An agency or a medium, "Reuters", "dpa/lnw", "KOMPAS.com"; None for anything else."""
    shown = text.strip()
    parts = re.split(r"\s*[/,]\s*", shown)
    return shown if is_agency(shown) or is_outlet(shown) or is_agency(parts[0]) or is_outlet(parts[0]) else None


def _shape(text: str) -> str | None:
    """A text that has the shape of a place or of several; None for any other."""
    parts = re.split(r"[\s/]+", text)
    if not text or len(text) > MAX_PLACE or len(parts) > 8 or any(letter.isdigit() for letter in text):
        return None
    if text.upper() in _NO_PLACE or is_agency(text) or re.search(r"[!?\"“”;:|]", text):
        return None
    if not all(_capital(word) or (word in _INSIDE and number) for number, word in enumerate(parts)):
        return None
    return None if parts[-1] in _INSIDE else text


def _capital(word: str) -> bool:
    letters = [letter for letter in word if letter.isalpha()]
    return bool(letters) and not letters[0].islower()


def _abbreviated(text: str) -> bool:
    """Whether a text ends in a word that a period shortens: "ST", "WASHINGTON, D.C"."""
    last = re.split(r"[\s/,-]+", text.strip())[-1].casefold().rstrip(".")
    return last in _SHORT or re.fullmatch(r"(?:[a-z]\.)+[a-z]|[a-z]", last) is not None


def _goes_on(before: str, after: str) -> bool:
    """Whether the name goes on after a period, "ST. PETERSBURG": in capitals only with capitals."""
    word = re.match(r"[^\W\d_]+", after)
    if word is None:
        return after[:1] in (",", "(") or after[:1].isdigit()
    capitals = len(word[0]) > 1 and word[0].isupper()
    return capitals if before.isupper() else word[0][:1].isupper()


def _unmarked(text: str, *, capitals: bool) -> str | None:
    """A doubt about a place with nothing behind it: "Liputan6.com, Jakarta Presiden …"."""
    first = text.split(None, 3)[:3]
    for length in (2, 1):
        place = " ".join(first[:length]).rstrip(",")
        if capitals and not (place.isupper() and len(first) > length and not first[length].isupper()):
            continue
        if len(first) > length and places.known(place) and place[-1].isalpha() and _goes_on_as_one(first[length]):
            return f"{place!r} may be a dateline or the first words of the text; it is left there"
    return None


def _goes_on_as_one(word: str) -> bool:
    """Whether a word can be a sentence's first, or the bracket around a dateline's date."""
    return _capital(word) or word.startswith(("(", "["))


def _starts(text: str) -> bool:
    """Whether a sentence can begin so."""
    first = text.lstrip(" \"'“”‘’«„»(-")[:1]
    return not first or first.isdigit() or not first.islower()


def _verdict(one: _Candidate, rest: str, *, housed: bool, by_comma: bool) -> str | None:
    """``_SURE`` for a dateline; words of doubt for what could be one; None where it is not one."""
    if not _starts(rest) or is_outlet(one.place):
        return None
    acronym = len(one.place) <= 4 and " " not in one.place
    closed = one.kind in ("stop", "dash")
    if one.evidence or (housed and by_comma and one.kind == "dash"):
        return _SURE
    if (one.known and _is_plain(one, rest, housed=housed)) or (housed and one.capitals and closed and not acronym):
        return _SURE
    plain = one.kind == "dash" or (one.kind == "stop" and not acronym and "." not in one.place)
    if (one.capitals and (housed or plain)) or (housed and closed and len(one.place.split()) <= 3):
        return f"{one.place!r} may be a dateline or the first words of the text; it is left there"
    return None


def _is_plain(one: _Candidate, rest: str, *, housed: bool) -> bool:
    """Whether a known place with this mark behind it is a dateline, and not a route or the sentence's own word."""
    follows = re.match(r"[^\W\d_]+(?: [^\W\d_]+)?", rest)
    if one.kind == "dash" and follows and (places.known(follows[0]) or places.known(follows[0].split()[0])):
        return False
    if one.kind == "dash" or housed:
        return True
    return one.capitals
