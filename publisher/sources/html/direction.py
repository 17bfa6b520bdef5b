"""Whether the markup of a row of a ticker calls it a rise or a fall: some pages leave the sign to a class."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from selectolax.lexbor import LexborNode

from publisher.errors import ReadError
from publisher.locale import parse_decimal
from publisher.sources.documents import dom
from publisher.sources.forms.bylinewords import words
from publisher.sources.profiles.profile import HtmlTicker

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# No colours: red is a rise in Shanghai and Tokyo.
_FALL = words("down turun fall falling fell loss loser losers minus neg negative decrease decline melemah")
_RISE = words("up naik rise rising rose gain gainer gainers plus pos positive increase advance menguat")


def contradicted(row: LexborNode, cells: Mapping[str, str | None], ticker: HtmlTicker, locale: str) -> str | None:
    """Why the sign of a change or a percent is not that of its markup, in words; None where it may be."""
    for column in ("change", "percent"):
        said = _said(row, ticker, column)
        if said is None:
            continue
        word, falls = said
        with suppress(ReadError):
            number = parse_decimal((cells.get(column) or "").strip(), locale)
            if number and (number < 0) != falls:
                return f"the {column} is {cells[column]}, and the page calls it {word!r}"
    return None


def _said(row: LexborNode, ticker: HtmlTicker, column: str) -> tuple[str, bool] | None:
    """The word that the markup of a cell or of its row has for the direction, and whether it is a fall; None where
    there is none, or both.
    """
    cell = next((node for node, _ in dom.select(row, getattr(ticker, column))), None)
    if cell is None:
        return None
    for nodes in ([cell], cell.css("[class]")[:10], [row]):
        found = {part.lower() for node in nodes for part in _PART.findall(node.attributes.get("class") or "")}
        falls, rises = sorted(found & _FALL), sorted(found & _RISE)
        if bool(falls) != bool(rises):
            return (falls or rises)[0], bool(falls)
    return None
