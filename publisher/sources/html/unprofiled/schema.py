"""What a node of schema.org says of an article, field by field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from publisher.content import absolute
from publisher.model import Attachment, Image
from publisher.sources.forms.credits import credited
from publisher.sources.html.unprofiled.evidence import alike, distinct, text_value
from publisher.sources.html.unprofiled.jsonld import Graph, Node, listed, named

_SIZE = re.compile(r"(\d{1,5})(?:\.0+)?(?: ?px)?", re.ASCII)
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII | re.IGNORECASE)


def headline(nodes: Sequence[Node]) -> str | None:
    """The first headline, else the first name."""
    return first(nodes, "headline") or first(nodes, "name")


def first(nodes: Sequence[Node], *names: str) -> str | None:
    """The first text that one of the nodes has under one of the names."""
    return next(
        (text for node in nodes for name in names for one in listed(node.get(name)) if (text := _text(one))), None
    )


def _text(value: Any) -> str | None:
    """A text, or that of a value object (JSON-LD 1.1 section 4.3): ``{"@value": "…", "@language": "id"}``."""
    return text_value(value.get("@value") if isinstance(value, dict) else value)


def dates(nodes: Sequence[Node], name: str) -> list[str]:
    """The times that the first node gives under a name that has it, then those of others with the same headline: a
    live blog's parts have times of their own. Seconds since 1970 may be a number.
    """
    found: list[str] = []
    whose: str | None = None
    for node in nodes:
        own = [str(one) if type(one) is int else _text(one) for one in listed(node.get(name))]
        if not found:
            found, whose = distinct(own), headline([node])
        elif alike(headline([node]), whose):
            found += distinct(own)
    return found


def body(nodes: Sequence[Node]) -> str | None:
    """The longest text of the article, as it stands."""
    texts = [text for node in nodes if isinstance(text := node.get("articleBody") or node.get("reviewBody"), str)]
    return max(texts, key=len, default="").strip() or None


def is_paid(nodes: Sequence[Node]) -> bool:
    """Whether a node says that not everybody may read all of the article."""
    return any(str(node.get("isAccessibleForFree")).rpartition("/")[2].lower() == "false" for node in nodes)


def language(nodes: Sequence[Node]) -> str | None:
    """The language that a node says it is in: a tag."""
    found = (named(one, "alternateName", "@id", "name") for node in nodes for one in listed(node.get("inLanguage")))
    return next((one for one in found if one), None)


def section(graph: Graph, nodes: Sequence[Node]) -> str | None:
    """The first section; the last of a list is the narrowest, yet newsrooms put their own first."""
    return next(
        (text for node in nodes for one in graph.values(node, "articleSection") if (text := named(one, "name"))), None
    )


def topics(graph: Graph, nodes: Sequence[Node]) -> list[str]:
    """Keywords, apart where one text holds several."""
    for node in nodes:
        found = [one for value in graph.values(node, "keywords") for one in _keywords(value)]
        if found:
            return distinct(found)
    return []


def _keywords(value: Any) -> list[str | None]:
    if isinstance(value, str):
        return [text_value(part) for part in re.split(r"[,;،、，]", value)]
    return [named(value, "name")]


def people(graph: Graph, nodes: Sequence[Node], name: str) -> list[tuple[str, bool]]:
    """The names under ``author`` or another property, each with whether it says that it is an organization."""
    for node in nodes:
        found = []
        for value in graph.values(node, name):
            for one in value.get("@list", [value]) if isinstance(value, dict) else [value]:
                for text in _names(one):
                    kinds = [str(kind) for kind in listed(one.get("@type"))] if isinstance(one, dict) else []
                    found.append((text, any("Organization" in kind for kind in kinds)))
        if found:
            return list(dict.fromkeys(found))
    return []


def _names(value: Any) -> list[str]:
    """The names of one node, which is one person's unless it has a list of them."""
    several = value.get("name") if isinstance(value, dict) else None
    if isinstance(several, list):
        return distinct(named(one, "name") for one in several)
    text = named(value, "name") or _given(value)
    return [text] if text else []


def _given(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    return " ".join(filter(None, (named(value, "givenName"), named(value, "familyName")))) or None


def images(graph: Graph, nodes: Sequence[Node], base: str) -> list[Image]:
    """Pictures with what is said of them; those of the first node that has any."""
    for node in nodes:
        found = [image for one in graph.values(node, "image") if (image := _image(graph, one, base))]
        found = found or [image for url in listed(node.get("thumbnailUrl")) if (image := _image(graph, url, base))]
        if found:
            return list({one.url: one for one in reversed(found)}.values())[::-1]
    return []


def _image(graph: Graph, value: Any, base: str) -> Image | None:
    url = absolute(named(value, "url", "contentUrl", "@id"), base)
    if not url:
        return None
    if not isinstance(value, dict):
        return Image(url=url)
    owners = [one for key in ("creator", "author", "copyrightHolder") for one in graph.values(value, key)]
    credit = named(value, "creditText") or next(filter(None, (named(one, "name") for one in owners)), None)
    credit = credit or named(value, "copyrightNotice")
    caption = named(value, "caption", "description")
    if caption and not credit:  # it often ends in one
        found = credited(caption)
        caption, credit = found.caption, found.credit
    return Image(
        url=url,
        caption=caption,
        credit=credit,
        type=named(value, "encodingFormat"),
        width=size(value.get("width")),
        height=size(value.get("height")),
    )


def size(value: Any) -> int | None:
    """Pixels; None where it is not one."""
    if isinstance(value, dict):
        value = value.get("value")
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, str | int | float) else None
    pixels = int(match[1]) if match else 0
    return pixels if 1 <= pixels <= 100_000 else None


def attachments(graph: Graph, nodes: Sequence[Node], base: str) -> list[Attachment]:
    """Recordings that the article holds: files, not the pages of players."""
    found: dict[str, Attachment] = {}
    for node in nodes:
        for name, kind in (("audio", "audio"), ("video", "video"), ("associatedMedia", ""), ("encoding", "")):
            for one in graph.values(node, name):
                url = absolute(named(one, "contentUrl"), base) if isinstance(one, dict) else None
                if url and (kind or re.search("Audio|Video", " ".join(map(str, listed(one.get("@type")))))):
                    found.setdefault(url, _attachment(one, url))
    return list(found.values())


def _attachment(value: Node, url: str) -> Attachment:
    length = str(value.get("contentSize") or "").strip()
    return Attachment(
        url=url,
        type=named(value, "encodingFormat"),
        length=int(length) if re.fullmatch(r"[0-9]{1,15}", length) else None,
        duration=seconds(named(value, "duration")),
    )


def seconds(text: str | None) -> float | None:
    """A duration of ISO 8601 (``PT1M30S``) in seconds; None where it is not one."""
    match = _DURATION.fullmatch(text or "")
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    return total if total <= 10_000_000 else None
