"""The file of a backup: a tar with a manifest, each part of which can be told to be whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson

from publisher.errors import StorageError
from publisher.storage.access.sealing import KEY_FILE

DATABASE = "publisher.db"
MANIFEST = "backup.json"
FORMAT = 1

_MANIFEST_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds. ``last_seq`` is the last event in its log; ``files`` are (name, bytes, SHA-256)."""

    taken_at: str
    publisher: str
    revision: str
    last_seq: int
    files: tuple[tuple[str, int, str], ...]

    @property
    def has_key(self) -> bool:
        """Whether the secret-storage key is in it."""
        return any(name == KEY_FILE for name, _, _ in self.files)


def pack(made: Backup, staging: Path, target: Path, now: datetime) -> None:
    """Write the manifest and the files it names from ``staging`` into ``target``, mode 0600, and onto the disk."""
    manifest = {
        "format": FORMAT,
        "taken_at": made.taken_at,
        "publisher": made.publisher,
        "revision": made.revision,
        "last_seq": made.last_seq,
        "files": {name: {"bytes": size, "sha256": digest} for name, size, digest in made.files},
    }
    (staging / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
    private(target)
    with target.open("wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name in (MANIFEST, *(name for name, _, _ in made.files)):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode, entry.mtime = (staging / name).stat().st_size, 0o600, int(now.timestamp())
                with (staging / name).open("rb") as part:
                    tar.addfile(entry, part)
        file.flush()
        os.fsync(file.fileno())


def unpack(source: Path, staging: Path) -> Backup:
    """The files of a backup, each compared with its manifest; nothing else that a tar may hold is written anywhere."""
    with tarfile.open(source, "r:") as tar:
        made = _manifest(_part(source, tar, MANIFEST).read(_MANIFEST_LIMIT))
        for name, size, digest in made.files:
            target = private(staging / name)
            with target.open("wb") as file:
                shutil.copyfileobj(_part(source, tar, name), file)
            if summary(target) != (name, size, digest):
                raise StorageError(f"{source}: {name} is not as it was when the backup was taken")
    return made


def _part(source: Path, tar: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = tar.extractfile(tar.getmember(name))
    except KeyError:
        found = None
    if found is None:
        raise StorageError(f"{source}: holds no {name}; it is no backup of a publisher")
    return found


def _manifest(text: bytes) -> Backup:
    try:
        told: dict[str, Any] = orjson.loads(text)
        if told["format"] != FORMAT:
            raise StorageError(f"the backup has format {told['format']}; this publisher reads format {FORMAT}")
        files = tuple((name, file["bytes"], file["sha256"]) for name, file in told["files"].items())
        made = Backup(told["taken_at"], told["publisher"], told["revision"], told["last_seq"], files)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{MANIFEST} in the backup cannot be read") from error
    names = {name for name, _, _ in files}
    if DATABASE not in names or not names <= {DATABASE, KEY_FILE}:
        raise StorageError(f"{MANIFEST} in the backup names other files than {DATABASE} and {KEY_FILE}")
    return made


def summary(path: Path) -> tuple[str, int, str]:
    """A file as a manifest names it."""
    with path.open("rb") as file:
        return path.name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def private(path: Path) -> Path:
    """A new, empty file that only its owner may read."""
    path.touch(mode=0o600, exist_ok=False)
    return path
