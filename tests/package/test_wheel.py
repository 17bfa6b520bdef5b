"""The wheel holds all that an installation away from the repository needs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _publisher(library: Path, where: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "publisher", *arguments],
        cwd=where,
        env={"PYTHONPATH": str(library), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installation_is_made_checked_and_loaded_from_the_wheel_alone(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    library = tmp_path / "library"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(library)
    held = {path.relative_to(library).as_posix() for path in library.rglob("*")}
    assert {
        "publisher/sources/profiles/shipped/kontan.toml",
        "publisher/web/pages/static",
        "publisher/web/pages/templates",
    } <= held
    found = "import publisher; print(publisher.__file__)"
    origin = subprocess.run(
        [sys.executable, "-P", "-c", found],
        env={"PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert origin.stdout.startswith(str(library)), "the wheel is tried, not the repository"

    home = tmp_path / "home"
    _publisher(library, tmp_path, "init", str(home))
    _publisher(library, tmp_path, "check", "--home", str(home))
    _publisher(library, tmp_path, "load", "--home", str(home))
    assert "<feed" in _publisher(library, tmp_path, "feeds", "show", "news", "--format", "atom", "--home", str(home))
