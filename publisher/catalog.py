"""``config/`` and ``feeds/`` read into definitions, with every error at once.

Each source kind checks its own keys. A file that cannot be read hides no other file's errors: what depends on it is
left unjudged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from publisher.configfile import Cron, Duration, TomlFile, Zone, explain, nearest, read_toml
from publisher.errors import ConfigError, ConfigErrors, PublisherError
from publisher.model import FeedDefinition, IndicatorSpec
from publisher.model.facets import fold
from publisher.sources import KINDS, kind_for
from publisher.sources.base import Source
from publisher.sources.profile import Profile, load_profile

SOURCES = "config/sources.toml"
INDICATORS = "config/indicators.toml"
FEEDS = "feeds"

REGISTRY = Path(__file__).parent / "registry" / "indicators.toml"
"""The indicators that ship with the program; an installation without a file of its own knows these."""

PUSHED = "api"
"""The built-in source of what is pushed; no other may have its name."""

NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
EVERY = 60.0
"""How often a source is read that says neither ``every`` nor ``cron``."""


@dataclass(frozen=True, slots=True)
class SourceDefinition:
    """One table of ``config/sources.toml``. Exactly one of ``every`` (seconds) and ``cron`` is set."""

    name: str
    kind: type[Source]
    options: BaseModel
    profile: Profile | None = None
    every: float | None = EVERY
    cron: str | None = None
    backfill: Literal["quiet", "push"] = "quiet"

    @property
    def profile_digest(self) -> str:
        """A digest of how the source is read; where it changes, what it gives is a new baseline."""
        profile = self.profile.digest if self.profile else ""
        written = f"{self.kind.kind}\n{profile}\n{self.options.model_dump_json()}"
        return hashlib.sha256(written.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every definition of an installation; indicators by symbol, feeds by name."""

    sources: tuple[SourceDefinition, ...]
    feeds: Mapping[str, FeedDefinition]
    indicators: Mapping[str, IndicatorSpec]


class _SourceTable(BaseModel):
    """The keys that every kind of source has; the others are the kind's own."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(pattern=NAME)]
    kind: str
    profile: str | None = None
    every: Duration | None = None
    cron: Cron | None = None
    backfill: Literal["quiet", "push"] = "quiet"


class _IndicatorTable(IndicatorSpec):
    timezone: Zone = "Asia/Jakarta"


def load(home: Path) -> Catalog:
    """The definitions of the installation at ``home``; raises ConfigErrors with everything that is wrong in them."""
    reading = _Reading(home)
    indicators = reading.indicators()
    sources = reading.sources()
    feeds = reading.feeds()
    if reading.errors:
        raise ConfigErrors(reading.errors)
    return Catalog(tuple(sources), feeds, indicators)


class _Reading:
    """One reading of an installation; gathers its errors.

    ``source_names`` and ``symbols`` are None where their file could not be read: then no feed is blamed for them.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.errors: list[ConfigError] = []
        self.source_names: set[str] | None = None
        self.symbols: set[str] | None = None

    def indicators(self) -> dict[str, IndicatorSpec]:
        own = self.home / INDICATORS
        file = self._file(own, INDICATORS) if own.is_file() else read_toml(REGISTRY, "indicators.toml (shipped)")
        if file is None:
            return {}
        found: dict[str, IndicatorSpec] = {}
        slugs: dict[str, str] = {}
        for number, table in self._tables(file, "indicator"):
            try:
                spec = IndicatorSpec(**_IndicatorTable.model_validate(table).model_dump())
            except ValidationError as fault:
                self.errors += file.errors(fault, IndicatorSpec, ("indicator", number))
                continue
            if spec.symbol in found:
                self._say(file, f'"{spec.symbol}" is defined twice', "indicator", number, "symbol")
            elif spec.slug in slugs:
                self._say(file, f'"{spec.slug}" is also that of {slugs[spec.slug]}', "indicator", number, "slug")
            else:
                found[spec.symbol] = spec
                slugs[spec.slug] = spec.symbol
        self.symbols = _written(file, "indicator", "symbol")
        return found

    def sources(self) -> list[SourceDefinition]:
        file = self._file(self.home / SOURCES, SOURCES)
        if file is None:
            return []
        found: dict[str, SourceDefinition] = {}
        for number, table in self._tables(file, "source"):
            definition = self._source(file, number, table)
            if definition is not None and definition.name in found:
                self._say(file, f'"{definition.name}" is defined twice', "source", number, "name")
            elif definition is not None:
                found[definition.name] = definition
        self.source_names = _written(file, "source", "name")
        return list(found.values())

    def _source(self, file: TomlFile, number: int, table: Mapping[str, Any]) -> SourceDefinition | None:
        before = len(self.errors)
        try:
            common = _SourceTable.model_validate(table)
        except ValidationError as fault:
            self.errors += file.errors(fault, _SourceTable, ("source", number))
            common = None
        if table.get("name") == PUSHED:
            self._say(file, f'"{PUSHED}" is the built-in source of what is pushed', "source", number, "name")
        if "every" in table and "cron" in table:
            self._say(file, 'stands beside "every"; a source has one of the two', "source", number, "cron")
        if common is not None and common.every is not None and common.every < 0.1:
            self._say(file, 'is too often; "100ms" is the least', "source", number, "every")
        kind = self._kind(file, number, table.get("kind"))
        own = {key: value for key, value in table.items() if key not in _SourceTable.model_fields}
        options = self._options(file, number, kind, own) if kind else None
        profile = self._profile(file, number, table.get("profile"))
        if len(self.errors) > before or common is None or kind is None or options is None:
            return None
        every = common.every if common.cron is None else None
        return SourceDefinition(
            name=common.name,
            kind=kind,
            options=options,
            profile=profile,
            every=EVERY if every is None and common.cron is None else every,
            cron=common.cron,
            backfill=common.backfill,
        )

    def _kind(self, file: TomlFile, number: int, name: object) -> type[Source] | None:
        if not isinstance(name, str):
            return None  # said by the table's own check
        try:
            return kind_for(name)
        except (PublisherError, ImportError, AttributeError, TypeError, ValueError, KeyError) as error:
            reason = (
                f'"{name}" cannot be used: {error}' if ":" in name else f'"{name}" is no kind; {nearest(name, KINDS)}'
            )
            self._say(file, reason, "source", number, "kind")
            return None

    def _options(self, file: TomlFile, number: int, kind: type[Source], own: Mapping[str, Any]) -> BaseModel | None:
        try:
            return kind.Options.model_validate(own)
        except ValidationError as fault:
            for one in fault.errors():
                reason = explain(one, kind.Options)
                if one["type"] == "extra_forbidden" and len(one["loc"]) == 1:
                    known = {*kind.Options.model_fields, *_SourceTable.model_fields}
                    reason = f'is not a known key of the kind "{kind.kind}"; {nearest(str(one["loc"][0]), known)}'
                self._say(file, reason, "source", number, *one["loc"])
            return None

    def _profile(self, file: TomlFile, number: int, name: object) -> Profile | None:
        if not isinstance(name, str):
            return None
        try:
            return load_profile(name, self.home)
        except ConfigErrors as errors:
            self.errors += errors.errors
        except ConfigError as error:
            self.errors.append(error)
        except PublisherError as error:
            self._say(file, str(error), "source", number, "profile")
        return None

    def feeds(self) -> dict[str, FeedDefinition]:
        found: dict[str, FeedDefinition] = {}
        for path in sorted((self.home / FEEDS).glob("*.toml")):
            file = self._file(path, f"{FEEDS}/{path.name}")
            if file is None:
                continue
            if "name" in file.data:
                self._say(file, "is not a key here; a feed is named by its file", "name")
                continue
            try:
                feed = FeedDefinition.model_validate({**file.data, "name": path.stem})
            except ValidationError as fault:
                self.errors += self._feed_faults(file, path.stem, fault)
                continue
            self._selects_what_exists(file, feed)
            found[feed.name] = feed
        return found

    def _feed_faults(self, file: TomlFile, name: str, fault: ValidationError) -> Iterator[ConfigError]:
        for error in file.errors(fault, FeedDefinition):
            if error.key != "name":
                yield error
                continue
            near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "news"
            yield ConfigError(file.name, f'"{name}" cannot stand in a URL; name the file "{near}.toml"')

    def _selects_what_exists(self, file: TomlFile, feed: FeedDefinition) -> None:
        if self.source_names is not None:
            self._known(file, "sources", feed.select.sources, {*self.source_names, PUSHED}, "source")
        if self.symbols is not None:
            self._known(file, "symbols", feed.select.symbols, self.symbols, "indicator")

    def _known(self, file: TomlFile, key: str, chosen: Iterable[str], known: Collection[str], noun: str) -> None:
        folded = set(map(fold, known))
        for one in chosen:
            if fold(one) not in folded:
                self._say(file, f'"{one}" is no {noun}; {nearest(one, known)}', "select", key)

    def _file(self, path: Path, name: str) -> TomlFile | None:
        try:
            return read_toml(path, name)
        except ConfigError as error:
            self.errors.append(error)
            return None

    def _tables(self, file: TomlFile, key: str) -> list[tuple[int, dict[str, Any]]]:
        for other in file.data:
            if other != key:
                self._say(file, f'is not a known key; each {key} is a table headed "[[{key}]]"', other)
        tables = file.data.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._say(file, f'is no list of tables; head each with "[[{key}]]"', key)
            return []
        return list(enumerate(tables))

    def _say(self, file: TomlFile, message: str, *at: str | int) -> None:
        self.errors.append(file.error(message, at))


def _written(file: TomlFile, tables: str, key: str) -> set[str]:
    """Every name that stands in the file, also of a table with errors, so that one fault is told once."""
    found = file.data.get(tables, [])
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return {str(row[key]) for row in rows if key in row}
