"""The kind ``json``: articles and indicators in JSON over HTTP, taken from where a mapping says they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from publisher.configfile import Zone
from publisher.content import absolute
from publisher.errors import ReadError
from publisher.locale import DateOrder, LocaleName, known_locale, parse_datetime, says_nothing, without_arrow
from publisher.model import Indicator
from publisher.model.base import Frozen, Language
from publisher.model.indicator import decimal_text
from publisher.model.observed import Batch, ObservedArticle, Problem
from publisher.sources.base import PAGE_LIMIT, GoneAfter, HoldAbove, Limit, Response, Source, as_list
from publisher.sources.feeds import people
from publisher.sources.feeds.entry import Entry
from publisher.sources.fetching.request import get, moved, unreadable, validators, web_address
from publisher.sources.forms.cells import misplaced_percent, other_currency, other_way
from publisher.sources.forms.notation import Notation
from publisher.sources.html.body import escaped, plain
from publisher.sources.json.mapping import (
    ArticleMap,
    IndicatorMap,
    ValueRule,
    entries,
    exact_number,
    load,
    moment,
    texts,
)
from publisher.sources.json.pushed import read_article_json, read_indicator_json
from publisher.sources.parsed import Parsed
from publisher.sources.reading import silence
from publisher.sources.urls import addresses, identifying, with_scheme

_READ_OTHERWISE = frozenset((
    "items", "id", "url", "title", "summary", "body", "authors", "topics", "images", "published", "updated",
))  # fmt: skip
_LINES = tuple(name for name in ArticleMap.model_fields if name not in _READ_OTHERWISE)
"""Values of an article that are one line, taken as it stands."""

_NUMBERS = ("value", "change", "percent")


class JsonOptions(Frozen):
    """The keys of JSON over HTTP. ``limit`` is in bytes.

    ``articles`` and ``indicators`` are tables, or lists of tables, that say where they stand. ``locale`` is that of
    numbers and dates that are written as text, by default the site's language; ``timezone`` that of dates that name
    none. ``identity``: what an article
    is known by, ``url`` or the ``id`` of the mapping; each stands in for the other. ``headers`` are sent along.
    ``complete``: all articles that there are stand in it, so that one that is not there any more is withdrawn.
    """

    url: str
    articles: Annotated[tuple[ArticleMap, ...], BeforeValidator(as_list)] = ()
    indicators: Annotated[tuple[IndicatorMap, ...], BeforeValidator(as_list)] = ()
    limit: Limit = PAGE_LIMIT
    headers: dict[str, str] = Field(default_factory=dict)
    locale: LocaleName | None = None
    timezone: Zone | None = None
    date_order: DateOrder | None = None
    language: Language = None
    identity: Literal["url", "id"] = "url"
    complete: bool = False
    gone_after: GoneAfter = 3
    hold_above: HoldAbove = 0.3

    pace: ClassVar[frozenset[str]] = frozenset(("complete", "gone_after", "hold_above"))

    _web = field_validator("url")(web_address)

    @field_validator("headers")
    @classmethod
    def _sendable(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():  # RFC 9110, sections 5.1 and 5.5
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not (
                text.isprintable() and text == text.strip()
            ):
                raise ValueError(f'"{name}" is no header of HTTP, or its value is not one line of text')
        return value

    @model_validator(mode="after")
    def _maps(self) -> JsonOptions:
        if not self.articles and not self.indicators:
            raise ValueError('reads nothing; add a table "[source.articles]" or "[source.indicators]"')
        return self


class JsonSource(Source):
    """Reads one document. The bookmark keeps ``etag``, ``last_modified``, a digest of it and its ``symbols``."""

    kind: ClassVar[str] = "json"
    origin: ClassVar[str] = "json"
    Options = JsonOptions
    options: JsonOptions

    async def read(self, bookmark: Mapping[str, Any]) -> Batch:
        """Everything that the mapping finds; nothing where the document is the one read last. Raises FetchError."""
        response = await get(self.context, self.options.url, bookmark, self.options.limit, self.options.headers)
        digest = sha256(response.body).hexdigest()[:32]
        if response.status == 304:
            return self._unchanged(bookmark)
        remembered: dict[str, Any] = {**validators(response), "digest": digest}
        if bookmark.get("digest") == digest:
            kept = {key: bookmark[key] for key in ("symbols",) if key in bookmark}
            return self._unchanged({**remembered, **kept, "ids": bookmark.get("ids", [])})
        try:
            found = await self.context.parse(
                "json",
                response.body,
                indicators=bool(self.options.indicators),
                url=response.url,
                content_type="",
                options=self.options.model_dump(mode="json", exclude={"headers"}),  # they may hold a secret
            )
        except ReadError as error:
            raise unreadable(error, response.status) from error
        articles = {one.article.id: one for one in found.articles}
        if self.options.complete:
            remembered["ids"] = sorted(articles)
        symbols, lost = silence.lost_rows(
            bookmark.get("symbols", ()), found.indicators, found.problems, self.options.url
        )
        if symbols:
            remembered["symbols"] = symbols
        problems = [*moved(response, self.options.url), *found.problems, *lost]
        return self._batch(articles, found.indicators, problems, remembered, frozenset(articles))

    def _unchanged(self, bookmark: Mapping[str, Any]) -> Batch:
        batch = self._batch({}, [], [], bookmark, frozenset(bookmark.get("ids", ())))
        return replace(batch, unchanged=True)

    def parse(self, document: Response) -> Parsed:
        """What a document holds, where the mapping says it stands. Raises ReadError."""
        found = load(document.body)
        problems: list[Problem] = []
        articles: dict[str, ObservedArticle] = {}
        for rules in self.options.articles:
            for number, item in enumerate(entries(found, rules.items)):
                one = self._article(item, rules, number, document.url, problems)
                if one and one.article.id in articles:
                    problems.append(Problem(one.origin, "stands twice; the first is taken", text=one.identity))
                elif one:
                    articles[one.article.id] = one
        return Parsed(list(articles.values()), self._indicators(found, problems), problems)

    def _indicators(self, document: Any, problems: list[Problem]) -> list[Indicator]:
        notation = Notation(self._locale)
        indicators: dict[str, Indicator] = {}
        for table in self.options.indicators:
            for number, item in enumerate(entries(document, table.items)):
                found = self._indicator(item, table, number, notation, problems)
                if found and found.symbol in indicators:
                    problems.append(Problem(self.options.url, "stands twice; the first is taken", text=found.symbol))
                elif found:
                    indicators[found.symbol] = found
        # Who writes one number in another way writes all so: what may be a thousand times as much is not published.
        for symbol in notation.uncertain & indicators.keys():
            origin = f"{self.options.url} {symbol}"
            problems.append(Problem(origin, notation.doubt(symbol), field="value", text=notation.text(symbol)))
            del indicators[symbol]
        for symbol in sorted(notation.supposed & indicators.keys()) if self.options.locale is None else ():
            origin, text = f"{self.options.url} {symbol}", notation.text(symbol)
            problems.append(Problem(origin, notation.supposition(symbol), field="value", text=text, severity="warning"))
        return list(indicators.values())

    @property
    def _locale(self) -> str:
        """How numbers and dates in text are written."""
        try:
            return self.options.locale or str(known_locale(self.context.language))
        except ReadError:
            return "en"

    def _batch(
        self,
        articles: Mapping[str, ObservedArticle],
        indicators: list[Indicator],
        problems: list[Problem],
        bookmark: Mapping[str, Any],
        listed: frozenset[str],
    ) -> Batch:
        # An item that could not be read may be one that is known: then nothing is taken for gone, and all read again.
        whole = self.options.complete and not any(one.severity == "error" for one in problems)
        return Batch(
            tuple(articles.values()),
            tuple(indicators),
            tuple(problems),
            bookmark if whole or not self.options.complete else {},
            listed=listed if whole else None,
            gone_after=self.options.gone_after,
            hold_above=self.options.hold_above,
        )

    def _article(
        self, value: Any, rules: ArticleMap, number: int, base: str, problems: list[Problem]
    ) -> ObservedArticle | None:
        written = _first(value, rules.url) or ""
        meant = with_scheme(written, base)
        url = absolute(meant, base)
        key = _first(value, rules.id)
        link = identifying(url) if url else None
        identity = (link or key) if self.options.identity == "url" else (key or link)
        origin = f"{self.options.url} {link or key or f'item {number}'}"
        if not identity:
            problems.append(Problem(origin, "has neither url nor id to know it by"))
            return None
        if written and (url is None or meant != written):
            scheme = base.partition(":")[0]
            said = f"has no scheme; {scheme} is taken" if url else "is no address that can be kept; left out"
            problems.append(Problem(origin, said, field="url", text=written, severity="warning"))
        item = _Item(value, origin, self.options, self._locale, self.context.timezone, problems)
        payload: dict[str, Any] = {"url": url, "body": item.body(rules.body)}
        payload |= {name: item.line(getattr(rules, name), name) for name in ("title", "summary")}
        payload |= {name: _first(value, getattr(rules, name)) for name in _LINES}
        payload |= {name: item.moment(getattr(rules, name), name) for name in ("published", "updated")}
        payload["topics"] = list(dict.fromkeys(texts(value, rules.topics)))
        payload |= item.people(rules.authors, payload)
        pictures = (absolute(one, base) for one in texts(value, rules.images))
        payload["images"] = [{"url": one} for one in dict.fromkeys(pictures) if one]
        given = {name: one for name, one in payload.items() if one is not None}
        if self.options.language:
            given.setdefault("language", self.options.language)
        found, faults = read_article_json(given, origin=origin, language=self.context.language, identity=identity)
        problems += faults
        known_by = addresses(url) if url and identity == link else ()
        return found and replace(found, identity=identity, key=key, addresses=known_by)

    def _indicator(
        self, value: Any, rules: IndicatorMap, number: int, notation: Notation, problems: list[Problem]
    ) -> Indicator | None:
        symbol = _first(value, rules.symbol) or ""
        symbol = rules.symbols.get(symbol, symbol)
        origin = f"{self.options.url} {symbol or f'item {number}'}"
        faults: list[Problem] = []
        item = _Item(value, origin, self.options, self._locale, self.context.timezone, faults)
        payload: dict[str, Any] = {"symbol": symbol}
        payload |= {name: _first(value, getattr(rules, name)) for name in ("name", "unit")}
        payload["as_of"] = item.moment(rules.as_of, "as_of")
        if rules.as_of and _first(value, rules.as_of) is None:
            said = f'nothing stands at "{rules.as_of.path}" of the item: it counts as of when it was read'
            faults.append(Problem(origin, said, field="as_of", severity="warning"))
        payload |= {name: item.number(getattr(rules, name), name, notation.of(symbol)) for name in _NUMBERS}
        spec = self.context.indicators.get(symbol)
        item.compare_ways(rules, payload)
        item.compare_units(rules, payload["unit"] or (spec.unit if spec else None))
        problems += faults
        if any(one.severity == "error" for one in faults):
            return None  # half an observation misleads
        given = {name: one for name, one in payload.items() if one is not None}
        specs = self.context.indicators
        found, faults = read_indicator_json(
            given, specs=specs, now=self.context.now(), origin=origin, written=exact_number(value, rules.value) is None
        )
        problems += faults
        return found


@dataclass(frozen=True, slots=True)
class _Item:
    """One item being read; a value that cannot be read is None, and noted."""

    value: Any
    origin: str
    options: JsonOptions
    locale: str
    timezone: str
    problems: list[Problem]

    def body(self, rule: ValueRule) -> str | None:
        """Markup as it is, text as paragraphs."""
        text = _first(self.value, rule)
        if text is None or rule.html is not False:
            return text
        return escaped([part for part in text.split("\n\n") if part.strip()])

    def line(self, rule: ValueRule | None, name: str) -> str | None:
        """Text as it is, markup as the text in it."""
        text = _first(self.value, rule)
        if text is None or rule is None or not rule.html:
            return text
        try:
            return plain(text)
        except ReadError as error:
            self._fault(name, error, text)
            return None

    def people(self, rule: ValueRule | None, given: Mapping[str, Any]) -> dict[str, Any]:
        """The authors; also an editor and an agency that stand among them, where they are not given themselves."""
        entry = Entry()
        people.take(texts(self.value, rule), entry, None)
        self.problems.extend(
            Problem(self.origin, one.message, field=one.field, text=one.text, severity="warning") for one in entry.notes
        )
        others = {"editor": entry.editor, "agency": entry.agency}
        return {"authors": entry.authors} | {name: one for name, one in others.items() if one and not given.get(name)}

    def moment(self, rule: ValueRule | None, name: str) -> str | None:
        """A date in RFC 3339."""
        text = _first(self.value, rule)
        if text is None or rule is None:
            return None
        own = rule.timezone or self.options.timezone
        zone = own or self.timezone
        try:
            read = moment(rule, text, zone, assumed=own is None) or parse_datetime(
                text, self.locale, zone, order=self.options.date_order, assumed=own is None
            )
        except ReadError as error:
            self._fault(name, error, text)
            return None
        if read.warning:
            self.problems.append(Problem(self.origin, read.warning, field=name, text=text, severity="warning"))
        return read.value.isoformat().replace("+00:00", "Z")

    def number(self, rule: ValueRule | None, name: str, read: Callable[[str], Decimal]) -> str | None:
        """JSON's own number as it is, text as ``read`` does; None where a change or percent is said to be unknown."""
        if rule is None:
            return None
        text = _first(self.value, rule)
        exact = exact_number(self.value, rule)
        if exact is not None or text is None or (name != "value" and says_nothing(text)):
            return exact
        try:
            return decimal_text(read(without_arrow(text, self.locale)[0] if name == "value" else text))
        except ReadError as error:
            self._fault(name, error, text)
            return None

    def compare_ways(self, rules: IndicatorMap, payload: Mapping[str, str | None]) -> None:
        """Note an arrow beside the value that says another direction than the change."""
        value = _first(self.value, rules.value)
        if payload["value"] is None:
            return
        moved = [None if payload[name] is None else Decimal(str(payload[name])) for name in ("change", "percent")]
        wrong = other_way(value, self.locale, *moved)
        if wrong:
            self.problems.append(Problem(self.origin, wrong, field="value", text=value))

    def compare_units(self, rules: IndicatorMap, unit: str | None) -> None:
        """Note what signs beside the numbers say against the unit."""
        cells = {name: _first(self.value, getattr(rules, name)) for name in _NUMBERS}
        for name in _NUMBERS:
            wrong = misplaced_percent(name, cells, unit)
            if wrong:
                self.problems.append(Problem(self.origin, wrong, field=name, text=cells[name]))
        other = other_currency(cells["value"], unit)
        if other:
            self.problems.append(Problem(self.origin, other, field="value", text=cells["value"], severity="warning"))

    def _fault(self, name: str, error: ReadError, text: str | None) -> None:
        self.problems.append(Problem(self.origin, str(error), field=name, text=text))


def _first(item: Any, rule: ValueRule | None) -> str | None:
    return next(iter(texts(item, rule)), None)
