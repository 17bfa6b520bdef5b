"""``publisher init`` and ``publisher check``: an installation's files."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from publisher.cli.common import HERE, Home, note
from publisher.errors import ConfigError, ConfigErrors, PublisherError

if TYPE_CHECKING:
    from publisher.catalog import Catalog

TEMPLATES = Path(__file__).parent / "templates"

PORTS = (8080, *range(8082, 8100))
"""The ports that a new installation may be given. The first is the settings' own default; 8081 is the sample
newsroom's."""


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command()(init)
    cli.command()(check)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must be empty or new.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also in a folder that is not empty; files that are there stay.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Where it will answer. Default: 8080, or the next that is free."),
    ] = None,
) -> None:
    """Make a new installation.

    A folder with commented configuration that works as it is.
    """
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise PublisherError(f"{folder} is not empty; give another folder, or --force to add what is missing there")
    if folder.exists() and not folder.is_dir():
        raise PublisherError(f"{folder} is a file; give a folder")
    chosen = port or next((one for one in PORTS if _is_free(one)), PORTS[0])
    for name, content in _files(chosen):
        path = folder / name
        if path.exists():
            note(f"kept {path}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        typer.echo(f"made {path}")
    for name in ("inbox", "config/profiles"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if port is None and chosen != PORTS[0]:
        note(f"Port {PORTS[0]} is taken here, so it will answer at {chosen}; [server] port and [site] url say so.")
    note(f"\nNext: publisher check --home {folder}\n      publisher run --home {folder}")


def check(home: Home = HERE) -> None:
    """Tell all that is wrong in the configuration.

    Exit code 2 if there is anything; what is only doubtful is a warning.
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
    for doubt in _doubts(home):
        note(f"warning: {doubt}")
    counts = {"sources": catalog.sources, "feeds": catalog.feeds, "indicators": catalog.indicators}
    typer.echo(", ".join(f"{noun}: {len(found)}" for noun, found in counts.items()) + "; nothing is wrong")
    if not catalog.feeds:
        note("feeds holds no feed. Where feeds are published already, this is not taken; see publisher apply")


def _doubts(home: Path) -> Iterator[str]:
    """Settings that are allowed but hardly intended."""
    from publisher import settings

    loaded = settings.load(home)
    url, server = urlsplit(loaded.site.url), loaded.server
    port = url.port or (443 if url.scheme == "https" else 80)
    # Behind a proxy, which has an address of its own, the two ports have nothing to do with each other.
    is_direct = url.scheme == "http" and (url.hostname in ("localhost", "127.0.0.1", "::1", server.host))
    if is_direct and port != server.port:
        listens = f"port is {server.port}" if server.port else "port = 0 takes another one at each start"
        yield f"{settings.FILE}: [site] url leads to port {port}, but [server] {listens}: links will lead nowhere"


def _profile_faults(home: Path) -> Iterator[ConfigError]:
    """What is wrong in the installation's own profiles, also in those that no source uses yet."""
    from publisher.catalog.documents import PROFILES, gather
    from publisher.sources.profiles.profile import parse_profile

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
    shared = False
    try:
        shared = not settings.load(home).storage.single_node
    except ConfigErrors as error:
        errors += error.errors
    try:
        found = catalog.load(home, shared=shared)
    except ConfigErrors as error:
        errors += error.errors
    if errors or found is None:
        raise ConfigErrors(errors)
    return found


def _files(port: int) -> Iterator[tuple[str, str]]:
    from publisher.catalog import INDICATORS, REGISTRY
    from publisher.settings import FILE

    for path in sorted(TEMPLATES.rglob("*.toml")):
        name, content = path.relative_to(TEMPLATES).as_posix(), path.read_text(encoding="utf-8")
        if name == FILE and port != PORTS[0]:
            content = content.replace("127.0.0.1:8080", f"127.0.0.1:{port}").replace("# port = 8080", f"port = {port}")
        yield name, content
    yield INDICATORS, REGISTRY.read_text(encoding="utf-8")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the server will, so that a port whose server just ended counts as free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
