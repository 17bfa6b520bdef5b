"""What of an item counts as its content, and what is only the noise of one reading.

Left out: white space, tracking parameters, cache and signature parts of image addresses, and relative times
("2 menit lalu"). Two readings that differ in these alone have one fingerprint.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from publisher.content import markup_of
from publisher.model.tracking import TRACKING, without_session, without_tracking

FINGERPRINT_VERSION = "3"
"""Raise it when this file, or a parser, reads the same input otherwise: what is stored is then re-read in silence."""

_RENDITION = re.compile(
    r"v|ver|version|t|ts|s|sig|signature|hash|h|w|width|height|q|quality|fit|fm|format|auto|crop|dpr|fill|resize|size"
    r"|impolicy|policy|token|expires|hmac|key-pair-id|x-amz-\w[\w-]*|cb|_",
    re.IGNORECASE,
)
_IMAGE_FILE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg|bmp|tiff?)$", re.IGNORECASE)
# A signature or content hash that stands alone as a path segment, or behind a file's name: photo-3f2a9c1b.jpg.
_HASH_SEGMENT = re.compile(
    r"(?=[^/]*[A-Z])(?=[^/]*[a-z])(?=[^/]*[0-9=])[A-Za-z0-9_-]{16,}={0,2}|(?=[^/]*[a-f])(?=[^/]*[0-9])[0-9a-f]{8,}"
)
_HASH_SUFFIX = re.compile(r"(?<=[^-._])[-._](?=[a-f]*\d)[0-9a-f]{8,}(?=\.\w+$)")

_SMALL = (
    r"detik|menit|jam|seconds?|secs?|minutes?|mins?|hours?|hrs?|sekunden?|minuten?|stunden?|secondes?|minutes?|heures?"
)
_LARGE = (
    r"hari|minggu|pekan|bulan|tahun|days?|weeks?|months?|years?|tag(?:en)?|wochen?|monat(?:en)?|jahr(?:en)?"
    r"|jours?|semaines?|mois|ans?"
)


def _relative(units: str) -> re.Pattern[str]:
    count = rf"(?:\d+|an?|one|se|einer?|einem|une?)\s?(?:{units})"
    # There are seven units. Without a bound a text of counts is gone through to its end from each of them.
    span = rf"{count}(?:[\s,]{{1,3}}{count}){{0,6}}"
    return re.compile(
        rf"\b(?:{span}\s+(?:yang\s+)?lalu|{span}\s+ago|vor\s+{span}|il\s+y\s+a\s+{span}|baru\s+saja|just\s+now)\b",
        re.IGNORECASE,
    )


# "3 jam lalu" is furniture wherever it stands. "30 tahun lalu" may be a fact of the story, so a day and more count as
# furniture only where they are a text of their own.
_RECENTLY = _relative(_SMALL)
_LONG_AGO = _relative(f"{_SMALL}|{_LARGE}")

# One of these stands in whatever the two patterns match. Looking for them first spares most paragraphs a search that
# begins again at each of their characters, and took four fifths of the time that loading a source took.
_HINTS = ("lalu", "ago", "vor ", "il y a ", "baru saja", "just now")

_APART = frozenset({"url", "body", "images", "related", "attachments"})

# The usual context has 28 digits, and two numbers that differ in the 29th would be one.
_EXACT = Context(prec=60)

_URL = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)


def article_fingerprint(data: Mapping[str, Any]) -> str:
    """The fingerprint of an article in its JSON form."""
    return _digest(canonical_article(data))


def indicator_fingerprint(data: Mapping[str, Any]) -> str:
    """The fingerprint of an observation in its JSON form."""
    return _digest(canonical_indicator(data))


def is_current(fingerprint: str) -> bool:
    """Whether the fingerprint was taken by this version, so that it can be compared."""
    return fingerprint.startswith(f"{FINGERPRINT_VERSION}:")


def canonical_article(data: Mapping[str, Any]) -> dict[str, Any]:
    """Each field of an article without noise. The id is left out: it is identity, not content."""
    # Those with rules of their own only have their place taken here.
    found = {key: None if key in _APART else _line(value) for key, value in data.items() if key != "id"}
    found["url"] = _optional(_link, data.get("url"))
    found["body"] = _markup(data.get("body") or "")
    found["images"] = [
        _said({**_line(image), "url": _optional(_image, image.get("url"))}) for image in data.get("images") or ()
    ]
    for key in ("related", "attachments"):
        found[key] = [_said({**_line(link), "url": _optional(_link, link.get("url"))}) for link in data.get(key) or ()]
    # What is not said counts as if there were no such field: articles of before a field came to be stay as they are.
    return _said(found)


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "", [], ())}


def canonical_indicator(data: Mapping[str, Any]) -> dict[str, Any]:
    """Each field of an observation by which it counts as new; numbers by their value, so 2879.2 is 2879.20."""
    found = {key: value for key, value in data.items() if key not in ("symbol", "observed_at")}
    for key in ("value", "change", "percent"):
        if found.get(key) is not None:
            found[key] = format(Decimal(found[key]).normalize(_EXACT), "f")
    return found


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys under which two canonical forms differ, in the order of the item's fields."""
    keys = [*after, *(key for key in before if key not in after)]
    return tuple(key for key in keys if before.get(key) != after.get(key))


def _digest(canonical: dict[str, Any]) -> str:
    written = orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)
    return f"{FINGERPRINT_VERSION}:{hashlib.sha256(written).hexdigest()[:40]}"


def _line(value: Any) -> Any:
    """Text without noise, also in lists and objects; other values unchanged."""
    if isinstance(value, str):
        return _timeless(_squeeze(value))
    if isinstance(value, Mapping):
        return {key: _line(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_line(entry) for entry in value]
    return value


def _timeless(text: str) -> str:
    """Squeezed text without relative times."""
    lower = text.lower()
    for hint in _HINTS:
        if hint in lower:
            return "" if _LONG_AGO.fullmatch(text) else _squeeze(_RECENTLY.sub("", text))
    return text


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _markup(html: str) -> str:
    """HTML with each text and each address in it freed of noise, and without white space beside tags."""
    out: list[str] = []
    for piece in markup_of(_squeeze(html)):
        if not piece.startswith("<"):
            out.append(_timeless(_squeeze(piece)))
        else:
            tag = _squeeze(piece)
            out.append(_URL.sub(_body_url, tag) if "://" in tag else tag)
    return "".join(out)


def _body_url(found: re.Match[str]) -> str:
    url = unescape(found[0])
    return _image(url) if _IMAGE_FILE.search(_path(url)) else _link(url)


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _optional(clean: Callable[[str], str], url: str | None) -> str | None:
    return None if url is None else clean(url)


def _link(url: str) -> str:
    return _without(url)


def _image(url: str) -> str:
    return _without(url, image=True)


def _without(url: str, *, image: bool = False) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    given = parse_qsl(parts.query, keep_blank_values=True)
    if image:
        query = [one for one in given if not (TRACKING.fullmatch(one[0]) or _RENDITION.fullmatch(one[0]))]
    else:
        query = without_tracking(parts.path, given, TRACKING)
    path = _without_hashes(parts.path) if image else without_session(parts.path)
    fragment = "" if image or re.match(r"(?:utm_|xtor|at_|:~:)", parts.fragment) else parts.fragment
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query), fragment))


def _without_hashes(path: str) -> str:
    *folders, file = path.split("/")
    kept = [folder for folder in folders if not _HASH_SEGMENT.fullmatch(folder)]
    return "/".join([*kept, _HASH_SUFFIX.sub("", file)])
