"""What is pushed, as observations. It is read as the files of a folder are, but refused for any error."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from aiohttp import web

from publisher.errors import Faulty, ReadError, Unread
from publisher.model import Indicator
from publisher.model.observed import ObservedArticle
from publisher.model.observed import Problem as Doubt
from publisher.sources.json.batch import Entry, not_a_batch, read_entries, read_one
from publisher.sources.json.pushed import read_indicator_json
from publisher.sources.parsed import read_back, read_entry
from publisher.web.http.request import body_of, json_bytes, json_object, loaded
from publisher.web.http.response import Fault, Problem, invalid
from publisher.web.services import services_of

TAG_WEIGHT = 100
"""How many characters of text take as long to read as one tag."""

LIGHT = 32_768
"""Characters, tags weighed, that are read where requests are served; more is read in a thread."""

HEAVY = 1_048_576
"""Characters, tags weighed, above which a body is read in a process that can be killed."""

WAIT = 30
"""``Retry-After`` seconds for a body that could not be read through no fault of its own."""


async def read_article(request: web.Request, id_: str) -> tuple[ObservedArticle, list[Fault]]:
    """The article of a PUT, and what is doubtful about it; 422 names each field that is wrong."""
    payload, body = await json_object(request), await body_of(request)
    given = {"origin": request.path, "language": services_of(request).site().language}
    runner = services_of(request).runner
    weight = weight_of(body)
    if weight > HEAVY and runner is not None:
        with _answered():
            parsed = await read_back(await runner.run("pushed", body, {**given, "id": id_}))
        article, problems = next(iter(parsed.articles), None), parsed.problems
    elif weight > LIGHT:
        article, problems = await asyncio.to_thread(lambda: read_one(payload, id_, **given))
    else:
        article, problems = read_one(payload, id_, **given)
    if article is None:
        raise invalid(*_faults(problems))
    return article, _faults(problems)


async def read_batch(request: web.Request, limit: int, most: int) -> list[tuple[Entry, list[Fault]]]:
    """The articles of a POST, each with what is wrong or doubtful about it; 422 for no list of 1 to ``most``."""
    body = await json_bytes(request, limit)
    given = {"origin": request.path, "language": services_of(request).site().language}
    runner = services_of(request).runner
    if weight_of(body) > HEAVY and runner is not None:
        entries = []
        with _answered():
            for piece in await runner.run("batch", body, {**given, "most": most}):
                entries.append(await read_entry(piece))
                await asyncio.sleep(0)  # a thousand large articles take a while: other requests get their turn
    else:
        payload = loaded(body)
        if said := not_a_batch(payload, most):
            raise Problem(422, f"the body {said}")
        # Reading and sanitising takes a while, so it is not done on the event loop.
        entries = await asyncio.to_thread(lambda: list(read_entries(payload, **given)))
    return [(entry, _faults(entry.problems)) for entry in entries]


def weight_of(body: bytes) -> int:
    """How long a body takes to read, in characters of text: of one article or of many. JSON may write ``<`` escaped."""
    tags = body.count(b"<") + body.count(b"\\u003c") + body.count(b"\\u003C")
    return len(body) + tags * TAG_WEIGHT


@contextlib.contextmanager
def _answered() -> Iterator[None]:
    """The result of reading a body in the process for documents, or the error response.

    503 where the client should send it again, 500 where the fault is ours, 400 for what is no JSON, and 422 for any
    other error.
    """
    try:
        yield
    except Faulty as error:
        raise Problem(500, "the body could not be read for a fault of the server; its log says more") from error
    except Unread as error:
        again = {"Retry-After": str(WAIT)}
        raise Problem(503, f"the body could not be read now; send it again in {WAIT} s", headers=again) from error
    except ReadError as error:
        raise Problem(400 if str(error).startswith("is no JSON") else 422, f"the body {error}") from error


def read_indicator(
    request: web.Request, payload: object, at: str, now: datetime
) -> tuple[Indicator | None, list[Fault]]:
    """One observation and what is doubtful about it, or None and what is wrong; ``at``: its place in the request.

    ``observed_at`` is ``now`` where it is not given; name and unit are those of the registry.
    """
    specs = services_of(request).catalog().indicators
    indicator, problems = read_indicator_json(payload, specs=specs, now=now, origin=request.path, path=at)
    return indicator, _faults(problems)


def _faults(problems: Sequence[Doubt]) -> list[Fault]:
    return [Fault(problem.field or "body", problem.message) for problem in problems]
