"""Items given as JSON: files of a folder, and what is pushed over the API.

What is wrong with a value is one :class:`~publisher.model.observed.Problem` whose ``field`` is its JSON path. A folder
keeps an article without the fields that were wrong; who takes pushes may refuse it for any error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from pydantic import ValidationError

from publisher.clock import SKEW, rfc3339
from publisher.configfile import explain
from publisher.content import absolute, one_line
from publisher.errors import ReadError
from publisher.jsonbytes import CUT, HALF, halves, load
from publisher.model import Article, Indicator, IndicatorSpec, identity_id
from publisher.model.agreement import contradiction, doubt, misread
from publisher.model.article import LISTS
from publisher.model.base import is_blank
from publisher.model.indicator import decimal_text
from publisher.model.observed import ObservedArticle, Problem
from publisher.model.provenance import Doubt, bounded
from publisher.sources.documents.limits import MAX_ENTRY_KEYS, MAX_FAULTS, MAX_KEYS, MAX_SHOWN, MAX_VALUES
from publisher.sources.forms.tidying import tidied
from publisher.sources.html.body import fragment_blocks, sanitised
from publisher.sources.urls import canonical

# RFC 3339 section 5.6; a number or a time without a zone would have to be guessed at.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,30}(?:\.\d{1,20})?", re.ASCII)
_NEEDED = ("id", "title", "body")
_MOMENTS = ("published", "updated", "as_of", "observed_at")
_DECIMALS = ("value", "change", "percent")

_MEANT = 5
"""Unknown keys of one item for which the nearest known key is named."""


class _Item:
    """One JSON object being read; ``path`` is where it stands in the document."""

    def __init__(
        self, payload: Mapping[str, Any], origin: str, path: str, model: type[Article] | type[Indicator]
    ) -> None:
        self.given = payload
        self.values = dict(payload)
        self.origin = origin
        self.path = path
        self.model = model
        self.problems: list[Problem] = []
        self._faulty: set[str] = set()
        self._untold = 0
        self._unknown = 0

    def fail(self, at: Sequence[str | int], message: str, value: object = None) -> None:
        """Note a fault; the first hundred are told one by one, and :meth:`told` says how many more there were."""
        if len(self.problems) >= MAX_FAULTS:
            self._untold += 1
            return
        place = json_path(at, self.path)
        text = value if isinstance(value, str) else None if value is None else repr(value)
        self._faulty.add(place)
        self.problems.append(Problem(self.origin, message, field=place or None, text=text and text[:MAX_SHOWN]))

    def warn(self, at: Sequence[str | int], message: str, text: str | None = None) -> None:
        """Note what is doubtful, though the item is taken."""
        place = json_path(at, self.path)
        self.problems.append(
            Problem(self.origin, message, field=place, text=text and text[:MAX_SHOWN], severity="warning")
        )

    def told(self) -> list[Problem]:
        """All problems of the item."""
        if not self._untold:
            return self.problems
        message = f"{self._untold:,} more faults are not told; put these right first"
        return [*self.problems, Problem(self.origin, message, field=self.path or None)]

    def bound(self) -> None:
        """Remove what is too much to be checked value by value."""
        unknown = [key for key in self.values if key not in self.model.model_fields]
        if len(unknown) > MAX_KEYS:
            for key in unknown:
                del self.values[key]
            known = ", ".join(self.model.model_fields)
            self.fail((), f"has {len(unknown):,} unknown keys, {unknown[0][:80]!r} the first of them; known: {known}")
        for name in LISTS if self.model is Article else ():
            value = self.values.get(name)
            if isinstance(value, list) and len(value) > MAX_VALUES:
                self.drop((name,), f"has {len(value):,} entries, the limit is {MAX_VALUES:,}", None)
            elif isinstance(value, list):
                self._bound_entries(name, value)

    def _bound_entries(self, name: str, entries: Sequence[object]) -> None:
        for number, entry in enumerate(entries):
            if isinstance(entry, dict) and len(entry) > MAX_ENTRY_KEYS:
                self.drop((name, number), f"has {len(entry):,} keys, the limit is {MAX_ENTRY_KEYS}", None)
                return

    def check(self, *, cut: bool = False) -> None:
        """Remove values that are too much, and those whose type pydantic would guess.

        ``cut``: a text that is cut inside a character is taken without the half.
        """
        self.bound()
        for at in halves(self.values):
            if cut:
                self.warn(at, f"{CUT}; that is left out")
            else:
                self.fail(at, f"{CUT}; send it whole")
        for name in _MOMENTS:
            value = self.values.get(name)
            if value is not None and not (isinstance(value, str) and _RFC3339.fullmatch(value)):
                self.drop((name,), 'is no RFC 3339 time with a zone; write it as "2024-02-08T23:31:00Z"', value)
        for name in _DECIMALS if self.model is Indicator else ():
            value = self.values.get(name)
            if isinstance(value, float):
                self.drop((name,), 'is a JSON float, which has lost its own digits; write it as "95.00"', value)
            elif value is not None and not self._decimal(value):
                self.drop((name,), 'is no plain decimal; write it as "-1.32"', value)

    def drop(self, at: Sequence[str | int], message: str, value: object) -> None:
        """Note a fault, and drop the top-level value that has it."""
        self.fail(at, message, value)
        self.values.pop(str(at[0]), None)

    def validated(self, needed: Sequence[str]) -> Any:
        """The item, without the values that cannot be; None where one of ``needed`` is among them."""
        while True:
            try:
                return self.model.model_validate(self.values)
            except ValidationError as error:
                lost = self._note(error)
                if lost & set(needed):
                    return None

    def _note(self, error: ValidationError) -> set[str]:
        names = set()
        for fault in error.errors(include_url=False):
            at = fault["loc"]
            names.add(str(at[0]))
            missing = fault["type"] == "missing"
            if missing and json_path(at[:1], self.path) in self._faulty:
                continue
            told = len(self.problems) < MAX_FAULTS
            self.fail(at, self._said(fault) if told else "", None if missing or not told else fault["input"])
        for name in names:
            self.values.pop(name, None)
        return names

    def _said(self, fault: Mapping[str, Any]) -> str:
        """A fault in words; what might have been meant is looked for a few times only, since it takes a while."""
        self._unknown += fault["type"] == "extra_forbidden"
        if fault["type"] == "extra_forbidden" and self._unknown > _MEANT:
            return "is not a known key"
        return explain(fault, self.model)

    def _decimal(self, value: object) -> bool:
        if isinstance(value, bool):
            return False
        return isinstance(value, int | Decimal) or (isinstance(value, str) and bool(_DECIMAL.fullmatch(value)))


def json_path(at: Sequence[str | int], start: str = "") -> str:
    """A place in a JSON document: ``images[0].url`` (counted from 0, as JSON does)."""
    text = start + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return text.removeprefix(".").replace(HALF, "\ufffd")


def load_json(body: bytes) -> Any:
    """A JSON document. Raises ReadError that says where it breaks off."""
    try:
        return load(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise ReadError(f"is no JSON: {error}") from error


def read_article_json(
    payload: object,
    *,
    origin: str,
    language: str,
    article_id: str | None = None,
    identity: str | None = None,
    path: str = "",
) -> tuple[ObservedArticle | None, list[Problem]]:
    """One article in the form that the API shows, and what is wrong with it; None where it is refused whole.

    ``article_id`` is a pushed id: the payload may repeat it. Without one the payload's ``id`` counts, then
    ``identity``, then its URL. ``body`` is HTML and sanitised; links in it stand on the article's URL. A text that is
    cut inside a character is a fault in what is pushed, and else a doubt.
    """
    if not isinstance(payload, dict):
        return None, [Problem(origin, "must be an object", field=path or None, text=_excerpt(payload))]
    # What the API shows beside an article comes back with it where somebody changes what they have read.
    payload = {key: value for key, value in payload.items() if key not in ("provenance", "warnings")}
    item = _Item(payload, origin, path, Article)
    url = absolute(payload["url"], None) if isinstance(payload.get("url"), str) else None
    known_as = _known_as(item, article_id, identity, url)
    if known_as is None:
        return None, item.told()
    item.check(cut=article_id is None)
    assumed = _tidy(item, url, language)
    article = item.validated(_NEEDED)
    if article is None:
        return None, item.told()
    _order(item, article)
    problems = item.told()
    own = (Doubt(_within(one.field, path), one.message, one.text) for one in problems)
    origins = {"language": "guessed"} if assumed and article.language else {}
    return ObservedArticle(article, known_as, origin, origins=origins, doubts=bounded(own)), problems


def _known_as(item: _Item, article_id: str | None, identity: str | None, url: str | None) -> str | None:
    """What the article is known by, from which its ``id`` is set; None, and noted, where it may not be known so."""
    given = item.values.get("id")
    if article_id is not None and given not in (None, article_id):
        item.fail(("id",), f'must be "{article_id}" or left out', given)
        return None
    known_as = article_id or given or identity or (canonical(url) if url else None)
    if known_as is None:
        item.fail(("id",), "is missing, and there is no url to know the article by")
        return None
    item.values["id"] = known_as if known_as in (article_id, given) else identity_id(str(known_as))
    return str(known_as)


def _tidy(item: _Item, url: str | None, language: str) -> bool:
    """Put the values into the house's form; whether ``language`` is assumed, since the article names none."""
    if isinstance(title := item.values.get("title"), str):
        item.values["title"] = one_line(title)
    _sanitise(item, url)
    assumed = item.values.get("language") is None
    if assumed:
        item.values["language"] = language
    item.values, doubts = tidied(item.values)
    for one in doubts[:MAX_FAULTS]:
        item.warn(one.at, one.message, one.text)
    return assumed


def _order(item: _Item, article: Article) -> None:
    """Note what is odd about the times by which an article is ordered."""
    place = json_path(("published",), item.path)
    if article.published is None and not any(problem.field == place for problem in item.problems):
        item.warn(("published",), "no date: it is ordered by when it was first seen")
    if article.published and article.updated and article.updated < article.published:
        item.warn(("updated",), "is earlier than published; feeds name the later of the two", item.given["updated"])


def read_indicator_json(
    payload: object,
    *,
    specs: Mapping[str, IndicatorSpec],
    now: datetime,
    origin: str,
    path: str = "",
    written: bool = True,
) -> tuple[Indicator | None, list[Problem]]:
    """One observation ``{symbol, name?, value, change?, percent?, unit?, as_of?, observed_at?}``, and what is wrong.

    Decimals are strings or JSON integers. Name and unit are the registry's where not given, ``observed_at`` is now.
    None where anything is wrong with it (half an observation misleads): where its numbers contradict each other, or a
    time of it is later than now and :data:`~publisher.clock.SKEW`. ``written``: its value was text once, in which a
    separator may be another than it seems. Of one that is taken, what is wrong are warnings.
    """
    if not isinstance(payload, dict):
        return None, [Problem(origin, "must be an object", field=path or None, text=_excerpt(payload))]
    item = _Item(payload, origin, path, Indicator)
    item.check()
    spec = specs.get(str(payload.get("symbol")))
    _complete(item, spec, now)
    indicator = item.validated(tuple(Indicator.model_fields))
    if indicator is None or item.problems:
        return None, item.told()
    _not_to_come(item, indicator, now)
    _agreeing(item, indicator, spec, written=written)
    refused = any(one.severity == "error" for one in item.problems)
    return None if refused else indicator, item.told()


def _complete(item: _Item, spec: IndicatorSpec | None, now: datetime) -> None:
    """Fill in what the registry knows, and the time."""
    symbol, name = str(item.given.get("symbol")), item.values.get("name")
    if name is None or (isinstance(name, str) and is_blank(name)):
        # One without a symbol is refused for that; that it has no name either would only distract.
        item.values["name"] = spec.name if spec else "?" if is_blank(symbol) else symbol
    if item.values.get("unit") is None and spec:
        item.values["unit"] = spec.unit
    if item.values.get("observed_at") is None:
        item.values["observed_at"] = now


def _not_to_come(item: _Item, found: Indicator, now: datetime) -> None:
    """Note a time that has not come: it would keep every later observation from being the newest."""
    for name in ("as_of", "observed_at"):
        moment = getattr(found, name)
        if moment is not None and moment > now + SKEW:
            message = f"lies in the future (it is {rfc3339(now)}); give the time when the value held, or leave it out"
            item.fail((name,), message, rfc3339(moment))


def _agreeing(item: _Item, found: Indicator, spec: IndicatorSpec | None, *, written: bool) -> None:
    """Note numbers that contradict each other, and what else is odd about an observation."""
    wrong = contradiction(found.value, found.change, found.percent)
    if wrong:
        item.fail(("percent",), wrong, decimal_text(found.percent) if found.percent is not None else None)
    odd = doubt(found.value, found.change, found.percent)
    if odd:
        item.warn(("change",), odd)
    if spec and written:
        odd = misread(found.value, found.change, found.percent, spec.decimals)
        if odd:
            item.warn(("value",), odd)
    if spec and spec.unit and found.unit and found.unit != spec.unit:
        item.warn(("unit",), f'is "{found.unit}", and that of this indicator is "{spec.unit}"; it is taken as given')


def _sanitise(item: _Item, url: str | None) -> None:
    body = item.values.get("body")
    if isinstance(body, str):
        try:
            found = sanitised(fragment_blocks(body), url)
        except ReadError as error:
            item.drop(("body",), str(error), body[:200])
            return
        item.values["body"] = found.html
        for note in found.notes:
            item.warn(("body",), note)


def _within(place: str | None, path: str) -> str | None:
    """A place in the document as one in the item that stands at ``path``."""
    return place and place.removeprefix(path).removeprefix(".")


def _excerpt(value: object) -> str:
    return repr(value)[:200]
