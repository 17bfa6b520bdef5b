"""Dates as mail and RSS write them: RFC 822, 850, 2822 and 5322 with their obsolete forms."""

from __future__ import annotations

import re

from publisher.locale.lexicon import is_day, is_month, lexicon
from publisher.locale.parts import Said, a_clock, a_day
from publisher.locale.zones import DOUBTFUL, ZONES

_DATE = re.compile(
    r"(?:(?P<weekday>[^\W\d_][^\d_,]{0,15}?)\.?(?P<comma> ?, ?| ))?(?P<d>\d{1,2})[ -](?P<month>[^\W\d_]{3,10})\.?,?[ -]"
    r"(?P<y>\d{4}|1?\d\d),? (?P<h>\d{1,2}) ?: ?(?P<mi>\d\d)(?: ?: ?(?P<s>\d\d)(?:\.(?P<f>\d{1,9}))?)?"
    r"(?: ?(?P<zone>[^\d ].*))?"
)
_OFFSET = re.compile(r"[+-]\d{4}|[+-]\d\d:\d\d|(?:gmt|utc) ?[+-]\d{1,2}(?::?\d\d)?", re.IGNORECASE)
# Generators fill in the names of their own language; these mean the same month in all that have them.
_ELSEWHERE = {
    1: "ene gen janv januari", 2: "fev fév peb pebruari februari févr", 3: "mär mrt maart maret mac mars", 4: "abr avr",
    5: "mei mai mag maj", 6: "giu juni juin", 7: "lug juil juli", 8: "ago agu agt ags aug agustus août aout ogos",
    9: "set", 10: "okt ott out oktober", 11: "nop nopember", 12: "des dez dic dis desember déc",
}  # fmt: skip
_MONTHS = {name: number for number, names in _ELSEWHERE.items() for name in names.split()}
_WEEKDAYS = {
    0: "sen senin mon mo lun lunes lundi maandag ma seg isnin",
    1: "sel selasa die di mar martes mardi dinsdag ter",
    2: "rab rabu mi mit mié mie miércoles mer mercredi woensdag wo qua",
    3: "kam kamis do don jue jueves jeu jeudi gio donderdag qui khamis",
    4: "jum jumat jum'at fr fre vie viernes ven vendredi vrijdag vr sex jumaat",
    5: "sab sabtu sa sam sáb sábado samedi zaterdag za",
    6: "min minggu ahad so son dom domingo dim dimanche zondag zo",
}  # fmt: skip
_COMMENTED_ZONE = re.compile(r"[A-Z]{2,5}|(?:GMT|UTC) ?[+-]\d{1,2}(?::?\d\d)?")
_MILITARY = re.compile(r"[A-IK-Ya-ik-y]")
"""Zones of one letter. RFC 822 had their signs wrong, so RFC 5322 (4.3) wants them taken for an unknown zone: UTC."""


def read_mail(text: str) -> Said | None:
    """What a date of mail says; None where the text is none.

    To be one it has a weekday with a comma, or a zone. Raises ReadError for a day or a time that cannot be.
    """
    bare, comments = _without_comments(text)
    match = _DATE.fullmatch(bare) if bare else None
    if match is None or not (match["comma"] or match["zone"]):
        return None
    zone = (match["zone"] or "").strip()
    numeric = zone[:1] in ("+", "-")
    if numeric and not match["s"] and (":" in zone or bare[match.start("zone") - 1] != " "):
        return None  # "08:00-09:30" may be a range
    month = _month(match["month"].casefold(), foreign=numeric)
    if month is None or (zone and not _is_zone(zone)) or (not zone and "," not in (match["comma"] or "")):
        return None
    said = Said(a_day(_year(match["y"]), month, match["d"]), a_clock(match["h"], match["mi"], match["s"], match["f"]))
    said.zone = zone or None
    said.beside = [comment for comment in comments if _COMMENTED_ZONE.fullmatch(comment)]
    if not zone and said.beside:
        said.zone, said.beside = said.beside[0], said.beside[1:]
    elif _MILITARY.fullmatch(zone):
        said.offset, said.zone = 0, None
        said.warnings.append(f"the zone {zone} of one letter is not certain: UTC is taken")
    elif not zone and any(map(re.compile(r"\d").search, comments)):
        return None
    known = not match["weekday"] or _weekday_fits(match["weekday"], said)
    return said if known or ("," in match["comma"] and numeric) else None


def _is_zone(written: str) -> bool:
    folded = written.casefold()
    known = folded in ZONES or folded in DOUBTFUL
    return bool(known or _OFFSET.fullmatch(written) or _MILITARY.fullmatch(written))


def _year(written: str) -> int:
    """RFC 2822, section 4.3: two digits from 00 to 49 are of this century, other two and three count from 1900."""
    year = int(written)
    return year + 2000 if len(written) == 2 and year < 50 else year + 1900 if len(written) < 4 else year


def _month(name: str, *, foreign: bool) -> int | None:
    sign = lexicon("en").signs.get(name, "")
    found = is_month(sign) if len(sign) == 1 else None
    return found if found is not None or not foreign else _MONTHS.get(name)


def _weekday_fits(name: str, said: Said) -> bool:
    """Whether a weekday is one that is known; a warning where it is another than the day's, or not known."""
    folded, right = name.casefold().strip(". "), said.day.weekday()
    sign = lexicon("en").signs.get(folded, "")
    day = is_day(sign) if len(sign) == 1 else None
    known = {number for number, names in _WEEKDAYS.items() if folded in names.split()} | ({day} - {None})
    if not known:
        said.warnings.append(f"{name!r} is no weekday that is known here; it was not compared with the date")
    elif right not in known:
        said.warnings.append(f"{said.day.isoformat()} is a {said.day:%A}, the text says {name}")
    return bool(known)


def _without_comments(text: str) -> tuple[str, list[str]]:
    """The text without its comments, which may stand anywhere and nest, and they; an empty text where one is open."""
    kept, comments, depth, quoted = [], list[str](), 0, False
    for character in text:
        if depth and quoted:
            comments[-1] += character
            quoted = False
        elif depth and character == "\\":
            quoted = True
        elif character == "(":
            depth += 1
            comments += [""] if depth == 1 else []
            kept.append(" ")
        elif character == ")" and depth:
            depth -= 1
        elif depth:
            comments[-1] += character
        else:
            kept.append(character)
    return ("" if depth else " ".join("".join(kept).split())), comments
