"""The sample newsroom at another address than the sample installation's files say."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from publisher.catalog import Catalog, SourceDefinition


def readdressed(catalog: Catalog, usual: str, actual: str) -> Catalog:
    """The definitions with ``actual`` wherever ``usual`` begins an address, both as ``http://host:port``. Pure.

    Sources and their profiles are changed; files stay as they are.
    """
    begins = re.compile(re.escape(usual) + r"(?![0-9])")

    def of(source: SourceDefinition) -> SourceDefinition:
        options, profile = (_moved(one, begins, actual) for one in (source.options, source.profile))
        return replace(source, options=options, profile=profile)

    return replace(catalog, sources=tuple(map(of, catalog.sources)))


def _moved(value: Any, begins: re.Pattern[str], actual: str) -> Any:
    if isinstance(value, str):
        return actual + value[found.end() :] if (found := begins.match(value)) else value
    if isinstance(value, tuple):
        return tuple(_moved(one, begins, actual) for one in value)
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return value.model_copy(update={name: _moved(one, begins, actual) for name, one in fields.items()})
    return value
