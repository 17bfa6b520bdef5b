"""``publisher load``: read sources once, now."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.common import HERE, Home, show_json, with_app
from publisher.cli.tables import printable
from publisher.errors import advised

if TYPE_CHECKING:
    from publisher.app.installation import App
    from publisher.ingest import Report


def register(cli: typer.Typer) -> None:
    """Add the command of this file."""
    cli.command()(load)


def load(
    source: Annotated[str | None, typer.Argument(help="One source; all, if left out.")] = None,
    home: Home = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list of reports.")] = False,
) -> None:
    """Read sources once, now.

    Whatever their schedule says; what changed is recorded. Exit code 1 if a source could not be read, or something in
    it is refused, also where the service met that first.
    """

    async def work(app: App) -> list[Report]:
        names = [app.source(source).name] if source else [one.name for one in app.catalog.sources]
        if as_json or not sys.stdout.isatty():
            return await _each(app, names, lambda report: None if as_json else _print(report))
        return await _with_bar(app, names)

    reports = with_app(home, work)
    if as_json:
        show_json([_report_json(report) for report in reports])
    elif not reports:
        typer.echo("config/sources.toml names no source")
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


async def _each(app: App, names: Sequence[str], done: Callable[[Report], None]) -> list[Report]:
    reports = []
    for name in names:
        reports.append(await app.load(name))
        done(reports[-1])
    return reports


async def _with_bar(app: App, names: Sequence[str]) -> list[Report]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("sources", total=len(names))

        def done(report: Report) -> None:
            progress.advance(task)
            progress.console.print(printable("\n".join(_lines(report))), markup=False, highlight=True)

        return await _each(app, names, done)


def _print(report: Report) -> None:
    typer.echo("\n".join(_lines(report)))


def _lines(report: Report) -> list[str]:
    if report.error is not None:
        summary = f"failed: {advised(report.error, report.refusals.advice)}"
    elif report.skipped is not None:
        summary = f"left alone: {report.skipped}"
    else:
        kinds = ", ".join(f"{count} {outcome.value}" for outcome, count in sorted(report.outcomes.items()))
        found = _counted(report.items, "item") + (f" ({kinds})" if kinds else "")
        summary = f"{found}, {_counted(report.events, 'event')}"
    told = [f"  {problem.severity}: {advised(str(problem), problem.advice)}" for problem in report.problems]
    return [f"{report.source}: {summary}", *told, *_standing(report)]


def _standing(report: Report) -> list[str]:
    """What an earlier reading refused of documents that this one did not read again."""
    told = {advised(str(problem), problem.advice) for problem in report.problems}
    rest = report.refusals.count - sum(problem.severity == "error" for problem in report.problems)
    reasons = [reason for reason in report.refusals.for_operators if reason not in told][: max(rest, 0)]
    lines = [f"  still refused: {reason}" for reason in reasons]
    if rest > len(reasons):
        lines.append(f"  still refused: {rest - len(reasons)} more")
    return lines


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _report_json(report: Report) -> dict[str, Any]:
    return {
        "source": report.source,
        "ok": report.ok,
        "items": report.items,
        "events": report.events,
        "outcomes": {outcome.value: count for outcome, count in sorted(report.outcomes.items())},
        "error": report.error and advised(report.error, report.refusals.advice),
        "skipped": report.skipped,
        "refused": report.refusals.count,
        "refusals": list(report.refusals.for_operators),
        "origins": {identity: dict(fields) for identity, fields in report.origins.items()},
        "problems": [
            {
                "severity": problem.severity,
                "origin": problem.origin,
                "field": problem.field,
                "text": problem.text,
                "message": advised(problem.message, problem.advice),
            }
            for problem in report.problems
        ],
    }
