"""Answers as JSON, and errors as RFC 9457 problem details."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a request: where (``feeds[0]``, ``limit``) and what, with what would be right."""

    path: str
    message: str


class Problem(Exception):
    """An answer that says what is wrong; the middleware sends it."""

    def __init__(
        self, status: int, detail: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})

    @property
    def title(self) -> str:
        """The status in words: what ``about:blank`` problems are titled (RFC 9457 section 4.2.1)."""
        return HTTPStatus(self.status).phrase


def problem_response(problem: Problem) -> web.Response:
    """The problem as ``application/problem+json``."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.faults:
        body["errors"] = [{"path": fault.path, "message": fault.message} for fault in problem.faults]
    return web.Response(
        body=orjson.dumps(body),
        status=problem.status,
        headers={"Cache-Control": "no-store", **problem.headers},
        content_type="application/problem+json",
    )


def json_response(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Data as JSON; not to be stored by caches unless ``headers`` say otherwise."""
    return web.Response(
        body=orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE),
        status=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        content_type="application/json",
        charset="utf-8",
    )


def invalid(*faults: Fault) -> Problem:
    """422: the request is well-formed and cannot be followed."""
    return Problem(422, "; ".join(f"{fault.path}: {fault.message}" for fault in faults), faults=faults)


def too_many(said: str, wait: float) -> Problem:
    """429 with when to try again (RFC 6585 section 4): in ``wait`` seconds, told as whole ones."""
    seconds = max(1, math.ceil(wait))
    return Problem(429, f"{said}; try again in {seconds} s", headers={"Retry-After": str(seconds)})


def nearest(name: str, known: Iterable[str]) -> str:
    """What might have been meant: the closest known names, else a few of them, as the end of a sentence."""
    names = sorted(map(str, known))  # else an enumeration's members would be shown as Python shows them
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    if not names:
        return "there are none yet"
    shown = ", ".join(names[:10])
    return f"known: {shown}" + (f" and {len(names) - 10} more" if len(names) > 10 else "")
