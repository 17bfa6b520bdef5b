"""Whether another user of this machine can reach files: a service's user must be able to read its Python."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

ACL = "system.posix_acl_access"


def closed_to(account: str, paths: Iterable[Path]) -> Path | None:
    """The first folder or file on the way to ``paths`` that the account may not enter or read; None if there is none.

    Symbolic links are followed. An account that does not exist yet is taken for one that owns nothing and is in no
    group. Where an access control list says more than the mode, the path is taken to be open.
    """
    who = _Account(account)
    seen: set[Path] = set()
    for path in paths:
        for one in _way(path):
            if one not in seen and one.exists() and not who.may_pass(one):
                return one
            seen.add(one)
    return None


class _Account:
    def __init__(self, name: str) -> None:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            self._uid, self._groups = None, frozenset[int]()
        else:
            self._uid = entry.pw_uid
            self._groups = frozenset(os.getgrouplist(name, entry.pw_gid))

    def may_pass(self, path: Path) -> bool:
        """Whether it may read this file, or enter this folder."""
        status = path.stat()
        if self._uid == 0 or _has_list(path):
            return True
        shift = 6 if status.st_uid == self._uid else 3 if status.st_gid in self._groups else 0
        needed = 0o1 if stat.S_ISDIR(status.st_mode) else 0o4
        return bool(status.st_mode >> shift & needed)


def _way(path: Path) -> Iterator[Path]:
    """Every folder to a path, and the path; then the same of where each symbolic link among them leads."""
    for one in (*reversed(path.parents), path):
        if one.is_symlink():
            target = Path(os.path.normpath(one.parent / os.readlink(one)))
            yield from _way(target) if target != one else ()
        else:
            yield one


def _has_list(path: Path) -> bool:
    try:
        return ACL in os.listxattr(path)
    except OSError:
        return False
