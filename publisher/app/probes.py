"""What ``/readyz`` checks besides the database: the parts of this process, and its disk."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from publisher.app.installation import App
from publisher.model.node import DELIVER, INGEST
from publisher.schedule import Schedule
from publisher.web.services import Probe

LEAST_FREE = 16 * 1024 * 1024
"""With fewer bytes left on the disk, the commit of a large push may fail at any moment."""


def probes(app: App, schedule: Schedule, roles: Collection[str]) -> Mapping[str, Probe]:
    """A probe for each part that a process of these roles has, by name."""
    found: dict[str, Probe] = {
        "definitions": lambda: app.in_force.problem or "ok",
        "disk": lambda: disk(app.home / "data"),
    }
    if INGEST in roles:
        found["scheduler"] = lambda: schedule.running
    if DELIVER in roles:
        found["deliverer"] = lambda: app.deliverer.stuck or app.deliverer.running
    return found


def disk(data: Path, least: int = LEAST_FREE) -> str:
    """``ok`` while there is room for data; blocks as long as the disk does."""
    try:
        free = shutil.disk_usage(data).free
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "ok" if free >= least else "full"
