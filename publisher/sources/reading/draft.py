"""What one document gave, before it has an identity: fields, indicators, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from publisher.configfile import in_words
from publisher.content import one_line
from publisher.errors import ReadError
from publisher.locale import parse_datetime
from publisher.model import Article, Indicator, IndicatorSpec
from publisher.model.agreement import contradiction
from publisher.model.article import LISTS
from publisher.model.observed import ObservedArticle, Problem
from publisher.sources.documents.limits import MAX_VALUES
from publisher.sources.forms.cells import doubts, read_cells
from publisher.sources.forms.tidying import tidied
from publisher.sources.profiles.profile import HtmlProfile, Profile, TextProfile, Ticker


@dataclass(slots=True)
class Reading:
    """One document being read. ``fields`` are those of an article but its id, None where there is no article.

    ``origins`` says where fields came from that no rule of the profile found, ``symbols`` of which indicators a row was
    read. ``assumed``: the profile's time zone is only the installation's.
    """

    origin: str
    profile: Profile
    fields: dict[str, Any] | None = None
    indicators: list[Indicator] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)
    assumed: bool = False

    def error(self, message: str, name: str | None = None, text: str | None = None) -> None:
        """Note what could not be read."""
        self.problems.append(Problem(self.origin, message, field=name, text=text))

    def warn(self, message: str, name: str | None = None, text: str | None = None) -> None:
        """Note what was read but is doubtful."""
        self.problems.append(Problem(self.origin, message, field=name, text=text, severity="warning"))

    def left_out(self, notes: Iterable[str]) -> None:
        """Note what cleaning left out of the text, though the article is taken."""
        for note in notes:
            self.warn(note, "body")

    def moment(self, name: str, text: str | None) -> datetime | None:
        """A date as the profile's locale means it; None, and noted, where it cannot be read."""
        if text is None:
            return None
        try:
            read = parse_datetime(
                text,
                self.profile.locale,
                self.profile.timezone,
                order=self.profile.date_order,
                zones=self.profile.zone_minutes,
                assumed=self.assumed,
            )
        except ReadError as error:
            self.error(str(error), name, text)
            return None
        if read.warning:
            self.warn(read.warning, name, text)
        return read.value

    def complete(self, fields: dict[str, Any]) -> None:
        """Take an article's fields, unless what makes it an article is missing."""
        fields = {**fields, "title": one_line(fields.get("title") or "")}
        for name in ("title", "body"):
            if not fields.get(name):
                rules = rules_of(self.profile, f"[article] {name}")
                self.error(f"no {name}: the article is refused" + (f"; {rules} found nothing" if rules else ""), name)
                return
        if fields.get("published") is None and not any(one.field == "published" for one in self.problems):
            self.warn("no date: it is ordered by when it was first seen", "published")
        for name in LISTS:
            if len(fields.get(name) or ()) > MAX_VALUES:
                self.warn(f"{len(fields[name]):,} of them; the first {MAX_VALUES:,} are taken", name)
                fields[name] = fields[name][:MAX_VALUES]
        self.fields = fields


def rules_of(profile: Profile, name: str) -> str:
    """The rules of a profile for ``[article] title``, ``[article] body`` or ``[ticker] rows``; empty without any."""
    found: list[str | None] = []
    if isinstance(profile, HtmlProfile):
        if name == "[ticker] rows" and profile.ticker:
            found = [profile.ticker.rows]
        elif name == "[article] title" and profile.article:
            found = [rule.select for rule in profile.article.title]
        elif name == "[article] body" and profile.article:
            found = list(profile.article.body.select)
    elif isinstance(profile, TextProfile):
        if name == "[ticker] rows" and profile.ticker:
            found = [profile.ticker.row]
        elif name == "[article] title" and profile.article:
            found = [rule.pattern or rule.after or rule.before for rule in profile.article.title]
        elif name == "[article] body" and profile.article:
            found = [*profile.article.body.after, *profile.article.body.start]
    return ", ".join(f'"{one}"' for one in found if one)


def add_row(
    reading: Reading,
    ticker: Ticker,
    row: str,
    cells: Mapping[str, str | None],
    *,
    specs: Mapping[str, IndicatorSpec],
    now: datetime,
) -> None:
    """One row of a ticker as an indicator, or as a problem that says which column is missing or unreadable.

    A row whose numbers contradict each other is a problem, too.
    """
    symbol = (cells.get("symbol") or "").strip()
    symbol = ticker.symbols.get(symbol, symbol)
    where = f"ticker {symbol}" if symbol else "ticker"
    missing = [column for column in ticker.columns if not (cells.get(column) or "").strip()]
    if missing:
        reading.error(f"the row has no {' and no '.join(missing)}; it is left out", where, row)
        return
    if symbol in reading.symbols:
        reading.error("stands twice in the ticker; the first row is taken", where, row)
        return
    spec = specs.get(symbol)
    try:
        found = _observation(symbol, cells, spec, reading.profile.locale, now)
    except ReadError as error:
        reading.error(f"{error}; the row is left out", where, row)
        return
    for odd in doubts(found, cells, spec):
        reading.warn(odd, where, row)
    reading.indicators.append(found)
    reading.symbols.add(symbol)


def _observation(
    symbol: str, cells: Mapping[str, str | None], spec: IndicatorSpec | None, locale: str, now: datetime
) -> Indicator:
    """What a row says. Raises ReadError.

    The time of reading is all that is known of when it held: a page's date is its article's.
    """
    known = {"name": spec.name, "unit": spec.unit} if spec else {"name": symbol}
    numbers = read_cells(cells, locale, spec.unit if spec else None)
    try:
        found = Indicator.model_validate({"symbol": symbol, "observed_at": now, **known, **numbers})
    except ValidationError as error:
        raise ReadError(in_words(error.errors()[0])) from error
    wrong = contradiction(found.value, found.change, found.percent)
    if wrong:
        raise ReadError(wrong)
    return found


def valid_article(fields: dict[str, Any], note: Callable[[str, str, str], None]) -> Article | None:
    """The article of these fields. ``note`` is told of each value that no article can have (its field, what is wrong,
    the value), which is then taken out of ``fields``; None where there is no article without it.
    """
    while True:
        try:
            return Article.model_validate(fields)
        except ValidationError as error:
            fault = error.errors()[0]
            name = str(fault["loc"][0])
            note(name, in_words(fault), str(fault["input"]))
            if name in ("id", "title", "body") or name not in fields:
                return None
            del fields[name]


def observed(reading: Reading, article_id: str, identity: str) -> ObservedArticle | None:
    """The article under its id; None where there is none. A value that no article can have is noted and left out."""
    if reading.fields is None:
        return None
    fields, doubts = tidied(reading.fields)
    for doubt in doubts:
        reading.warn(doubt.message, str(doubt.at[0]), doubt.text)
    fields = {"id": article_id, **fields}
    article = valid_article(fields, lambda name, message, text: reading.error(message, name, text))
    if article is None:
        return None
    default = "text" if reading.profile.kind == "text" else "profile"
    origins = {name: reading.origins.get(name, default) for name, value in fields.items() if value and name != "id"}
    return ObservedArticle(article, identity, reading.origin, origins=origins)
