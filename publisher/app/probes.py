"""What ``/readyz`` asks besides the database: the parts of this process, and its disk."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from publisher.app.installation import App
from publisher.schedule import Schedule
from publisher.web.services import Probe

LEAST_FREE = 16 * 1024 * 1024
"""With fewer bytes left on its disk, a commit of a large push may fail at any moment."""


def probes(app: App, schedule: Schedule) -> Mapping[str, Probe]:
    """Each part by its name."""
    return {
        "scheduler": lambda: schedule.running,
        "deliverer": lambda: app.deliverer.stuck or app.deliverer.running,
        "disk": lambda: disk(app.home / "data"),
    }


def disk(data: Path, least: int = LEAST_FREE) -> str:
    """``ok`` while there is room for data; blocks as long as the disk does."""
    try:
        free = shutil.disk_usage(data).free
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "ok" if free >= least else "full"
