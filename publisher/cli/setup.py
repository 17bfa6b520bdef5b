"""``publisher init`` and ``publisher check``: an installation's files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.common import HERE, Home, note
from publisher.errors import ConfigError, ConfigErrors, PublisherError

if TYPE_CHECKING:
    from publisher.catalog import Catalog

TEMPLATES = Path(__file__).parent / "templates"


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command()(init)
    cli.command()(check)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must be empty or new.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also in a folder that is not empty; files that are there stay.")
    ] = False,
) -> None:
    """Make a new installation.

    A folder with commented configuration that works as it is.
    """
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise PublisherError(f"{folder} is not empty; give another folder, or --force to add what is missing there")
    if folder.exists() and not folder.is_dir():
        raise PublisherError(f"{folder} is a file; give a folder")
    for name, content in _files():
        path = folder / name
        if path.exists():
            note(f"kept {path}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        typer.echo(f"made {path}")
    for name in ("inbox", "config/profiles"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    note(f"\nNext: publisher check --home {folder}\n      publisher run --home {folder}")


def check(home: Home = HERE) -> None:
    """Tell all that is wrong in the configuration.

    Exit code 2 if there is anything.
    """
    errors: list[ConfigError] = []
    try:
        catalog = read(home)
    except ConfigErrors as error:
        errors += error.errors
    told = set(map(str, errors))
    errors += [one for one in _profile_faults(home) if str(one) not in told]
    if errors:
        raise ConfigErrors(errors)
    counts = {"sources": catalog.sources, "feeds": catalog.feeds, "indicators": catalog.indicators}
    typer.echo(", ".join(f"{noun}: {len(found)}" for noun, found in counts.items()) + "; nothing is wrong")
    if not catalog.feeds:
        note("feeds holds no feed. Where feeds are published already, this is not taken; see publisher apply")


def _profile_faults(home: Path) -> Iterator[ConfigError]:
    """What is wrong in the installation's own profiles, also in those that no source uses yet."""
    from publisher.catalog.documents import PROFILES, gather
    from publisher.sources.profile import parse_profile

    documents = gather(home)
    yield from documents.faults.get(PROFILES, ())
    for name in documents.under(PROFILES):
        yield from documents.faults.get(name, ())
        try:
            if name in documents.files:
                parse_profile(documents.files[name])
        except ConfigErrors as error:
            yield from error.errors


def read(home: Path) -> Catalog:
    """The definitions of an installation; raises ConfigErrors with the faults of all its files, settings too."""
    from publisher import catalog, settings

    errors: list[ConfigError] = []
    found: Catalog | None = None
    try:
        settings.load(home)
    except ConfigErrors as error:
        errors += error.errors
    try:
        found = catalog.load(home)
    except ConfigErrors as error:
        errors += error.errors
    if errors or found is None:
        raise ConfigErrors(errors)
    return found


def _files() -> Iterator[tuple[str, str]]:
    from publisher.catalog import INDICATORS, REGISTRY

    for path in sorted(TEMPLATES.rglob("*.toml")):
        yield path.relative_to(TEMPLATES).as_posix(), path.read_text(encoding="utf-8")
    yield INDICATORS, REGISTRY.read_text(encoding="utf-8")
