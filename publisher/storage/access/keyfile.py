"""``data/secret-storage.key``: one key a line, ``ID BASE64``. The first seals, all of them open.

Each change replaces the file as a whole, so that a process killed at any moment leaves the one before or the one after.
"""

from __future__ import annotations

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path

from publisher.errors import SecretError

KEY_FILE = "secret-storage.key"

KEY_BYTES = 32

_NEXT = "# next: "
"""Before the id of a key that is to seal once every node has it."""


def new_line() -> str:
    """A line for the file: a new id and a new key."""
    return f"{secrets.token_hex(4)} {b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"


def make(path: Path) -> None:
    """Make the file with one key, mode 0600, unless there is one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written aside and linked, so that of two processes that start at once both end up with the same whole file.
    aside = _written_aside(path, new_line())
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def read(path: Path) -> dict[str, bytes]:
    """The keys by their ids, in order; raises SecretError, with the line, for what is none."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            key_id, encoded = line.split()
            key = b64decode(encoded, validate=True)
        except ValueError as error:
            raise SecretError(f"{path}:{number}: each line must be an id and a key in base64") from error
        if len(key) != KEY_BYTES or not 1 <= len(key_id.encode()) <= 255 or key_id in keys:
            raise SecretError(f"{path}:{number}: a key has 32 bytes, and each id stands once")
        keys[key_id] = key
    return keys


def announced(path: Path) -> str | None:
    """The id of the key that is to seal next, None where there is none."""
    named = [line.removeprefix(_NEXT).strip() for line in _text(path).splitlines() if line.startswith(_NEXT)]
    return named[0] if named and named[0] in read(path) else None


def announce(path: Path) -> str:
    """Add a key that opens, and that is to seal next; returns its id. The one that was announced before stays that."""
    if (found := announced(path)) is not None:
        return found
    line = new_line()
    _replace(path, f"{_text(path).rstrip()}\n{_NEXT}{line.split()[0]}\n{line}")
    return line.split()[0]


def promote(path: Path) -> str:
    """Let the announced key seal, or the present first one where none was announced; returns its id."""
    chosen, keys = announced(path), read(path)
    if chosen is None:
        return next(iter(keys))
    _replace(path, _lines({chosen: keys.pop(chosen), **keys}))
    return chosen


def keep_only(path: Path, key_id: str) -> list[str]:
    """Remove every key but this one; returns the ids of those that went."""
    keys = read(path)
    gone = [one for one in keys if one != key_id]
    if gone:
        _replace(path, _lines({key_id: keys[key_id]}))
    return gone


def _lines(keys: Mapping[str, bytes]) -> str:
    return "".join(f"{key_id} {b64encode(key).decode()}\n" for key_id, key in keys.items())


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SecretError(f"{path} is no text; it must hold lines of an id and a key in base64") from error
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    aside = _written_aside(path, text)
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _written_aside(path: Path, text: str) -> Path:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return aside
