"""``If-Match`` and ``If-None-Match`` for changes (RFC 9110 section 13.1): a client changes only the version that it has
seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import ETag, web

from publisher.web.http.response import Problem

ANY = "*"

_EDITION = re.compile(r"-[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request demands of the version that is there. Make it with :func:`conditions_of`."""

    match: tuple[ETag, ...] | None
    none_match: tuple[ETag, ...] | None

    def check(self, current: str | None) -> None:
        """412 unless the conditions hold for ``current``, the tag of the present version without quotes; None if there
        is none.
        """
        if self.match is not None and not _among(current, self.match):
            raise _refused("If-Match", f"asks for {_shown(self.match)}", current)
        if self.none_match is not None and _among(current, self.none_match):
            raise _refused("If-None-Match", f"refuses {_shown(self.none_match)}", current)


def conditions_of(request: web.Request) -> Conditions:
    """The conditions of a request; a header without an entity tag matches nothing."""
    headers = request.headers
    return Conditions(
        request.if_match or () if "If-Match" in headers else None,
        request.if_none_match or () if "If-None-Match" in headers else None,
    )


def _among(current: str | None, tags: tuple[ETag, ...]) -> bool:
    # Strong comparison: a weak tag matches nothing here. Provenance is no part of a version.
    return current is not None and any(
        tag.value == ANY or (_EDITION.sub("", tag.value) == current and not tag.is_weak) for tag in tags
    )


def _shown(tags: tuple[ETag, ...]) -> str:
    return ", ".join(tag.value if tag.value == ANY else f'"{tag.value}"' for tag in tags)[:200] or "no entity tag"


def _refused(header: str, demand: str, current: str | None) -> Problem:
    there = "there is none" if current is None else f'it is "{current}" now'
    return Problem(412, f"{header} {demand}, but {there}", headers={"ETag": f'"{current}"'} if current else {})
