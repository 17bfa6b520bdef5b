"""The language of a page: what it says, and what is to be said where it contradicts itself.

It is never guessed: a page that names none has none. Which of two names is right, its most common words tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from publisher.sources.html.unprofiled.evidence import Claim, word_set

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_SAME = {"in": "id", "iw": "he", "ji": "yi", "nb": "no", "nn": "no", "cmn": "zh", "tl": "fil"}
_PROGRAMS = frozenset(("und", "zxx", "mul", "www", "utf"))
_WORD = re.compile(r"[^\W\d_]+")
READ = 20_000
"""Characters of the text that are looked at."""

_COMMON = {
    "af": "die en van het nie dat wat hy vir met word",
    "cs": "a se na je že to v s pro jako jsem ale",
    "da": "og i at det er en til på som ikke af for",
    "de": "der die und in den das mit von ist nicht auf ein",
    "en": "the of and to in that is for was with on said",
    "es": "de la que el en los del las por una para con",
    "fi": "ja on ei että se oli hän myös kun mutta ovat",
    "fr": "de la le et les des en du une que pour dans",
    "hu": "a az és hogy nem egy is meg volt ez csak",
    "id": "yang dan di dengan untuk dari pada ini itu tidak dalam akan",
    "it": "di che la il e per un della del non una con",
    "ms": "yang dan di dengan untuk daripada pada ini itu tidak dalam ialah",
    "nl": "de het een van en in dat niet op zijn met voor",
    "no": "og i det på som er en til av for at med",
    "pl": "w i na nie z się że do to jest jak po",
    "pt": "de que e o do da em um para não uma os",
    "ro": "de în și a la cu pe nu din că este care",
    "sv": "och i att det som en på är av för med den",
    "tl": "ang ng sa mga na ay at para hindi kay",
    "tr": "ve bir bu için de da ile olarak çok daha olan",
    "vi": "và của các là trong có được cho không một với",
}
_COMMON_WORDS = {tag: frozenset(text.split()) for tag, text in _COMMON.items()}
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)
_ALSO = {
    "ar": word_set("fa ur ps ckb ug sd"),
    "ru": word_set("uk bg sr mk be kk ky mn tg"),
    "hi": word_set("mr ne sa"),
    "he": word_set("yi"),
    "id": word_set("ms jv su"),
    "ms": word_set("id"),
    "tl": word_set("fil"),
    "no": word_set("da"),
    "da": word_set("no"),
}
"""Languages that are not told apart here."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The language that is taken, None where the page names none, and what is doubtful about it."""

    claim: Claim | None
    doubt: str | None = None


def tag(text: str | None) -> str | None:
    """A language tag as pages write them (``en_US``, ``de-DE``); None where it is not one."""
    named = (text or "").strip().replace("_", "-").partition(",")[0].partition(".")[0].strip()
    return named if _TAG.fullmatch(named) and named.lower() not in _PROGRAMS else None


def decide(claims: Sequence[Claim], text: str) -> Spoken:
    """The language of a page by what it claims, the most trusted first, and by its text where that disagrees."""
    named = [Claim(found, one.origin) for one in claims if (found := tag(one.value))]
    if not named:
        return Spoken(None)
    read = reads_like(text)
    kinds = list(dict.fromkeys(primary(one.value) for one in named))
    fitting = next((one for one in named if read is not None and _fits(primary(one.value), read)), None)
    taken = fitting or _most_claimed(named)
    if len(kinds) > 1:
        said = ", ".join(f"{one.value} ({one.origin})" for one in named)
        return Spoken(taken, f"the page names different languages: {said}; {taken.value} is taken")
    if read is not None and fitting is None:
        return Spoken(taken, f"the page names {taken.value}, its text reads like {read}")
    return Spoken(taken)


def _most_claimed(named: list[Claim]) -> Claim:
    counted = [primary(one.value) for one in named]
    return max(named, key=lambda one: counted.count(primary(one.value)))


def primary(tag: str) -> str:
    """The language of a tag without region and script, old codes as new ones."""
    first = tag.partition("-")[0].lower()
    return _SAME.get(first, first)


def _fits(named: str, read: str) -> bool:
    return named == read or named in _ALSO.get(read, ()) or named not in {*_COMMON, *(one for one, _ in _SCRIPTS)}


def reads_like(text: str) -> str | None:
    """The language whose common words or script the text is full of; None where that is not plain."""
    text = text[:READ]
    letters = sum(character.isalpha() for character in text)
    if letters < 120:
        return None
    for language, script in _SCRIPTS:
        share = len(script.findall(text)) / letters
        if share > 0.3 or (language == "ja" and share > 0.1):
            return language
    found = [word.lower() for word in _WORD.findall(text)]
    counts = sorted(
        ((sum(word in common for word in found), name) for name, common in _COMMON_WORDS.items()), reverse=True
    )
    (most, language), (second, other) = counts[0], counts[1]
    if other in _ALSO.get(language, ()):
        second = counts[2][0]
    return language if most >= max(12, len(found) * 0.08, second * 1.5) else None
