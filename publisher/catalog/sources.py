"""``config/sources.toml``: where an installation looks. Each kind of source checks its own keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from publisher.catalog.definitions import ANY_NODE, EVERY, PUSHED, SourceDefinition
from publisher.catalog.documents import PROFILES, SOURCES
from publisher.catalog.findings import Findings, written
from publisher.configfile import MAX_FAULTS, Cron, Duration, TomlFile, explain, nearest
from publisher.errors import ConfigError, ConfigErrors, PublisherError
from publisher.sources.base import Source
from publisher.sources.kinds import KINDS, kind_for
from publisher.sources.profiles.profile import HtmlProfile, TextProfile, parse_profile, shipped_profile


def _plain_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", value):
        raise ValueError(f'"{value}" is no name; take up to 64 of a-z, 0-9, "-" and "_", a letter or digit first')
    return value


def _not_too_often(value: float) -> float:
    if value < 0.1:
        raise ValueError('is too often; "100ms" is the least')
    return value


def _node_name(value: str) -> str:
    if value != ANY_NODE and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise ValueError(
            f'"{value}" is no name of a node; take that of [server] node or of the machine, or "*" for all'
        )
    return value


class _Common(BaseModel):
    """The keys that every kind of source has; the others are the kind's own."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, AfterValidator(_plain_name)]
    kind: str
    profile: str | None = None
    every: Annotated[Duration, AfterValidator(_not_too_often)] | None = None
    cron: Cron | None = None
    backfill: Literal["quiet", "push"] = "quiet"
    nodes: tuple[Annotated[str, AfterValidator(_node_name)], ...] | None = None


def read(findings: Findings) -> tuple[list[SourceDefinition], set[str] | None]:
    """The sources in their order, and every name in the file: None if it could not be read."""
    file = findings.file(SOURCES)
    if file is None:
        return [], None
    found: dict[str, SourceDefinition] = {}
    for number, values in findings.tables(file, "source"):
        table = _Table(findings, file, number, values)
        definition = table.read()
        if definition is not None and definition.name in found:
            table.say(f'"{definition.name}" is defined twice', "name")
        elif definition is not None:
            found[definition.name] = definition
    return list(found.values()), written(file, "source", "name")


def _on_disk(kind: type[Source], values: Mapping[str, Any]) -> bool:
    """Whether a source's files may exist on one machine only; for custom kinds that is not known."""
    return kind.on_disk or ":" in str(values["kind"])


@dataclass(frozen=True, slots=True)
class _Table:
    """One ``[[source]]``, and where its errors go."""

    findings: Findings
    file: TomlFile
    number: int
    values: Mapping[str, Any]

    def say(self, message: str, *key: str | int) -> None:
        self.findings.say(self.file, message, "source", self.number, *key)

    def read(self) -> SourceDefinition | None:
        """The definition; None after reporting all errors of the table."""
        before = len(self.findings.errors)
        common = self._common()
        kind = self._kind()
        options = self._options(kind) if kind else None
        profile = self._profile()
        self._placed(kind)
        if len(self.findings.errors) > before or common is None or kind is None or options is None:
            return None
        return SourceDefinition(
            name=common.name,
            kind=kind,
            options=options,
            profile=profile,
            every=None if common.cron else common.every or EVERY,
            cron=common.cron,
            backfill=common.backfill,
            nodes=common.nodes or (),
        )

    def _common(self) -> _Common | None:
        if self.values.get("name") == PUSHED:
            self.say(f'"{PUSHED}" is the built-in source of what is pushed; take another name', "name")
        if "every" in self.values and "cron" in self.values:
            self.say('stands beside "every"; a source has one of the two', "cron")
        try:
            return _Common.model_validate(self.values)
        except ValidationError as fault:
            self.findings.errors += self.file.errors(fault, _Common, ("source", self.number))
            return None

    def _placed(self, kind: type[Source] | None) -> None:
        """Report a source that does not name the machine with its files while many machines share the database."""
        nodes = self.values.get("nodes")
        if nodes == []:
            self.say('names no node; name those that read it, as in ["a"], or "*" for all: ["*"]', "nodes")
        elif nodes is None and kind is not None and self.findings.documents.shared and _on_disk(kind, self.values):
            self.say(
                f'is needed for the kind "{self.values["kind"]}" on PostgreSQL: what it reads may lie on one machine '
                'alone. Name the nodes that read it, as in nodes = ["a"]; or, where each sees the same, nodes = ["*"]',
                "nodes",
            )

    def _kind(self) -> type[Source] | None:
        name = self.values.get("kind")
        if not isinstance(name, str):
            return None  # reported with the common keys
        try:
            return kind_for(name)
        except (Exception, SystemExit) as error:  # a custom kind is anyone's code, and runs when it is imported
            wrong = (
                f'"{name}" cannot be used: {error}' if ":" in name else f'"{name}" is no kind; {nearest(name, KINDS)}'
            )
            self.say(wrong, "kind")
            return None

    def _options(self, kind: type[Source]) -> BaseModel | None:
        own = {key: value for key, value in self.values.items() if key not in _Common.model_fields}
        try:
            return kind.Options.model_validate(own)
        except ValidationError as fault:
            known = {*kind.Options.model_fields, *_Common.model_fields}
            for one in fault.errors(include_url=False)[:MAX_FAULTS]:
                if one["type"] == "extra_forbidden" and len(one["loc"]) == 1:
                    near = nearest(str(one["loc"][0]), known)
                    self.say(f'is not a known key of the kind "{kind.kind}"; {near}', *one["loc"])
                else:
                    self.say(explain(one, kind.Options), *one["loc"])
            return None

    def _profile(self) -> HtmlProfile | TextProfile | None:
        name = self.values.get("profile")
        if not isinstance(name, str):
            return None
        profiles = self.findings.profiles
        if name in profiles:
            return profiles[name]  # its errors were reported for the first source that names it
        profiles[name] = None
        own = f"{PROFILES}/{name}.toml"
        documents = self.findings.documents
        if own in documents.faults:
            self.findings.errors += documents.faults[own]
            return None
        try:
            if own in documents.files:
                profiles[name] = parse_profile(documents.files[own])
            else:
                names = [one.removeprefix(f"{PROFILES}/")[:-5] for one in documents.under(PROFILES)]
                profiles[name] = shipped_profile(name, names)
            return profiles[name]
        except ConfigErrors as errors:
            self.findings.errors += errors.errors
        except ConfigError as error:
            self.findings.errors.append(error)
        except PublisherError as error:
            del profiles[name]  # reported for each source that names it
            self.say(str(error), "profile")
        return None
