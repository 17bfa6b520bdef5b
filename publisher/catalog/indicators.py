"""``config/indicators.toml``: the indicators that an installation knows."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from publisher.catalog.documents import INDICATORS
from publisher.catalog.findings import Findings, written
from publisher.configfile import Zone, read_toml
from publisher.model import IndicatorSpec

REGISTRY = Path(__file__).parent / "indicators.toml"
"""The indicators that ship with the program; an installation without a file of its own knows these."""


class _Table(IndicatorSpec):
    timezone: Zone = "Asia/Jakarta"


def read(findings: Findings) -> tuple[dict[str, IndicatorSpec], set[str] | None]:
    """The indicators by symbol, and every symbol in the file: None if it could not be read."""
    file = findings.file(INDICATORS)
    if file is None and INDICATORS not in findings.documents.faults:
        file = read_toml(REGISTRY, "indicators.toml (shipped)")
    if file is None:
        return {}, None
    found: dict[str, IndicatorSpec] = {}
    slugs: dict[str, str] = {}
    for number, table in findings.tables(file, "indicator"):
        try:
            spec = IndicatorSpec(**_Table.model_validate(table).model_dump())
        except ValidationError as fault:
            findings.errors += file.errors(fault, IndicatorSpec, ("indicator", number))
            continue
        if spec.symbol in found:
            findings.say(file, f'"{spec.symbol}" is defined twice', "indicator", number, "symbol")
        elif spec.slug in slugs:
            findings.say(file, f'"{spec.slug}" is also that of {slugs[spec.slug]}', "indicator", number, "slug")
        else:
            found[spec.symbol] = spec
            slugs[spec.slug] = spec.symbol
    return found, written(file, "indicator", "symbol")
