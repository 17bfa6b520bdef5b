"""Who wrote it: a byline as newsrooms write it, taken apart into people, their roles and the agency.

Pure and bounded. What the line leaves open is said in ``doubt``, so that it can be told beside the article.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from publisher.sources.forms.bylinewords import (
    ADDRESS,
    AGENCY,
    AND_OTHERS,
    AUTHOR,
    BEFORE_HAN,
    BEHIND_NAME,
    DATED,
    EDITOR,
    JOINERS,
    LABEL,
    LEAD,
    OTHER,
    PHOTO,
    SHOUTED_JOINERS,
    TAIL,
    is_agency,
    is_degree,
    is_name,
    is_outlet,
    is_place,
    is_staff,
    is_title,
    roles_of,
    without_title,
)

MAX_BYLINE = 1_000
"""Characters of a byline; what follows is no byline any more."""

MAX_LINE = 240
"""Characters of a paragraph that can be a byline."""


@dataclass(frozen=True, slots=True)
class People:
    """What a byline says. Names stand as they were written, with their degrees.

    ``authors`` wrote it (reporters and contributors are among them), ``photographers`` made the pictures, ``others``
    translated or produced it. ``agency`` is a news agency, or what stands as the source; ``outlets`` are other names
    that are no people's, the site's own among them. ``doubt`` says what the line leaves open, None where nothing.
    """

    authors: tuple[str, ...] = ()
    editor: str | None = None
    photographers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    agency: str | None = None
    outlets: tuple[str, ...] = ()
    doubt: str | None = None


@dataclass(slots=True)
class _Found:
    """What was found so far, by role."""

    named: dict[str, list[str]] = field(default_factory=lambda: {role: [] for role in (AUTHOR, EDITOR, PHOTO, OTHER)})
    agencies: list[str] = field(default_factory=list)
    outlets: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    shouted: bool = False

    def doubt(self, why: str) -> None:
        if why not in self.doubts:
            self.doubts.append(why)

    def name(self, roles: Collection[str], name: str) -> None:
        for role in roles:
            known = self.named.get(role)
            if known is not None and name.casefold() not in map(str.casefold, known):
                known.append(name)


def people(text: str, *, sites: Collection[str] = ()) -> People:
    """The people and the agency of a byline, with or without role words and labels.

    ``sites`` are names of the site itself, which is neither a person nor an agency.
    """
    shown = " ".join(text.split())
    found = _Found(shouted=shown.isupper())
    if len(shown) > MAX_BYLINE:
        found.doubt(f"the byline has {len(shown):,} characters; the first {MAX_BYLINE:,} are read")
    own = {site.casefold().strip() for site in sites}
    for roles, value in _segments(_bare(shown[:MAX_BYLINE])):
        _read(found, roles, value, own)
    return People(
        authors=tuple(found.named[AUTHOR]),
        editor=", ".join(found.named[EDITOR]) or None,
        photographers=tuple(found.named[PHOTO]),
        others=tuple(found.named[OTHER]),
        agency=", ".join(dict.fromkeys(found.agencies)) or None,
        outlets=tuple(dict.fromkeys(found.outlets)),
        doubt="; ".join(found.doubts) or None,
    )


def is_byline(text: str) -> bool:
    """Whether a paragraph is a byline and nothing else: short, begun by a role word, and names alone behind it.

    "Sumber: dua pejabat desa menyebut angka lain." is a sentence, "Sumber: Reuters" a byline.
    """
    shown = " ".join(text.split())
    if not shown or len(shown) > MAX_LINE:
        return False
    bare = _bare(shown)
    if not (LABEL.match(bare) or LEAD.match(bare)):
        return False
    if labels(bare) > 1:
        return True
    values = [value for _, value in _segments(bare)]
    return bool(values) and all(map(names_only, values))


def labels(text: str) -> int:
    """How many role words with a colon stand in a line; no sentence has two."""
    return sum(1 for _ in LABEL.finditer(text[:MAX_BYLINE]))


def parted(text: str) -> tuple[str, str]:
    """A line, and the byline that follows on it, "… di sawah. KONTAN/X Reporter: Y"; empty where none does."""
    first = LABEL.search(text[:MAX_BYLINE])
    if first is None or not first.start() or not is_byline(text[first.start() :]):
        return text, ""
    if not roles_of(first["label"]) & {AUTHOR, EDITOR} and labels(text) == 1:
        return text, ""  # "Foto: X" and "Sumber: X" alone are a picture's credit
    return text[: first.start()].strip(), text[first.start() :]


def names_only(value: str) -> bool:
    """Whether a value holds names, titles, agencies and nothing that only a sentence has."""
    parts = _parts(value)
    for part, comma in parts:
        name = _of_house(_undated(_trimmed(_without_brackets(part)[0])))[0]
        known = is_agency(name) or is_staff(name) or (is_outlet(name) and len(name.split()) <= 6)
        if name and not (known or is_name(name) or is_title(name, apposition=comma) or _AT.fullmatch(name)):
            return False
    return bool(parts)


def _bare(text: str) -> str:
    """The line without e-mail addresses, handles, links and what stands around it."""
    mail = re.fullmatch(r"\S+@\S+ \(([^()]+)\)", text)
    if mail:
        return mail[1].strip()
    text = BEHIND_NAME.sub("", TAIL.sub("", text))
    text = " ".join(ADDRESS.sub(" ", BEFORE_HAN.sub(r"\1: ", text)).split())
    while len(text) > 1 and (text[0], text[-1]) in {("(", ")"), ("[", "]")} and not _closes_early(text):
        text = text[1:-1].strip()
    return text.strip(' "“”-–—|/,;')


def _closes_early(text: str) -> bool:
    return text[0] in text[1:-1] or {"(": ")", "[": "]"}[text[0]] in text[1:-1]


def _segments(text: str) -> Iterator[tuple[frozenset[str], str]]:
    """Each role of a line and the text behind it; the text before the first role names authors."""
    labels = list(LABEL.finditer(text))
    first = text[: labels[0].start()] if labels else text
    yield from _led(first)
    for number, label in enumerate(labels):
        end = labels[number + 1].start() if number + 1 < len(labels) else len(text)
        value = text[label.end() : end].strip(" ,;|/-–—")
        roles = roles_of(label["label"])
        lead = LEAD.match(value)
        yield roles, value[lead.end() :] if lead else value


def _led(text: str) -> Iterator[tuple[frozenset[str], str]]:
    """The roles of a line without colons: "By Jane Doe", "Reporting by X; Editing by Y"."""
    leads = list(LEAD.finditer(text))
    first = text[: leads[0].start()] if leads else text
    if first.strip(" ,;|/-–—"):
        yield frozenset({AUTHOR}), first
    for number, lead in enumerate(leads):
        end = leads[number + 1].start() if number + 1 < len(leads) else len(text)
        yield roles_of(lead["label"] or lead["upright"]), text[lead.end() : end]


def _read(found: _Found, roles: frozenset[str], value: str, own: Collection[str]) -> None:
    before: str | None = None
    for part, comma in _parts(value):
        name, inside = _without_brackets(part)
        held = _bracketed(found, inside) if inside else None
        taken = _take(found, held or roles, name, own, before if comma else None)
        before = taken or before


def _take(found: _Found, roles: Collection[str], text: str, own: Collection[str], before: str | None) -> str | None:
    """Take one part for what it is; returns it where it is a person. ``before`` is whose apposition it may be."""
    name = _undated(_trimmed(text))
    others = AND_OTHERS.search(name)
    if others:
        name = name[: others.start()]
        found.doubt("others are meant who are not named")
    if not name:
        return None
    if name.casefold() in own:
        found.outlets.append(name)
    elif is_agency(name, shouted=found.shouted) or (AGENCY in roles and (is_name(name) or is_outlet(name))):
        found.agencies.append(name)
    elif is_staff(name) or is_title(name, apposition=before is not None):
        pass
    elif is_outlet(name) and not _of_house(name)[1]:
        found.outlets.append(name)
    elif (before is not None and _AT.fullmatch(name)) or (before and " " in before and is_place(name)):
        pass
    elif AGENCY in roles:
        found.doubt(f"{name!r} reads like no name of a source, and is left out")
    else:
        return _person(found, roles, name, before)
    return None


def _person(found: _Found, roles: Collection[str], text: str, before: str | None) -> str | None:
    name, house = _of_house(text)
    if house:
        (found.agencies if is_agency(house) else found.outlets).append(house)
    name, title = without_title(name)
    if title:
        found.doubt(f"{title!r} is taken for a title and not for a part of the name")
    if not is_name(name):
        lowered = name.islower() and is_name(name.title()) and len(name) > 4  # shorter ones are initials
        found.doubt(f"{name!r} is written as no name" + ("" if lowered else " and is left out"))
        if not lowered:
            return None
    for doubt in _doubts(name, before, found.shouted):
        found.doubt(doubt)
    found.name(roles, name)
    return name


def _doubts(name: str, before: str | None, shouted: bool) -> Iterator[str]:
    words = name.split()
    if re.search(r" (?:y|e|i|en) ", name):
        yield f"{name!r} may be two people"
    if len(words) == 1 and before is not None:
        yield f"{name!r} may be a place or a part of a name, and not a person"
    if name == "Tim":
        yield "'Tim' may be a team and not a person"
    if len(words) == 1 and name.isupper() and len(name) <= 5 and not shouted and "." not in name:
        yield f"{name!r} may be an organisation"


_HOUSE: Callable[[str], re.Match[str] | None] = re.compile(
    r"(?P<name>.+?),? (?:of|for|from|dari|für|pour|para) (?P<house>(?:the |The )?[^,]+)"
).fullmatch
_AT = re.compile(r"(?:in|aus|from|di|en|à|zurzeit) [^\W\d_]\S*(?: \S+){0,3}")
_IN = re.compile(r" (?:in|di|à|en|a|em) (?P<place>[^\d,]{2,40})$")


def _of_house(text: str) -> tuple[str, str | None]:
    """A name without the place and the house behind it: "Jane Doe in London", "Jane Doe of The Times"."""
    place = _IN.search(text)
    if place and (is_place(place["place"]) or text[place.start() : place.start() + 4] == " in "):
        text = text[: place.start()]
    match = _HOUSE(text)
    if match and is_name(match["name"]) and (is_agency(match["house"]) or is_outlet(match["house"])):
        return match["name"], match["house"]
    return text, None


def _undated(text: str) -> str:
    """A part without the date in it or behind it; empty where the date comes first."""
    dated = None if is_name(text) else DATED.search(text)
    if dated is None:
        return text
    return re.sub(r"[\s,]*(?:\b(?:on|am|vom|le|el|pada))?$", "", text[: dated.start()])


def _bracketed(found: _Found, inside: str) -> Collection[str] | None:
    """The role in brackets behind a name ("Fotos"), or None; an agency there is noted, initials are dropped."""
    roles = roles_of(inside)
    if roles:
        return roles
    for part in re.split(r"\s*[/,&]\s*", re.sub(r"^(?:with|avec|mit|con|dengan|via|dari|from) ", "", inside)):
        if is_agency(part):
            found.agencies.append(part)
        elif is_outlet(part):
            found.outlets.append(part)
        elif not re.fullmatch(r"[^\W\d_]{2,4}|\d+|" + r"she|he|they|her|him|them", part) and not is_place(part):
            found.doubt(f"{part!r} stands in brackets behind a name, and is left out")
    return None


def _without_brackets(part: str) -> tuple[str, str | None]:
    match = re.fullmatch(r"(?P<name>[^()\[\]]*?) [(\[](?P<inside>[^()\[\]]*)[)\]]\.?", part.strip())
    return (match["name"].strip(), match["inside"].strip() or None) if match else (part.strip(), None)


def _trimmed(text: str) -> str:
    """A part without the punctuation around it; the period of a degree or an initial is its own."""
    name = text.strip(' "“”,;:|/-–—*•·')
    last = name.rpartition(" ")[2]
    ends_a_sentence = last.endswith(".") and last.count(".") == 1 and len(last) > 4 and not is_degree(last)
    return name[:-1] if ends_a_sentence else name


def _parts(value: str) -> list[tuple[str, bool]]:
    """The parts of a value that name one each, degrees with their names, and whether a comma stands before it."""
    groups: list[list[int]] = []
    for start, end, comma in _pieces(value):
        if comma and groups and is_degree(value[start:end].strip()):
            groups[-1][1] = end
        else:
            groups.append([start, end, comma])
    return [(value[start:end].strip(), bool(comma)) for start, end, comma in groups]


def _pieces(value: str) -> Iterator[tuple[int, int, bool]]:
    """Where the pieces between separators begin and end, and whether a comma stands before."""
    at, comma = 0, False
    for mark in (SHOUTED_JOINERS if value.isupper() else JOINERS).finditer(value):
        if mark["weak"] and not _parts_people(value[at : mark.start()], value[mark.end() :]):
            continue
        if value[at : mark.start()].strip():
            yield at, mark.start(), comma
            comma = False
        at, comma = mark.end(), mark[0].strip() == ","
    if value[at:].strip():
        yield at, len(value), comma


def _parts_people(before: str, after: str) -> bool:
    """Whether a joining letter ("y", "e", "i") parts two people, and is not inside "José Ortega y Gasset"."""
    if is_title(before):
        return False
    first_of_next = JOINERS.split(after.strip(), maxsplit=1)[0] or ""
    return len(first_of_next.split()) > 1 or len(before.split()) == 1
