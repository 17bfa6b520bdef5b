"""Language tags in their one canonical form (RFC 5646 section 4.5), and the ranges that select by them (RFC 4647)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from publisher.model.subtags import DEPRECATED, EXTENDED, LANGUAGES, REGIONS, REGISTERED, SHORT, WHOLE

ANY = "*"
"""The range that includes every tag."""

_LONGEST = 64
# What POSIX writes behind a locale: "id_ID.UTF-8", "de_DE@euro"; and in what letters: "sr_RS@latin".
_CHARSET = re.compile(r"[.@].*", re.DOTALL)
_LETTERS = {"@latin": "latn", "@cyrillic": "cyrl", "@devanagari": "deva"}
# RFC 5646 section 2.1, from the language on; a private use tag stands alone.
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?P<extended>(?:-[a-z]{3}){0,3})(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|[0-9]{3}))?(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?P<extensions>(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*)(?P<private>-x(?:-[a-z0-9]{1,8})+)?"
)
_PRIVATE = re.compile(r"x(?:-[a-z0-9]{1,8})+")
_BOTH = frozenset(("mnp", "pse"))
"""Extended languages that are spelt as a country of three letters."""
_PRIVATE_REGION = re.compile("q[m-z]|x[a-z]")
_LONG_REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]{4})?-([a-z]{3})(?=-|$)")


@lru_cache(maxsize=4096)
def canonical_tag(text: str) -> str | None:
    """The canonical tag of a language, however it is written; None where it is not one.

    ``in`` is ``id``, ``eng`` is ``en``, ``zh_hans_cn`` is ``zh-Hans-CN``, ``en-UK`` is ``en-GB``. A code of two letters
    that no language has is none: ``jp`` is a country.
    """
    lower = _CHARSET.sub("", text.strip()).replace("_", "-").lower() if len(text) <= 4 * _LONGEST else ""
    if not lower.isascii() or len(lower) > _LONGEST:
        return None
    language, *others = lower.split("-")
    if letters := next((code for end, code in _LETTERS.items() if text.strip().lower().endswith(end)), None):
        others.insert(0, letters)
    lower = "-".join([LANGUAGES.get(language, language), *others])
    if (whole := WHOLE.get(lower)) is not None:
        return whole
    if _PRIVATE.fullmatch(lower):
        return lower
    found = _TAG.fullmatch(_short_region(lower))
    return None if found is None else _written(found)


def language_ranges(tag: str | None) -> frozenset[str]:
    """Every range that a tag is in, in lower case (RFC 4647 section 3.3.1): ``en-GB`` is in ``en-gb``, ``en``, ``*``.

    An item that names no language, or none that there is, is in no range.
    """
    canonical = canonical_tag(tag) if tag else None
    if canonical is None:
        return frozenset()
    parts = canonical.lower().split("-")
    return frozenset("-".join(parts[:count]) for count in range(1, len(parts) + 1)) | {ANY}


def range_of(text: str) -> str | None:
    """A basic language range as it is compared: ``*``, or a tag in lower case; None where it is not one."""
    if text.strip() == ANY:
        return ANY
    canonical = canonical_tag(text)
    return None if canonical is None else canonical.lower()


def _short_region(tag: str) -> str:
    """The tag with a country of three letters as RFC 5646 has it: ``en-usa`` is ``en-us``."""
    found = _LONG_REGION.match(tag)
    language = tag.partition("-")[0]
    if found is None or language == "sgn" or (language in EXTENDED and found[1] in _BOTH):
        return tag
    short = REGIONS.get(found[1])
    return tag if short is None else f"{tag[: found.start(1)]}{short}{tag[found.end(1) :]}"


def _written(found: re.Match[str]) -> str | None:
    language, extended, region = found["language"], found["extended"], found["region"]
    if extended:
        # An extended language is a language of its own, and its code alone is the canonical one.
        if language not in EXTENDED or extended.count("-") > 1:
            return None
        language = LANGUAGES.get(extended[1:], extended[1:])
    if len(language) == 2 and language not in SHORT:
        return None
    language = DEPRECATED.get(language, language)
    variants = found["variants"].split("-")[1:]
    extensions = sorted(_extensions(found["extensions"]))
    if len(set(variants)) < len(variants) or len({one[0] for one in extensions}) < len(extensions):
        return None
    parts = [
        language,
        (found["script"] or "").title(),
        _region(language, region or ""),
        *variants,
        *extensions,
        (found["private"] or "")[1:],
    ]
    return "-".join(part for part in parts if part)


def _region(language: str, code: str) -> str:
    """The region as it is written; empty where it is not one: who writes ``en-EN`` or ``uk-UK`` means the language."""
    short = "" if language == code == "uk" else REGIONS.get(code, code)
    known = not short.isalpha() or short in REGISTERED or _PRIVATE_REGION.fullmatch(short)
    return short.upper() if known else ""


def _extensions(text: str) -> Iterator[str]:
    """``-u-ca-buddhist-t-it`` as ``u-ca-buddhist`` and ``t-it``."""
    return (one[0] for one in re.finditer(r"(?<=-)[0-9a-wy-z](?:-[a-z0-9]{2,8})+", text))
