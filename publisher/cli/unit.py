"""The systemd unit of an installation, as text: each setting with its reason beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from publisher.descriptors import WANTED
from publisher.errors import PublisherError

MARK = "# Written by `publisher service install`; that command replaces it. Your own changes: systemctl edit "
"""Begins every unit that is ours, so that no other is overwritten or removed."""

WATCHDOG_SECONDS = 60
STOP_SECONDS = 20

Line = str

HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
"""What ``ProtectHome=`` hides."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The values that a unit is written from. ``account`` is the user that a system unit runs as; user units have none.

    ``interpreter`` runs ``-m publisher``; ``code`` are the folders it and the package lie in. ``roles`` are
    those of the process, none for all.
    """

    name: str
    home: Path
    interpreter: Path
    code: tuple[Path, ...]
    account: str | None = None
    roles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}", self.name):
            raise PublisherError(f"{self.name!r} is no name for a service; use letters, digits and hyphens")
        for path in (self.home, self.interpreter, *self.code):
            if not path.is_absolute() or any(ord(character) < 32 for character in str(path)):
                raise PublisherError(f"{str(path)!r} cannot stand in a unit: it must be absolute, without line breaks")

    @property
    def file(self) -> str:
        """The unit's file name."""
        return f"{self.name}.service"

    def text(self) -> str:
        """The whole unit file."""
        is_system = self.account is not None
        sections = [
            [MARK + self.name],
            _description(self, is_system),
            ["[Service]", *_start(self), *_restart(), *(_account(self) if is_system else [])],
            _everywhere(),
            _system_only(self) if is_system else [USER_NOTE],
            _install(is_system),
        ]
        return "\n\n".join("\n".join(section) for section in sections) + "\n"


USER_NOTE = """\
# A user's service manager may not mount, drop capabilities or filter devices, so the system unit's ProtectSystem=,
# PrivateTmp=, CapabilityBoundingSet= and their like are not here: this service sees what its user sees."""


def _description(unit: Unit, is_system: bool) -> list[Line]:
    lines = ["[Unit]", f"Description=Publisher at {_specifiers(str(unit.home))}"]
    if is_system:  # a user's manager knows no network-online.target
        lines += ["Wants=network-online.target", "After=network-online.target postgresql.service"]
    return [*lines, "# Never give up: a database or a network that is away may come back.", "StartLimitIntervalSec=0"]


def _start(unit: Unit) -> list[Line]:
    home, data = _specifiers(str(unit.home)), unit.home / "data"
    command = " ".join(_quoted(word, command=True) for word in (str(unit.interpreter), "-m", "publisher", "run"))
    return [
        "# It says itself when it is ready, and twice a minute that it is alive.",
        "Type=notify",
        "NotifyAccess=main",
        f"WatchdogSec={WATCHDOG_SECONDS}s",
        f"WorkingDirectory={home}",
        f"ExecStart={command} --home {_quoted(str(unit.home), command=True)}{_roles(unit)}",
        "# Reads the configuration again; a broken edit leaves the last good one.",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "# The first start after an update may have a migration to run.",
        "TimeoutStartSec=5min",
        "# It stops within 10 seconds, with what is under way finished or handed back.",
        f"TimeoutStopSec={STOP_SECONDS}s",
        "KillMode=mixed",
        "# A connection is a file too; with 1,024, the usual number, few receivers and readers fit in at once.",
        f"LimitNOFILE={WANTED}",
        f"# What is written, in {data}, holds secrets.",
        "UMask=0077",
    ]


def _roles(unit: Unit) -> str:
    return f" --role {','.join(unit.roles)}" if unit.roles else ""


def _restart() -> list[Line]:
    return [
        "# After 2 s, then ever later up to a minute (the steps need systemd 254; before, it is always 2 s).",
        "Restart=on-failure",
        "# 2 is a fault in the configuration: it waits for a person.",
        "RestartPreventExitStatus=2",
        "RestartSec=2s",
        "RestartSteps=5",
        "RestartMaxDelaySec=1min",
    ]


def _account(unit: Unit) -> list[Line]:
    return ["# Nothing here needs root. Ports under 1024 belong to a proxy in front.", f"User={unit.account}"]


def _everywhere() -> list[Line]:
    """What a seccomp filter can hold, which any service manager may install."""
    return [
        "NoNewPrivileges=yes",
        "LockPersonality=yes",
        "# Nothing here makes code at run time.",
        "MemoryDenyWriteExecute=yes",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
        "# A call that is refused fails; libraries then take the older way.",
        "SystemCallErrorNumber=EPERM",
    ]


def _system_only(unit: Unit) -> list[Line]:
    return [
        f"# Everything is read-only but {unit.home / 'data'}.",
        "ProtectSystem=strict",
        f"ReadWritePaths={_quoted(str(unit.home / 'data'))}",
        *_protect_home(unit),
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "DevicePolicy=closed",
        "PrivateUsers=yes",
        "PrivateIPC=yes",
        "CapabilityBoundingSet=",
        "AmbientCapabilities=",
        "KeyringMode=private",
        "ProtectClock=yes",
        "ProtectControlGroups=yes",
        "ProtectHostname=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "# It sees its own processes only; /proc/stat and the like stay, since the metrics read them.",
        "ProtectProc=invisible",
        "RemoveIPC=yes",
    ]


def _protect_home(unit: Unit) -> Iterator[Line]:
    needed = sorted({str(path) for path in (unit.home, *unit.code) if _in_home(path)})
    if not needed:
        yield "# A folder source under /home would need ProtectHome=read-only."
        yield "ProtectHome=yes"
        return
    yield f"# Home folders are read-only rather than hidden, since this lies there: {', '.join(needed)}"
    yield "ProtectHome=read-only"


def _in_home(path: Path) -> bool:
    return any(path.is_relative_to(home) for home in HOMES)


def _install(is_system: bool) -> list[Line]:
    return ["[Install]", f"WantedBy={'multi-user' if is_system else 'default'}.target"]


def _specifiers(text: str) -> str:
    """Text in which systemd finds none of its ``%`` specifiers."""
    return text.replace("%", "%%")


def _quoted(text: str, *, command: bool = False) -> str:
    """One word, as systemd reads words (systemd.syntax(7), "Quoting"); in a command, ``$`` is no variable."""
    text = _specifiers(text)
    if command:
        text = text.replace("$", "$$")
    if re.fullmatch(r"[A-Za-z0-9_@%+=:,./$~-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def code_folders(paths: Iterable[str]) -> tuple[Path, ...]:
    """The folders, each once, in their order."""
    return tuple(dict.fromkeys(Path(path).resolve() for path in paths))
