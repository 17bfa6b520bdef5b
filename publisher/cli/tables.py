"""Lists as commands print them: for people on a terminal, for other programs everywhere else.

On a terminal nothing is ever wrapped or cut, since an id that is broken in two cannot be copied: where the columns do
not fit side by side, each row is a block of ``name  value`` lines.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import typer

from publisher import clock

Cell = str | datetime | None
"""A text, a time, or nothing (shown as ``-``)."""

GAP = "  "
DAY = timedelta(days=1)
LONG_AGO = timedelta(days=30)
"""From so many days on, a date is shown instead of a distance."""


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a list; tab-separated lines without a heading where standard output is no terminal."""
    if not sys.stdout.isatty():
        lines = separated(rows)
    else:
        lines = table(columns, rows, width=shutil.get_terminal_size().columns, now=clock.now())
    for line in lines:
        typer.echo(line)


def separated(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """A line a row: values between tabs, times in RFC 3339."""
    for row in rows:
        yield "\t".join(" ".join(moment(cell).split()) for cell in row)


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, width: int, now: datetime) -> Iterator[str]:
    """Columns under their headings if they fit into ``width`` cells, else a block for each row."""
    shown = [[_shown(cell, now) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(columns, *shown, strict=True)]
    if sum(widths) + len(GAP) * (len(widths) - 1) <= width:
        for row in (columns, *shown):
            yield GAP.join(_padded(text, room) for text, room in zip(row, widths, strict=True)).rstrip()
        return
    label = max(map(cells, columns))
    for number, row in enumerate(shown):
        if number:
            yield ""
        for name, text in zip(columns, row, strict=True):
            if text:
                yield f"{_padded(name, label)}{GAP}{text}"


def moment(cell: Cell) -> str:
    """A cell as another program reads it."""
    if cell is None:
        return "-"
    return cell if isinstance(cell, str) else clock.rfc3339(cell.replace(microsecond=0))


def _shown(cell: Cell, now: datetime) -> str:
    return distance(cell, now) if isinstance(cell, datetime) else clean(moment(cell))


def distance(at: datetime, now: datetime) -> str:
    """How far a time is from now: ``3 min ago``, ``in 2 h``; a date where that is more than a month."""
    apart = abs(at - now)
    if apart >= LONG_AGO:
        return f"{at:%Y-%m-%d}"
    if apart < timedelta(seconds=1):
        return "now"
    count, unit = _counted(apart)
    return f"in {count} {unit}" if at > now else f"{count} {unit} ago"


def _counted(apart: timedelta) -> tuple[int, str]:
    seconds = int(apart.total_seconds())
    if seconds < 60:
        return seconds, "s"
    if seconds < 3600:
        return seconds // 60, "min"
    if apart < DAY:
        return seconds // 3600, "h"
    return apart.days, "day" if apart.days == 1 else "days"


def clean(text: str) -> str:
    """The text as one line, without control characters."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """The text with its line breaks, and U+FFFD for other control characters: strangers may write escape sequences."""
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def _padded(text: str, room: int) -> str:
    return text + " " * (room - cells(text))
