"""``feeds/*.toml``: what an installation publishes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath as PurePath

from pydantic import ValidationError

from publisher.catalog.documents import FEEDS
from publisher.catalog.findings import Findings
from publisher.configfile import TomlFile, nearest
from publisher.errors import ConfigError
from publisher.model import FeedDefinition
from publisher.model.facets import fold
from publisher.model.languages import range_of

_NOUN = {"sources": "source", "symbols": "symbol"}
_NEVER = {
    "articles": {"symbols"},
    "indicators": {"sections", "topics", "authors", "editors", "agencies", "languages"},
}
"""Facets that such items do not have, so that selecting by one matches nothing."""


_TOLD = 20
"""The most unknown names of one list that are reported: each is compared with all known ones."""


def read(
    findings: Findings, sources: Collection[str] | None, symbols: Collection[str] | None
) -> dict[str, FeedDefinition]:
    """The feeds by name. ``sources`` and ``symbols`` are what a feed can select; None if that is not known."""
    found: dict[str, FeedDefinition] = {}
    findings.errors += findings.documents.faults.get(FEEDS, ())
    for path in map(PurePath, findings.documents.under(FEEDS)):
        file = findings.file(str(path))
        if file is None:
            continue
        if "name" in file.data:
            findings.say(file, "is not a key here; a feed is named by its file", "name")
            continue
        try:
            feed = FeedDefinition.model_validate({**file.data, "name": path.stem})
        except ValidationError as fault:
            findings.errors += _faults(file, path.stem, fault)
            continue
        _selects_what_exists(findings, file, feed, {"sources": sources, "symbols": symbols})
        _selects_what_its_items_have(findings, file, feed)
        _selects_by_language_ranges(findings, file, feed)
        found[feed.name] = feed
    return found


def _faults(file: TomlFile, name: str, fault: ValidationError) -> Iterator[ConfigError]:
    for error in file.errors(fault, FeedDefinition):
        if error.key != "name":
            yield error
            continue
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "news"
        yield ConfigError(file.name, f'"{name}" cannot stand in a URL; name the file "{near}.toml"')


def _selects_what_exists(
    findings: Findings, file: TomlFile, feed: FeedDefinition, known: Mapping[str, Collection[str] | None]
) -> None:
    for key, names in known.items():
        if names is None:
            continue
        folded = set(map(fold, names))
        unknown = [one for one in getattr(feed.select, key) if fold(one) not in folded]
        for one in unknown[:_TOLD]:
            findings.say(file, f'"{one}" is no known {_NOUN[key]}; {nearest(one, names)}', "select", key)
        if len(unknown) > _TOLD:
            findings.say(file, f"{len(unknown) - _TOLD} more are not known", "select", key)


def _selects_what_its_items_have(findings: Findings, file: TomlFile, feed: FeedDefinition) -> None:
    for key, values in feed.select:
        if values and key in _NEVER.get(feed.items, ()):
            findings.say(file, f"would take nothing: {feed.items} have no {key}", "select", key)


def _selects_by_language_ranges(findings: Findings, file: TomlFile, feed: FeedDefinition) -> None:
    for one in feed.select.languages[:_TOLD]:
        if range_of(one) is None:
            findings.say(
                file, f'"{one}" is no language; write it as "id" or "en-GB", "*" for any', "select", "languages"
            )
