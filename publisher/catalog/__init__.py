"""``config/`` and ``feeds/`` read into definitions, with every error at once.

A file that cannot be read hides no other file's errors: what depends on it is left unjudged.
"""

from __future__ import annotations

from pathlib import Path

from publisher.catalog import feeds, indicators, sources
from publisher.catalog.definitions import PUSHED, Catalog, SourceDefinition
from publisher.catalog.documents import INDICATORS, Documents, gather
from publisher.catalog.findings import Findings
from publisher.catalog.indicators import REGISTRY
from publisher.errors import ConfigErrors

__all__ = ["INDICATORS", "PUSHED", "REGISTRY", "Catalog", "Documents", "SourceDefinition", "build", "gather", "load"]


def load(home: Path, *, shared: bool = False) -> Catalog:
    """The definitions of the installation at ``home``; raises ConfigErrors with everything that is wrong in them.

    ``shared``: its database is one for many machines.
    """
    return build(gather(home, shared=shared))


def build(documents: Documents) -> Catalog:
    """The definitions in these files; raises ConfigErrors with everything that is wrong in them."""
    findings = Findings(documents)
    known_indicators, symbols = indicators.read(findings)
    known_sources, names = sources.read(findings)
    selectable = None if names is None else {*names, PUSHED}
    known_feeds = feeds.read(findings, selectable, symbols)
    if findings.errors:
        # A profile's fault is found once for each source that it serves.
        raise ConfigErrors(list({str(error): error for error in findings.errors}.values()))
    return Catalog(tuple(known_sources), known_feeds, known_indicators)
