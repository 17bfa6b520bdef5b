"""``publisher service``: the installation as a systemd service."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import publisher
from publisher.cli.common import HERE, Home
from publisher.cli.reach import closed_to
from publisher.cli.unit import MARK, Unit, code_folders
from publisher.errors import Conflict, NotFound, PublisherError

SYSTEM_UNITS = Path("/etc/systemd/system")
ACCOUNT = "publisher"
"""The user of a system service if the installation belongs to root."""

ACTIVE, INACTIVE, NOT_INSTALLED = 0, 3, 4
"""Exit codes of ``status``, those of ``systemctl status``."""

SHOWN = ("ActiveState", "SubState", "StatusText", "MainPID", "NRestarts", "ActiveEnterTimestamp", "MemoryCurrent")

User = Annotated[bool, typer.Option("--user", help="A service of your own, without root.")]
Name = Annotated[str, typer.Option(help="What the service is called.")]
Directory = Annotated[
    Path | None, typer.Option(help="Where unit files lie, if elsewhere; systemctl is then left alone.", metavar="DIR")
]


def register(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="The installation as a systemd service.", no_args_is_help=True)
    group.command()(install)
    group.command()(status)
    group.command()(uninstall)
    cli.add_typer(group, name="service")


def install(
    *,
    home: Home = HERE,
    user: User = False,
    name: Name = "publisher",
    account: Annotated[
        str | None, typer.Option("--as", help="Who it runs as; by default who owns the data folder.", metavar="NAME")
    ] = None,
    directory: Directory = None,
    role: Annotated[
        str, typer.Option("--role", help="What it does: all, or web, ingest, deliver (several, by comma).")
    ] = "all",
    print_only: Annotated[bool, typer.Option("--print", help="Only print the unit.")] = False,
) -> None:
    """Write the unit and start it.

    Says what it wrote, what the service may do, and what is left to do where systemd does not run.
    """
    from publisher.cli.run import taken_roles
    from publisher.settings import FILE

    home = home.resolve()
    if user and account:
        raise typer.BadParameter("a --user service runs as you", param_hint="--as")
    unit = Unit(
        name=name,
        home=home,
        interpreter=Path(sys.executable),
        code=code_folders([sys.prefix, sys.base_prefix, str(Path(publisher.__file__).parents[1])]),
        account=None if user else account or _owner(home),
        roles=taken_roles(role),
    )
    if print_only:
        typer.echo(unit.text(), nl=False)
        return
    if not (home / FILE).is_file():
        raise NotFound(f"{home} is no installation; make one with: publisher init {shlex.quote(str(home))}")
    _reachable(unit)
    path = _folder(user, directory) / unit.file
    _write(path, unit.text())
    typer.echo(f"Wrote {path}")
    _explain(unit)
    first = _prepare(unit)
    _next(first, [["daemon-reload"], ["enable", "--now", unit.file]], user=user, may_run=directory is None)
    if user:
        typer.echo("To have it run while you are not logged in: loginctl enable-linger")


def status(user: User = False, name: Name = "publisher", directory: Directory = None) -> None:
    """Say whether it is installed and running.

    Exit code 0 if it is active, 3 if not, 4 if it is not installed.
    """
    path = _folder(user, directory) / f"{name}.service"
    if not path.is_file():
        typer.echo(f"{name} is not installed: there is no {path}")
        raise typer.Exit(NOT_INSTALLED)
    typer.echo(f"unit: {path}")
    if directory is not None or not _booted():
        typer.echo("state: unknown, since systemd does not run this machine")
        raise typer.Exit(INACTIVE)
    done = _systemctl(["show", path.name, f"--property={','.join(SHOWN)}"], user=user, capture=True)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    for key in SHOWN:
        if found.get(key) not in (None, "", "[not set]", "0"):
            typer.echo(f"{key}: {found[key]}")
    typer.echo(f"log: {_shown(['journalctl', *(['--user'] if user else []), '-u', path.name, '-f'])}")
    raise typer.Exit(ACTIVE if found.get("ActiveState") in ("active", "reloading") else INACTIVE)


def uninstall(user: User = False, name: Name = "publisher", directory: Directory = None) -> None:
    """Stop the service and remove its unit.

    The installation stays as it is.
    """
    path = _folder(user, directory) / f"{name}.service"
    if not path.is_file():
        raise NotFound(f"there is no {path}; nothing to remove")
    _ours(path)
    runs = directory is None and _booted()
    if runs:
        _systemctl(["disable", "--now", path.name], user=user)
    try:
        path.unlink()
    except PermissionError as error:
        raise _needs_root(path) from error
    typer.echo(f"Removed {path}; the installation and its data are untouched")
    if runs:
        _systemctl(["daemon-reload"], user=user)


def _folder(user: bool, directory: Path | None) -> Path:
    if directory is not None:
        return directory
    if not user:
        return SYSTEM_UNITS
    from publisher.settings import user_config_home

    return user_config_home() / "systemd/user"


def _owner(home: Path) -> str:
    """The user of the service: the owner of the data folder, or of the installation; never root."""
    folder = home / "data" if (home / "data").is_dir() else home
    uid = folder.stat().st_uid if folder.exists() else 0
    try:
        return pwd.getpwuid(uid).pw_name if uid else ACCOUNT
    except KeyError:
        return ACCOUNT


def _reachable(unit: Unit) -> None:
    """Refuse a Python that the service's user cannot read: it would fail at each start, with little to say why."""
    if unit.account is None:
        return
    closed = closed_to(unit.account, [unit.interpreter, *unit.code, Path(publisher.__file__)])
    if closed is not None:
        mode = stat.S_IMODE(closed.stat().st_mode)
        raise PublisherError(
            f"{unit.account} may not reach {unit.interpreter}: {closed} is closed to it (mode {mode:03o}). Install "
            "Python and the publisher where every user can read them, such as in /opt, and run this from there; "
            "or let the service run --as somebody who may"
        )


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _ours(path)
        aside = path.with_name(f".{path.name}.new")
        aside.write_text(text, "utf-8")
        aside.chmod(0o644)
        aside.replace(path)
    except PermissionError as error:
        raise _needs_root(path) from error


def _ours(path: Path) -> None:
    if not path.read_text("utf-8", "replace").startswith(MARK):
        raise Conflict(f"{path} was not written by this command; choose another --name, or remove it yourself")


def _needs_root(path: Path) -> PublisherError:
    return PublisherError(f"may not write {path}; run it with sudo, or use --user for a service of your own")


def _explain(unit: Unit) -> None:
    who = f"as {unit.account}, " if unit.account else ""
    typer.echo(
        f"It runs {unit.home} {who}restarts when it fails or falls silent, and reloads on `systemctl reload`.\n"
        + (
            f"It may write {unit.home / 'data'} and nothing else. "
            if unit.account
            else "A user's service is not shut off from the user's files; a system service is. "
        )
        + "Its log is the journal's, which also rotates it."
    )


def _prepare(unit: Unit) -> list[list[str]]:
    """Make the data folder; returns the commands that must come first for the account to be able to write there."""
    data = unit.home / "data"
    if unit.account is None:
        data.mkdir(mode=0o700, exist_ok=True)
        return []
    try:
        uid = pwd.getpwnam(unit.account).pw_uid
    except KeyError:
        uid = None
    if uid is not None and not data.exists() and os.geteuid() == 0:
        data.mkdir(mode=0o700)
        os.chown(data, uid, -1)
    commands = []
    if uid is None:
        commands.append(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", unit.account])
    if not data.is_dir() or data.stat().st_uid != uid:
        commands += [["mkdir", "-p", str(data)], ["chown", "-R", f"{unit.account}:", str(data)]]
    return commands


def _next(first: Sequence[list[str]], then: Sequence[list[str]], *, user: bool, may_run: bool) -> None:
    """Run the remaining commands, or print them if something must be prepared first or systemd is not the init."""
    base = ["systemctl", *(["--user"] if user else [])]
    if may_run and not first and _booted():
        for arguments in then:
            typer.echo(f"Running: {_shown([*base, *arguments])}")
            _systemctl(arguments, user=user)
        return
    typer.echo("Next:")
    for command in (*first, *([*base, *arguments] for arguments in then)):
        typer.echo(f"  {_shown(command)}")


def _booted() -> bool:
    """Whether systemd runs this machine (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None


def _systemctl(arguments: Sequence[str], *, user: bool, capture: bool = False) -> subprocess.CompletedProcess[str]:
    command = ["systemctl", *(["--user"] if user else []), *arguments]
    done = subprocess.run(command, text=True, capture_output=capture, check=False)  # noqa: S603 - no part is a shell's
    if done.returncode and not capture:
        raise PublisherError(f"{_shown(command)} failed with exit code {done.returncode}")
    return done


def _shown(command: Sequence[str]) -> str:
    return shlex.join(command)
