"""Pages of many builds, what is true of each, and how a reading of one compares with that.

``fidelity/pages/NAME.html`` is a page as a news system makes it, ``NAME.json`` what is true of it: ``fetched`` is where
it was asked for, ``body`` its paragraphs, ``beside`` what may stand in its text besides (a caption, a standfirst),
``told`` the fields that cannot be known from the page alone, so that a warning must stand on them, ``doubtful`` those
on which one may stand. A day as ``published`` is all that the page says.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lxml import html

from publisher.model import Article
from publisher.model.observed import Problem

PAGES = Path(__file__).resolve().parent.parent / "fidelity" / "pages"
HOME_ZONE = "Asia/Jakarta"
"""The time zone of the installation in tests, for times without one."""

_BLOCKS = frozenset(("p", "li", "pre", "blockquote", "div", "ul", "ol", "dt", "dd", "figure", "figcaption")) | {
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "tr", "td", "th",
}  # fmt: skip
_WORD = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]+")
"""A word; a character where words are not parted by spaces."""

_SLACK = 3
"""Characters that may remain in a block besides its text: the sign that leads back from a footnote."""


@dataclass(frozen=True)
class Build:
    """A page and what is true of it."""

    name: str
    page: bytes
    truth: Mapping[str, Any]

    @property
    def zone(self) -> str:
        """The time zone that holds for this page's times without one."""
        return str(self.truth.get("options", {}).get("timezone", HOME_ZONE))


@dataclass
class Verdict:
    """How a reading compares: the fields that are right, and in words what is wrong and untold, or told for nothing."""

    right: dict[str, bool] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    f1: float = 0.0


def builds() -> list[Build]:
    """All of them, by name."""
    return [
        Build(page.stem, page.read_bytes(), json.loads(page.with_suffix(".json").read_text(encoding="utf-8")))
        for page in sorted(PAGES.glob("*.html"))
    ]


def verdict(build: Build, article: Article | None, origins: Mapping[str, str], problems: Sequence[Problem]) -> Verdict:
    """What is to be said of a reading of that page."""
    truth, found = build.truth, Verdict()
    if article is None:
        found.silent.append(f"no article: {[str(one) for one in problems]}")
        return found
    spoken = {one.field for one in problems}
    for name, value, right in _compared(build, article):
        found.right[name] = right
        told = name in spoken or origins.get(name) == "guessed"
        if not right and value and not told:
            found.silent.append(
                f"{name} is {value!r}, not {truth.get({'images': 'image'}.get(name, name))!r}, and no word of it"
            )
        if right and name in spoken and name not in (*truth.get("told", ()), *truth.get("doubtful", ())):
            said = [one.message for one in problems if one.field == name]
            found.noise.append(f"{name} is right, yet: {said}")
    found.silent += [f"no word on {name}" for name in truth.get("told", ()) if name not in spoken]
    found.body = _body_faults(build, article.body)
    found.f1 = _f1(build, article.body)
    return found


def _compared(build: Build, article: Article) -> list[tuple[str, Any, bool]]:
    truth = build.truth
    picture = next(iter(article.images), None)
    files = [one.url for one in article.attachments]
    plain = [(name, getattr(article, name)) for name in ("url", "title", "editor", "agency", "section")]
    return [
        *((name, value, value == truth.get(name)) for name, value in plain),
        ("authors", list(article.authors), _folded(article.authors) == _folded(truth.get("authors", ()))),
        ("language", article.language, _tongue(article.language) == _tongue(truth.get("language"))),
        ("published", article.published, _is_moment(article.published, truth.get("published"), build.zone)),
        ("updated", article.updated, _is_moment(article.updated, truth.get("updated"), build.zone)),
        ("images", picture, _is_picture(picture, truth.get("image"))),
        ("attachments", files, files == [one["url"] for one in truth.get("attachments", ())]),
    ]


def _folded(names: Sequence[str]) -> list[str]:
    """Names as they are whatever their letters' case: a page that shouts them says the same."""
    return [name.casefold() for name in names]


def _tongue(tag: str | None) -> str | None:
    """A language without its region; Norwegian is one, whichever way it is written."""
    spoken = tag.partition("-")[0] if tag else None
    return "no" if spoken == "nb" else spoken


def _is_moment(value: datetime | None, said: str | None, zone: str) -> bool:
    if value is None or said is None:
        return value is None and said is None
    if len(said) == len("2026-01-31"):
        return value.astimezone(ZoneInfo(zone)).date() == date.fromisoformat(said)
    return value == datetime.fromisoformat(said)


def _is_picture(picture: Any, said: Mapping[str, str] | None) -> bool:
    """Whether it is the picture that is meant; caption and credit where truth names them and the reading has any."""
    if picture is None or said is None:
        return picture is None and said is None
    return all(getattr(picture, name) in (None, value) for name, value in said.items()) and picture.url is not None


def leaves(markup: str) -> list[str]:
    """The texts of a text's blocks, each without that of the blocks within it."""
    texts = [""]
    _gather(html.fragment_fromstring(markup, create_parent="div"), texts)
    return [text for text in texts if text.strip()]


def _gather(node: Any, texts: list[str]) -> None:
    begins = node.tag in _BLOCKS
    if begins:
        texts.append("")
    texts[-1] += ("\n" if node.tag == "br" else "") + (node.text or "")
    for below in node:
        _gather(below, texts)
    if begins:
        texts.append("")
    texts[-1] += node.tail or ""


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _body_faults(build: Build, body: str) -> list[str]:
    """True paragraphs that are missing or altered, and blocks that hold anything else."""
    true = [_squeezed(one) for one in build.truth["body"]]
    beside = [_squeezed(one) for one in build.truth.get("beside", ())]
    blocks = [_squeezed(one) for one in leaves(body)]
    faults = [
        f"missing or altered: {said[:70]}"
        for said, text in zip(build.truth["body"], true, strict=True)
        if not any(text in block for block in blocks)
    ]
    known = sorted((*true, *beside), key=len, reverse=True)
    for block in blocks:
        rest = block
        for text in known:
            rest = rest.replace(text, "", 1)
        if len(rest) > _SLACK:
            faults.append(f"not of the article: {rest[:70]}")
    return faults


def _f1(build: Build, body: str) -> float:
    """How well the words of a text are those of the article's, 1 for all and no other."""
    beside = {_squeezed(one) for one in build.truth.get("beside", ())}
    read = Counter(word for one in leaves(body) if _squeezed(one) not in beside for word in _WORD.findall(one))
    true = Counter(word for one in build.truth["body"] for word in _WORD.findall(one))
    common = (read & true).total()
    return 2 * common / max(1, read.total() + true.total())
