"""A profile: how a site's pages (``kind = "html"``) or text dumps (``kind = "text"``) are read.

It is data: selectors, patterns, and the site's conventions. ``config/profiles/NAME.toml`` of the installation is taken
before the profile of that name that ships with the program. ``docs`` has the recipe; ``kontan.toml`` is an example.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, field_validator

from publisher.configfile import TomlFile, Zone, nearest, read_toml
from publisher.content import absolute
from publisher.errors import ConfigErrors, ReadError
from publisher.locale import DateOrder, LocaleName, known_locale
from publisher.model.base import Frozen, LanguageTag
from publisher.sources.profiles.patterns import Pattern, Selector

SHIPPED = Path(__file__).resolve().parent / "shipped"
FOLDER = "config/profiles"
COLUMNS = ("symbol", "value", "change", "percent")

# Raised when the reading code takes the same page otherwise, so that it makes a new baseline and no events.
READER_VERSION = 2


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


def _as_rule(value: object) -> object:
    return {"select": value} if isinstance(value, str) else value


def _as_line_rule(value: object) -> object:
    return {"pattern": value} if isinstance(value, str) else value


def _as_dateline(value: object) -> object:
    if isinstance(value, bool):
        return {} if value else None
    return {"pattern": value} if isinstance(value, str) else value


class Rule(Frozen):
    """Where a value stands in a page: the text, or the ``attribute``, of what ``select`` finds.

    ``pattern`` takes a part of it: its group ``value``, else its first group. A bare string is a selector.
    """

    select: Selector
    attribute: str | None = None
    pattern: Pattern | None = None


class LineRule(Frozen):
    """Where a value stands in a text dump; a bare string is a pattern.

    ``pattern``: the first line that matches, or its group. ``after`` or ``before``: the next line with text after
    (the last before) the first line that matches; ``pattern`` then takes a part of that.
    """

    pattern: Pattern | None = None
    after: Pattern | None = None
    before: Pattern | None = None

    @field_validator("before")
    @classmethod
    def _one_place(cls, value: str | None, info: Any) -> str | None:
        if value is not None and info.data.get("after") is not None:
            raise ValueError('stands beside "after"; a rule has one of the two')
        return value


Rules = Annotated[tuple[Annotated[Rule, BeforeValidator(_as_rule)], ...], BeforeValidator(_as_list)]
"""One rule or several; the first that finds something counts."""

LineRules = Annotated[tuple[Annotated[LineRule, BeforeValidator(_as_line_rule)], ...], BeforeValidator(_as_list)]
Selectors = Annotated[tuple[Selector, ...], BeforeValidator(_as_list)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_as_list)]


class Byline(Frozen):
    """Who wrote it: a paragraph before or after the text that matches ``line`` and names people is no part of it.

    Bylines are read as newsrooms write them. Where a site's own words need it, ``patterns`` with the groups
    ``authors``, ``editor`` and ``agency`` find the values; ``separator`` is what alone parts its authors.
    """

    line: Pattern
    patterns: Patterns = ()
    separator: Pattern | None = None


class DatelineRule(Frozen):
    """How the place before the first sentence is found; ``true`` finds it as newsrooms write it.

    ``after`` is the house's own mark before it. A bare string is ``pattern``: its group ``dateline`` is the place.
    """

    after: Pattern | None = None
    pattern: Pattern | None = None


DatelineRules = Annotated[DatelineRule | None, BeforeValidator(_as_dateline)]


class Caption(Frozen):
    """How a caption is taken apart: ``label`` is dropped, and a credit in one of the forms of credits is apart.

    Where a site's own form needs it, ``credit`` patterns have the groups ``caption`` and ``credit``; where none of them
    matches, all of it is the caption.
    """

    label: Pattern | None = None
    credit: Patterns = ()


class HtmlBody(Frozen):
    """The text of an article in a page.

    ``end_comment``: what follows the HTML comment with this text is left out. ``junk``: elements left out.
    ``junk_text``: paragraphs left out where one of these patterns matches.
    """

    select: Selectors
    end_comment: str | None = None
    junk: Selectors = ()
    junk_text: Patterns = ()


class HtmlImage(Caption):
    """Illustrations: every ``select``; within each the address and the caption."""

    select: Selector
    url: Rules = (Rule(select="img", attribute="src"),)
    caption: Rules = ()


class HtmlArticle(Frozen):
    """An article in a page. Values that a byline holds need no rule."""

    title: Rules
    body: HtmlBody
    summary: Rules = ()
    published: Rules = ()
    updated: Rules = ()
    section: Rules = ()
    authors: Rules = ()
    editor: Rules = ()
    agency: Rules = ()
    topics: Rules = ()
    byline: Byline | None = None
    dateline: DatelineRules = None
    image: HtmlImage | None = None
    related: Rules = ()


class HtmlIndex(Frozen):
    """The lists of the site: ``links`` finds the links to its articles, or what they stand in."""

    links: Selectors


class TextBody(Frozen):
    """The text of an article in a dump: one paragraph per line with text.

    It begins after the first line that matches one of ``after``, or with the first that matches one of ``start``; it
    ends before a line that matches one of ``end``. Lines that match one of ``junk`` are left out.
    """

    after: Patterns = ()
    start: Patterns = ()
    end: Patterns = ()
    junk: Patterns = ()


class TextImage(Caption):
    """An illustration without an address: its caption is the first line that matches ``line``."""

    line: Pattern


class TextArticle(Frozen):
    """An article in a text dump. Values that a byline holds need no rule."""

    title: LineRules
    body: TextBody
    summary: LineRules = ()
    published: LineRules = ()
    updated: LineRules = ()
    section: LineRules = ()
    byline: Byline | None = None
    dateline: DatelineRules = None
    image: TextImage | None = None
    related: Patterns = ()


class Ticker(Frozen):
    """Indicators in rows. ``pattern`` has the groups symbol, value, change and percent of a row's text.

    ``columns`` are what each row must have: a row that misses one is a problem and left out. ``symbols`` gives a
    site's own symbol the name it has here.
    """

    columns: tuple[Literal["symbol", "value", "change", "percent"], ...] = ("symbol", "value")
    symbols: dict[str, str] = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _needed(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not {"symbol", "value"} <= set(value):
            raise ValueError('must name "symbol" and "value"; a row without them says nothing')
        return value


class HtmlTicker(Ticker):
    """Rows that ``rows`` selects, read by ``pattern`` or by a rule for each column."""

    rows: Selector
    pattern: Pattern | None = None
    symbol: Rules = ()
    value: Rules = ()
    change: Rules = ()
    percent: Rules = ()


class TextTicker(Ticker):
    """Rows are the lines that match ``row``, from the line after ``after`` to the line before ``end``."""

    row: Pattern
    pattern: Pattern
    after: Pattern | None = None
    end: Pattern | None = None


class Profile(Frozen):
    """What both kinds have in common.

    ``base_url`` is what relative links stand on. ``date_order`` is needed where a site writes 8/2/2024: ``dmy``,
    ``mdy``, ``ymd``, or ``locale`` for the order of its locale. ``zones`` are zone abbreviations of its own, as
    ``"+07:00"``.
    """

    kind: Literal["html", "text"]
    base_url: str
    locale: LocaleName
    timezone: Zone
    language: LanguageTag
    date_order: DateOrder | None = None
    zones: dict[str, str] = Field(default_factory=dict)

    @field_validator("base_url")
    @classmethod
    def _web(cls, value: str) -> str:
        if absolute("/", value) is None:
            raise ValueError(f'"{value}" is no absolute http or https URL')
        return value

    @field_validator("zones")
    @classmethod
    def _offsets(cls, value: dict[str, str]) -> dict[str, str]:
        for name, offset in value.items():
            if not re.fullmatch(r"[+-](?:0\d|1[0-4]):[0-5]\d", offset):
                raise ValueError(f'"{offset}" of {name} is no offset; write it as "+07:00"')
        return value

    @property
    def zone_minutes(self) -> dict[str, int]:
        """``zones`` in minutes east of UTC."""
        return {
            name: int(f"{offset[0]}1") * (int(offset[1:3]) * 60 + int(offset[4:]))
            for name, offset in self.zones.items()
        }

    @property
    def digest(self) -> str:
        """A digest of everything that shapes what is read."""
        written = f"{READER_VERSION}\n{self.model_dump_json()}"
        return hashlib.sha256(written.encode()).hexdigest()[:32]


class HtmlProfile(Profile):
    """How pages are read; one without ``article`` or without ``ticker`` has none. ``index`` is for lists of pages."""

    kind: Literal["html"]
    index: HtmlIndex | None = None
    article: HtmlArticle | None = None
    ticker: HtmlTicker | None = None


def conventions(url: str, language: str, timezone: str) -> HtmlProfile:
    """How the dates of a page are read that no profile describes and that names its own language."""
    try:
        known_locale(language)
        locale = language
    except ReadError:
        locale = "en"
    return HtmlProfile(kind="html", base_url=url, locale=locale, timezone=timezone, language=language)


class TextProfile(Profile):
    """How text dumps are read; one without ``article`` or without ``ticker`` has none."""

    kind: Literal["text"]
    article: TextArticle | None = None
    ticker: TextTicker | None = None


def load_profile(name: str, home: Path) -> HtmlProfile | TextProfile:
    """The profile of that name. Raises ReadError if there is none, ConfigError or ConfigErrors for what is wrong."""
    own = home / FOLDER / f"{name}.toml"
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) and own.is_file():
        return parse_profile(read_toml(own, f"{FOLDER}/{name}.toml"))
    return shipped_profile(name, profile_names(home))


def shipped_profile(name: str, others: Iterable[str] = ()) -> HtmlProfile | TextProfile:
    """The profile of that name that ships; raises ReadError, which also knows of ``others``, if there is none."""
    shipped = SHIPPED / f"{name}.toml"
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) and shipped.is_file():
        return parse_profile(read_toml(shipped, f"{name}.toml (shipped)"))
    known = {*others, *(path.stem for path in SHIPPED.glob("*.toml"))}
    raise ReadError(f'there is no profile "{name}" in {FOLDER}; {nearest(name, known)}')


@lru_cache(maxsize=64)
def profile_of(written: bytes) -> HtmlProfile | TextProfile:
    """A profile in its JSON form. Raises ValidationError."""
    return _PROFILE.validate_json(written)


_PROFILE: TypeAdapter[HtmlProfile | TextProfile] = TypeAdapter(
    Annotated[HtmlProfile | TextProfile, Field(discriminator="kind")]
)


def profile_names(home: Path) -> list[str]:
    """The names of all profiles, the installation's own and those that ship."""
    return sorted({path.stem for folder in (home / FOLDER, SHIPPED) for path in folder.glob("*.toml")})


def parse_profile(file: TomlFile) -> HtmlProfile | TextProfile:
    """A profile that was read from a file. Raises ConfigErrors with everything that is wrong in it."""
    kinds: dict[str, type[HtmlProfile | TextProfile]] = {"html": HtmlProfile, "text": TextProfile}
    kind = file.data.get("kind")
    model = kinds.get(kind) if isinstance(kind, str) else None
    if model is None:
        said = f'"{kind}" is no kind of profile' if kind is not None else "is missing"
        raise ConfigErrors([file.error(f'{said}; write "html" for pages or "text" for text dumps', ("kind",))])
    try:
        profile = model.model_validate(file.data)
    except ValidationError as fault:
        raise ConfigErrors(list(file.errors(fault, model))) from fault
    if profile.article is None and profile.ticker is None:
        raise ConfigErrors([file.error('reads nothing; add a table "[article]" or "[ticker]"')])
    return profile
